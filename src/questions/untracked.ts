/** The run that a tracker's overhead is measured against. */
import type { RunOrder } from "../runs/runOrder.ts";
import { scenarioFormat } from "../system/scenario/units.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import { formatFor } from "../units/all.ts";

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
  // On the same processor, whose entries may be those of the tracker's unit.
  const format = scenarioFormat(scenario);
  const machine = {
    ...scenario.machine,
    ...(format === formatFor(null) ? {} : { entryFormat: format.name }),
    logEntries: 512,
    unit: undefined,
  };
  const plain = { ...scenario, machine, operation, tracker, faults: [], until };
  return { ...order, scenario: plain };
}
