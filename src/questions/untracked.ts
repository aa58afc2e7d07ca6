/** The run that a tracker's overhead is measured against. */
import type { RunOrder } from "../runs/runOrder.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";

/**
 * The same guests for as long, without tracking; and without an operation, which could not do without.
 * @param time of the run with tracking, in cycles
 */
export function untracked<Order extends RunOrder>(order: Order, time: number): Order {
  const { scenario } = order;
  const isMeasured = scenario.operation.kind === "measure";
  const operation = scenarioSchema.shape.operation.parse({ kind: "measure" });
  const until = scenario.until ?? (isMeasured ? undefined : Math.max(1, Math.round(time)));
  const tracker = scenarioSchema.shape.tracker.parse({ technique: "none" });
  const machine = { ...scenario.machine, logEntries: 512, unit: undefined };
  const plain = { ...scenario, machine, operation, tracker, faults: [], until };
  return { ...order, scenario: plain };
}
