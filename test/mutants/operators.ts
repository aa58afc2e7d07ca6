/**
 * Mutants from the syntax of a file: each operator looks at one kind of node and proposes edits. Types are
 * left alone, and so is what only names or describes (imports, error texts).
 */
import ts from "typescript";
import { machineEdits } from "./machineOperators.ts";
import type { Mutant, MutantClass, Visit } from "./mutant.ts";

type Replacements = Partial<Record<ts.SyntaxKind, readonly (readonly [MutantClass, string])[]>>;

const { SyntaxKind } = ts;

const BINARY: Replacements = {
  [SyntaxKind.LessThanToken]: [["boundary", "<="]],
  [SyntaxKind.LessThanEqualsToken]: [["boundary", "<"]],
  [SyntaxKind.GreaterThanToken]: [["boundary", ">="]],
  [SyntaxKind.GreaterThanEqualsToken]: [["boundary", ">"]],
  [SyntaxKind.EqualsEqualsEqualsToken]: [["condition", "!=="]],
  [SyntaxKind.ExclamationEqualsEqualsToken]: [["condition", "==="]],
  [SyntaxKind.AmpersandAmpersandToken]: [["condition", "||"]],
  [SyntaxKind.BarBarToken]: [["condition", "&&"]],
  [SyntaxKind.PlusToken]: [["arithmetic", "-"]],
  [SyntaxKind.MinusToken]: [["arithmetic", "+"]],
  [SyntaxKind.AsteriskToken]: [["arithmetic", "+"]],
  [SyntaxKind.SlashToken]: [["arithmetic", "*"]],
  [SyntaxKind.PlusEqualsToken]: [["arithmetic", "-="]],
  [SyntaxKind.MinusEqualsToken]: [["arithmetic", "+="]],
  [SyntaxKind.AmpersandToken]: [["bits", "|"]],
  [SyntaxKind.BarToken]: [["bits", "&"]],
  [SyntaxKind.CaretToken]: [["bits", "&"]],
  [SyntaxKind.LessThanLessThanToken]: [["bits", ">>>"]],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken]: [["bits", "<<"]],
  [SyntaxKind.AmpersandEqualsToken]: [["bits", "|="]],
  [SyntaxKind.BarEqualsToken]: [["bits", "&="]],
};

/** All proposals for a file, in order of place. */
export function proposalsFor(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: Mutant[] = [];
  const names = new Map<string, number>();
  const visit: Visit = {
    source,
    propose(kind, node, replacement) {
      const start = node.getStart(source);
      const before = text.slice(start, node.end);
      if (before === replacement) return;
      const change = `${shown(before)} -> ${shown(replacement)}`;
      const base = `${file} ${ownerOf(node, source)}: ${change}`;
      const count = (names.get(base) ?? 0) + 1;
      names.set(base, count);
      found.push({
        name: count === 1 ? base : `${base} (${count})`,
        file,
        class: kind,
        damage: "",
        edit: { start, end: node.end, text: replacement },
      });
    },
  };
  const walk = (node: ts.Node): void => {
    if (isPassedOver(node)) return;
    expressionEdits(node, visit);
    statementEdits(node, visit);
    machineEdits(node, visit);
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found.sort((a, b) => a.edit.start - b.edit.start || compare(a.name, b.name));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

const SHOWN_MAX = 60;

function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length === 0
    ? "nothing"
    : `\`${line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}…` : line}\``;
}

/** Where a node is, for people: the functions, properties and declarations around it. */
export function ownerOf(node: ts.Node, source: ts.SourceFile): string {
  const names: string[] = [];
  for (let at: ts.Node | undefined = node.parent; at !== undefined; at = at.parent) {
    const name = nameOf(at);
    if (name !== undefined) names.unshift(name.getText(source).replaceAll('"', ""));
  }
  return names.slice(-4).join(".") || "top";
}

function nameOf(node: ts.Node): ts.Node | undefined {
  if (ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) return node.name;
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return node.name;
  if (ts.isVariableDeclaration(node) && node.name.kind === SyntaxKind.Identifier) return node.name;
  if (ts.isGetAccessor(node) || ts.isSetAccessor(node)) return node.name;
  return undefined;
}

function isPassedOver(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node)) return true;
  if (ts.isTypeAliasDeclaration(node) || ts.isThrowStatement(node)) return true;
  return ts.isPropertyAssignment(node) && node.name.getText() === "types";
}

function expressionEdits(node: ts.Node, { propose }: Visit): void {
  if (ts.isBinaryExpression(node)) {
    for (const [kind, text] of BINARY[node.operatorToken.kind] ?? []) {
      // Text is put together with "+", too.
      if (kind !== "arithmetic" || !hasText(node)) propose(kind, node.operatorToken, text);
    }
  } else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === SyntaxKind.TildeToken) propose("bits", node, node.operand.getText());
    if (node.operator === SyntaxKind.ExclamationToken) {
      propose("condition", node, node.operand.getText());
    }
  } else if (ts.isPostfixUnaryExpression(node)) {
    const isCounter = ts.isForStatement(node.parent);
    const text = node.operator === SyntaxKind.PlusPlusToken ? "--" : "++";
    // A loop's own counter that goes the other way never ends: that says nothing of the tests.
    if (!isCounter) propose("arithmetic", node, node.operand.getText() + text);
  } else if (ts.isNumericLiteral(node)) {
    constantEdits(node, propose);
  } else if (node.kind === SyntaxKind.TrueKeyword) propose("constant", node, "false");
  else if (node.kind === SyntaxKind.FalseKeyword) propose("constant", node, "true");
  else if (ts.isConditionalExpression(node)) {
    propose("condition", node.condition, `!(${node.condition.getText()})`);
  } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name } = node.expression;
    const other = {
      min: "max",
      max: "min",
      ceil: "floor",
      floor: "ceil",
      some: "every",
      every: "some",
    };
    const swap = Object.entries(other).find(([one]) => one === name.text);
    if (swap !== undefined) propose("arithmetic", name, swap[1]);
  }
}

function hasText(node: ts.BinaryExpression): boolean {
  return [node.left, node.right].some(
    (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
  );
}

function constantEdits(node: ts.NumericLiteral, propose: Visit["propose"]): void {
  // Positions in tables of names, and enumerations, are names themselves; -1 is "none" by convention.
  const value = Number(node.text);
  if (!Number.isSafeInteger(value)) return;
  propose("constant", node, String(value + 1));
}

function statementEdits(node: ts.Node, { propose }: Visit): void {
  if (ts.isExpressionStatement(node)) {
    propose("statement removed", node, ";");
  } else if (ts.isIfStatement(node)) {
    const { expression, thenStatement, elseStatement } = node;
    propose("condition", expression, `!(${expression.getText()})`);
    if (elseStatement === undefined && leaves(thenStatement)) {
      propose("early return removed", node, ";");
    } else {
      propose("condition", expression, "true");
    }
  } else if (ts.isWhileStatement(node)) {
    propose("condition", node.expression, "false");
  }
}

function leaves(statement: ts.Statement): boolean {
  const last = ts.isBlock(statement) ? statement.statements.at(-1) : statement;
  if (last === undefined) return false;
  return ts.isReturnStatement(last) || ts.isContinueStatement(last) || ts.isBreakStatement(last);
}
