/**
 * What a machine could do: each transition of its definition, by state, event and branch. What stands in the machine
 * itself, for every state, is one transition. A branch behind one without a guard is none.
 */
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { ALWAYS } from "../interconnect/compiledLogic.ts";
import { valueUnder } from "../lookup.ts";

export interface Branch {
  /** See branchKey. */
  readonly key: string;
  /** As people read it: "state: event", with the guard if there are several. */
  readonly text: string;
}

/** @param number among the transitions that stand there for the event */
function branchKey(state: string, event: string, number: number): string {
  return `${state}: ${event} ${number}`;
}

/**
 * The branch that a compiled machine has taken (compiledLogic.ts).
 * @param number among the state's transitions for the event, those of the machine itself behind its own
 */
export function branchTaken(
  { root }: AnyStateMachine,
  state: string,
  event: string,
  number: number,
): string {
  const node = root.states[state];
  const own = event === ALWAYS ? node?.always : node?.transitions.get(event);
  const behind = number - (own?.length ?? 0);
  return behind < 0 ? branchKey(state, event, number) : branchKey(nameOf(root), event, behind);
}

/** The branch that a transition of XState's is. */
export function branchOf(transition: Transition): string {
  const { source, eventType } = transition;
  const number = valueUnder(source.transitions, eventType).indexOf(transition);
  return branchKey(nameOf(source), eventType, number);
}

type Transition =
  AnyStateNode["transitions"] extends ReadonlyMap<string, readonly (infer One)[]> ? One : never;

export function nodesIn(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...nodesIn(child)]);
}

/** A state's name, with those of the states that it is in; "any" for the machine itself. */
export function nameOf(node: AnyStateNode): string {
  return node.path.length === 0 ? "any" : node.path.join(".");
}

/** Every branch. @param withAlways those that need no event, too */
export function branchesOf({ root }: AnyStateMachine, withAlways: boolean): Branch[] {
  return [root, ...nodesIn(root)].flatMap((node) => [
    ...[...node.transitions].flatMap(([event, all]) => branchesFor(nameOf(node), event, all)),
    ...(withAlways ? branchesFor(nameOf(node), ALWAYS, node.always ?? []) : []),
  ]);
}

function branchesFor(state: string, event: string, all: readonly Transition[]): Branch[] {
  const last = all.findIndex(({ guard }) => guard === undefined);
  const list = last < 0 ? all : all.slice(0, last + 1);
  return list.map(({ guard }, number) => {
    const which =
      guard === undefined ? (list.length > 1 ? " [otherwise]" : "") : ` [${guardName(guard)}]`;
    return { key: branchKey(state, event, number), text: `${state}: ${event}${which}` };
  });
}

function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "object" && guard !== null && "type" in guard) return String(guard.type);
  const name = typeof guard === "function" ? guard.name : "";
  return name === "" ? "a guard" : name;
}
