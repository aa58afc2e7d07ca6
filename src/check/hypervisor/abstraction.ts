/**
 * What of an actor's state, and of a message, is no state to the explorer: statistics, sums of cycles,
 * and values that are always written before they are read. By name, so that one can check it; and
 * checked (debugSteps.ts): each step is worked out again with other values in all of these.
 */
import type { AnyEventObject } from "xstate";
import type { EstimatePoint } from "../../../machines/estimatorContext.ts";
import type { ActorSnapshot } from "../../system/actors.ts";

/** Statistics and cycles, by machine: nothing is decided by them. */
const STATISTICS: Readonly<Record<string, readonly string[]>> = {
  vcpu: ["exits", "entries", "lastExit"],
  pmlUnit: ["fullEvents"],
  prlUnit: ["ipis"],
  pvmCpu: [
    "ipis",
    "coalesced",
    "handlerRuns",
    "rowCycles",
    "logsServed",
    "handlerCycles",
    "jobCycles",
    "hypercallCycles",
  ],
  dispatcher: ["exits", "workCycles", "handlerCycles"],
  tracker: ["violations", "drains", "handlerCycles", "controlCycles"],
  toolstack: ["round", "rounds"],
  sampler: ["totals"],
  checkpointLive: ["lateEpochs", "writeCycles", "failures"],
  checkpointStop: ["dueSoFar", "failures"],
  estimation: ["looks", "loads", "estimates"],
  // Its interval counts for samples alone, which no model draws.
  estimator: ["points", "stableAt", "lost", "interval", "spent"],
};

/** Statistics within a value, by machine: what a migration reports of itself, and no policy looks at. */
const STATISTICS_WITHIN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  migration: {
    progress: ["pagesSent", "bytesSent", "bytesAtSync", "bytesArrived", "leastPending", "rounds"],
    "progress.round": ["iteration", "pagesSent", "bytes", "duration"],
  },
};

/** Values of which only a part matters, by machine. */
const REDUCED: Readonly<Record<string, Readonly<Record<string, (value: never) => unknown>>>> = {
  // Whether the handler took anything from the job under way.
  pvmCpu: { preemptedCycles: (cycles: number) => Math.min(cycles, 1) },
  // Whether there is an estimate, and whether it is stable; the rest goes into the series.
  estimator: {
    point: ({ pages, stable }: EstimatePoint) => ({ pages: pages === null ? null : 0, stable }),
  },
};

/** Left over from before: written anew before anything reads it. By machine and state. */
const DEAD: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  vcpu: { ready: ["mmu", "dispatcher", "finished"], halted: ["mmu", "dispatcher"] },
  mmu: { idle: ["vcpu"] },
  dispatcher: { vacant: ["vcpu"] },
  tracker: { logging: ["answer", "requester"], off: ["answer", "requester"] },
  pvmCpu: { guest: ["drained"], deferred: ["drained"] },
  operator: { idle: ["vm", "technique", "pagesWritten", "pagesTouched"] },
};

/** Payload that only statistics or delays are made of. */
const MESSAGE_STATISTICS = [
  "cycles",
  "spent",
  "pagesWritten",
  "pagesTouched",
  "guestPageTables",
  "handlerCycles",
  "jobCycles",
];
/** The number of a turn on a CPU: with a CPU for each vCPU no timer ever asks for it. */
const SLICE = "slice";

export function isIgnored(machine: string, state: string, key: string): boolean {
  return (
    STATISTICS[machine]?.includes(key) === true || DEAD[machine]?.[state]?.includes(key) === true
  );
}

/** A state without what is no state: those keys are as they were at the start. */
export function normalState(
  machine: string,
  { value, context }: ActorSnapshot,
  initial: object,
): ActorSnapshot {
  const first: Readonly<Record<string, unknown>> = { ...initial };
  const entries = Object.entries(context).map(([key, part]) => {
    if (isIgnored(machine, value, key)) return [key, first[key]];
    const reduced = REDUCED[machine]?.[key]?.(part as never) ?? part;
    const plain = changeStatisticsWithin(machine, key, reduced, plainValue);
    return [key, withoutStatistics(plain)];
  });
  return { value, context: Object.fromEntries(entries) };
}

/** A value with `change` done to each statistic in it. `path`: its key, and those of the values that it is in. */
function changeStatisticsWithin(
  machine: string,
  path: string,
  value: unknown,
  change: (statistic: unknown) => unknown,
): unknown {
  const names = STATISTICS_WITHIN[machine]?.[path];
  if (names === undefined || value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, part]) => [
    key,
    names.includes(key)
      ? change(part)
      : changeStatisticsWithin(machine, `${path}.${key}`, part, change),
  ]);
  return Object.fromEntries(entries);
}

function plainValue(statistic: unknown): unknown {
  return Array.isArray(statistic) ? [] : 0;
}

function otherValue(statistic: unknown): unknown {
  return typeof statistic === "number" ? statistic + 1 : statistic;
}

/** A message without statistics: they are zero. */
export function normalMessage<Event extends AnyEventObject>(event: Event): Event {
  return withoutStatistics(event) as Event;
}

function withoutStatistics(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutStatistics);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      (MESSAGE_STATISTICS.includes(key) && typeof inner === "number") || key === SLICE
        ? 0
        : withoutStatistics(inner),
    ]),
  );
}

/** The same state with other values in everything that is ignored. */
export function scrambledState(machine: string, { value, context }: ActorSnapshot): ActorSnapshot {
  const entries = Object.entries(context).map(([key, part]) => {
    if (!isIgnored(machine, value, key)) {
      return [key, changeStatisticsWithin(machine, key, part, otherValue)];
    }
    return [key, typeof part === "number" ? part + 1 : part];
  });
  return { value, context: Object.fromEntries(entries) };
}
