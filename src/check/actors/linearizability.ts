/**
 * Whether what clients have seen of an object is linearizable: each operation takes effect at one moment between
 * its call and its answer (Herlihy and Wing, 1990). Decided by trying all orders that the moments allow, each
 * state of the object with the same operations done once (Wing and Gong, 1993; Lowe, 2017).
 */

import { itemAt } from "../../lookup.ts";
import { canonical } from "../engine/encoding.ts";

/** A call, or the answer to a client's last call, in the order in which they came about. */
export type OperationEvent<Call, Result> =
  | { readonly client: string; readonly call: Call }
  | { readonly client: string; readonly result: Result };

interface Operation<Call, Result> {
  readonly call: Call;
  /** Positions in the history; an operation that is not answered may take effect later, or never. */
  readonly called: number;
  readonly answered: number;
  readonly answer: { readonly result: Result } | null;
}

/**
 * @param initial the object's first state
 * @param apply the object done right, one operation at a time: its next state, and the result
 */
export function isLinearizable<State, Call, Result>(
  history: readonly OperationEvent<Call, Result>[],
  initial: State,
  apply: (state: State, call: Call) => readonly [next: State, result: Result],
): boolean {
  const operations = operationsOf(history);
  const tried = new Set<string>();
  const goesOn = (state: State, left: readonly number[]): boolean => {
    if (left.every((one) => itemAt(operations, one).answer === null)) return true;
    const key = `${left.join(" ")} ${canonical(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const end = Math.min(...left.map((one) => itemAt(operations, one).answered));
    return left.some((one) => {
      const { call, called, answer } = itemAt(operations, one);
      // Another operation was over before this was called.
      if (called > end) return false;
      const [next, result] = apply(state, call);
      if (answer !== null && canonical(result) !== canonical(answer.result)) return false;
      return goesOn(
        next,
        left.filter((other) => other !== one),
      );
    });
  };
  return goesOn(initial, [...operations.keys()]);
}

function operationsOf<Call, Result>(
  history: readonly OperationEvent<Call, Result>[],
): readonly Operation<Call, Result>[] {
  const operations: Operation<Call, Result>[] = [];
  const open = new Map<string, number>();
  history.forEach((event, position) => {
    const { client } = event;
    if ("call" in event) {
      if (open.has(client)) throw new Error(`${client} calls again before it was answered`);
      open.set(client, operations.length);
      const operation = { call: event.call, called: position, answered: Infinity, answer: null };
      operations.push(operation);
      return;
    }
    const number = open.get(client);
    if (number === undefined) throw new Error(`${client} is answered and has called nothing`);
    open.delete(client);
    const { result } = event;
    operations[number] = { ...itemAt(operations, number), answered: position, answer: { result } };
  });
  return operations;
}
