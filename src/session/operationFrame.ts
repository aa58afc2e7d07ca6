/** What the toolstack is doing, as its operation tells it. */
import { toldOf } from "../system/operations/all.ts";
import type { System } from "../system/system.ts";
import type { OperationFrame } from "./frame.ts";

export function operationFrame(system: System): OperationFrame {
  const result = system.result();
  const state = system.operating.value;
  return { kind: result.kind, state, ...toldOf(result, state) };
}
