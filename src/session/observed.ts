/** What of a run is looked at over and over, so that its course can be shown: sums over all vCPUs. */
import { Counter } from "../hardware/counters.ts";
import { itemAt, numberAt } from "../lookup.ts";
import type { System } from "../system/system.ts";
import { History } from "./history.ts";
import { visitPending } from "./machineFrame.ts";

export interface Observed {
  /** For people. */
  readonly name: string;
  /** Null: it is no count that grows, but entries that lie in logs, unread. */
  readonly counter: keyof typeof Counter | null;
}

export const OBSERVED = [
  { name: "accesses", counter: "accesses" },
  { name: "writes", counter: "writes" },
  { name: "TLB misses", counter: "tlbMisses" },
  { name: "walks", counter: "walks" },
  { name: "log entries", counter: "logEntries" },
  { name: "log full", counter: "logFull" },
  { name: "missed GPAs", counter: "missedGpas" },
  { name: "in logs", counter: null },
] as const satisfies readonly Observed[];

export type ObservedName = (typeof OBSERVED)[number]["name"];

/** The values of now, in the order of OBSERVED. */
export function observe(system: System): number[] {
  return OBSERVED.map((observed) =>
    system.world.vcpus.reduce((sum, _, vcpu) => sum + countOf(system, vcpu, observed), 0),
  );
}

/** Of one vCPU. */
export function countOf(system: System, vcpu: number, { counter }: Observed): number {
  if (counter === null) return visitPending(system, vcpu, () => {});
  return numberAt(itemAt(system.world.vcpus, vcpu).counters.values, Counter[counter]);
}

/** How a run goes from here on. */
export function historyOf(system: System): History {
  const history = new History();
  const { delivered, now } = system.interconnect;
  history.look(now, observe(system));
  delivered.subscribe(({ time }) => {
    if (time >= history.due) history.look(time, observe(system));
  });
  return history;
}
