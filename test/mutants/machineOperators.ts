/**
 * Operators for machines: what a state chart, and what is sent, can get wrong. They look for the forms that
 * `setup().createMachine()` has in machines/, and for the calls of src/interconnect/emissions.ts.
 */
import ts from "typescript";
import type { Visit } from "./mutant.ts";

/** Proposals for a node of a machine's definition, or a sending call. */
export function machineEdits(node: ts.Node, visit: Visit): void {
  if (ts.isPropertyAssignment(node)) {
    const name = node.name.getText();
    if (name === "actions") actionEdits(node, visit);
    else if (name === "target") targetEdits(node, node.initializer, visit);
    else if (name === "guard") guardEdits(node, visit);
    else eventEdits(node, visit);
  }
  if (ts.isCallExpression(node)) callEdits(node, visit);
}

function inMachine(node: ts.Node): boolean {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isCallExpression(at) && at.expression.getText().endsWith("createMachine")) return true;
  }
  return false;
}

function actionEdits(node: ts.PropertyAssignment, { propose }: Visit): void {
  const value = node.initializer;
  if (ts.isStringLiteral(value)) propose("action removed", value, "[]");
  if (!ts.isArrayLiteralExpression(value)) return;
  const all = value.elements.map((element) => element.getText());
  all.forEach((_, left) => {
    const rest = all.filter((_, at) => at !== left);
    propose("action removed", value, `[${rest.join(", ")}]`);
    if (left === 0) return;
    const swapped = all.with(left - 1, all[left]!).with(left, all[left - 1]!);
    propose("actions swapped", value, `[${swapped.join(", ")}]`);
  });
}

/** Names of the machine's states, as far as the node is in one. */
function statesAround(node: ts.Node): string[] {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (!ts.isObjectLiteralExpression(at)) continue;
    const states = at.properties.find((one) => one.name?.getText() === "states");
    if (states === undefined || !ts.isPropertyAssignment(states)) continue;
    if (!ts.isObjectLiteralExpression(states.initializer)) continue;
    return states.initializer.properties.map((one) => one.name?.getText() ?? "");
  }
  return [];
}

function targetEdits(node: ts.Node, value: ts.Expression, { propose }: Visit): void {
  if (!ts.isStringLiteral(value) || !inMachine(node)) return;
  for (const state of statesAround(node)) {
    if (state !== value.text) propose("target swapped", value, `"${state}"`);
  }
  const transition = node.parent;
  if (!ts.isObjectLiteralExpression(transition) || value === node) return;
  const rest = transition.properties.filter((one) => one !== node).map((one) => one.getText());
  propose("target removed", transition, `{ ${rest.join(", ")} }`);
}

/** A guard left out; the transitions after it can no longer be taken. */
function guardEdits(node: ts.PropertyAssignment, { propose, source }: Visit): void {
  const following = source.text.slice(node.end).match(/^\s*,/)?.[0].length ?? 0;
  const transition = node.parent;
  if (following === 0 || !ts.isObjectLiteralExpression(transition)) return;
  const rest = transition.properties.filter((one) => one !== node).map((one) => one.getText());
  propose("guard", transition, `{ ${rest.join(", ")} }`);
}

/** A transition left out, or a short one led elsewhere: properties of `on`, elements of their lists. */
function eventEdits(node: ts.PropertyAssignment, visit: Visit): void {
  const owner = node.parent.parent;
  const isEvent = ts.isPropertyAssignment(owner) && owner.name.getText() === "on";
  const isAlways = node.name.getText() === "always";
  if ((!isEvent && !isAlways) || !inMachine(node)) return;
  const value = node.initializer;
  if (ts.isStringLiteral(value)) targetEdits(value, value, visit);
  if (isEvent) visit.propose("transition removed", value, "{}");
  if (!ts.isArrayLiteralExpression(value)) return;
  const all = value.elements.map((element) => element.getText());
  all.forEach((_, left) => {
    const rest = all.filter((_, at) => at !== left);
    visit.propose("transition removed", value, `[${rest.join(", ")}]`);
  });
}

function callEdits(node: ts.CallExpression, visit: Visit): void {
  const called = node.expression.getText();
  if (called === "send") sendEdits(node, visit);
  if (called === "assign") assignEdits(node, visit);
  if (called === "sendAll") listEdits(node, visit);
}

function sendEdits(node: ts.CallExpression, { propose }: Visit): void {
  const [to, message, delay] = node.arguments;
  if (to === undefined || message === undefined) return;
  if (delay !== undefined) {
    propose("delay lost", node, `send(${to.getText()}, ${message.getText()})`);
  }
  const other = otherReceiver(to);
  if (other !== null) propose("other receiver", to, other);
}

/** Another actor that the machine knows by the same kind of name. */
function otherReceiver(to: ts.Expression): string | null {
  if (!ts.isPropertyAccessExpression(to)) return null;
  const text = to.getText();
  if (!text.startsWith("context.")) return null;
  return text === "context.self" ? "0" : "context.self";
}

/** What `assign` is given, or returns, without one of its fields. */
function assignEdits(node: ts.CallExpression, { propose }: Visit): void {
  for (const object of assignedObjects(node)) {
    if (object.properties.length < 2) continue;
    for (const left of object.properties) {
      const rest = object.properties.filter((one) => one !== left).map((one) => one.getText());
      propose("field not noted", object, `{ ${rest.join(", ")} }`);
    }
  }
}

/** The function in `on("event", function)`. */
function withoutEvents(value: ts.Expression): ts.Expression {
  if (!ts.isCallExpression(value) || value.expression.getText() !== "on") return value;
  return value.arguments[1] ?? value;
}

function assignedObjects(node: ts.CallExpression): ts.ObjectLiteralExpression[] {
  const found: ts.ObjectLiteralExpression[] = [];
  const [given] = node.arguments;
  if (given === undefined) return [];
  if (ts.isObjectLiteralExpression(given)) return [given];
  const argument = withoutEvents(given);
  if (!ts.isArrowFunction(argument)) return [];
  const add = (value: ts.Expression): void => {
    const inner = ts.isParenthesizedExpression(value) ? value.expression : value;
    if (ts.isObjectLiteralExpression(inner)) found.push(inner);
  };
  const look = (one: ts.Node): void => {
    if (ts.isReturnStatement(one) && one.expression !== undefined) add(one.expression);
    ts.forEachChild(one, look);
  };
  if (ts.isBlock(argument.body)) look(argument.body);
  else add(argument.body);
  return found;
}

/** A list of messages without one of them: `sendAll([a, b])`. */
function listEdits(node: ts.CallExpression, { propose }: Visit): void {
  const [list] = node.arguments;
  if (list === undefined || !ts.isArrayLiteralExpression(list)) return;
  for (const left of list.elements) {
    const rest = list.elements.filter((one) => one !== left).map((one) => one.getText());
    propose("message lost", list, `[${rest.join(", ")}]`);
  }
}
