/**
 * What of an actor's state, and of a message, is no state to the explorer: statistics, sums of cycles,
 * and values that are always written before they are read. By name, so that one can check it; and
 * checked: in every search each step is worked out again with other values in all of these, and must come
 * to the same (stepAudit.ts).
 */
import type { AnyEventObject } from "xstate";
import type { EstimatePoint } from "../../../machines/estimatorContext.ts";
import { traitsOf } from "../../interconnect/fields.ts";
import { MESSAGES } from "../../interconnect/messages.ts";
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
  operator: ["pagesWritten", "pagesTouched"],
  sampler: ["totals"],
  pager: ["faults", "flushes", "handlerCycles"],
  balloon: ["asked", "guestCycles"],
  checkpointLive: ["lateEpochs", "writeCycles", "failures"],
  checkpointStop: ["dueSoFar", "failures"],
  // What it reports of its throttle.
  migration: ["throttleSteps"],
  estimation: ["looks", "loads", "estimates"],
  // Its interval counts for samples alone, which no model draws.
  estimator: ["points", "stableAt", "lost", "interval", "spent"],
};

/** Statistics within a value, by machine: what an operation reports of itself, and no policy looks at. */
const STATISTICS_WITHIN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  migration: {
    progress: ["pagesSent", "bytesSent", "bytesAtSync", "bytesArrived", "leastPending", "rounds"],
    "progress.round": ["iteration", "pagesSent", "bytes", "duration"],
  },
  // What is said of the working set; PRL's loop goes by numbers of its own.
  estimator: { progress: ["estimate"] },
};

interface Reduction {
  /** What matters of a value. */
  readonly reduce: (value: never) => unknown;
  /** Another value of which the same matters. @param more a whole number above 0 */
  readonly alike: (value: never, more: number) => unknown;
}

/** Values of which only a part matters, by machine. */
const REDUCED: Readonly<Record<string, Readonly<Record<string, Reduction>>>> = {
  // Whether the handler took anything from the job under way.
  pvmCpu: {
    preemptedCycles: {
      reduce: (cycles: number) => Math.min(cycles, 1),
      alike: (cycles: number, more: number) => (cycles > 0 ? cycles + more : 0),
    },
  },
  // Whether there is an estimate, and whether it is stable; the rest goes into the series.
  estimator: {
    point: {
      reduce: ({ pages, stable }: EstimatePoint) => ({ pages: pages === null ? null : 0, stable }),
      alike: ({ pages, stable }: EstimatePoint, more: number) => ({
        pages: pages === null ? null : pages + more,
        stable,
      }),
    },
  },
};

/** Left over from before: written anew before anything reads it. By machine and state. */
const DEAD: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  vcpu: { ready: ["mmu", "dispatcher"], halted: ["mmu", "dispatcher"] },
  mmu: { idle: ["vcpu"] },
  dispatcher: { vacant: ["vcpu"] },
  tracker: {
    logging: ["answer", "requester"],
    off: ["answer", "requester"],
    preparing: ["answer"],
  },
  pvmCpu: { guest: ["drained"], deferred: ["drained"] },
  operator: { idle: ["vm", "technique"] },
};

/** Fields of all messages, by name, with what is said of each. */
const MESSAGE_FIELDS = Object.entries(MESSAGES).flatMap(([type, { fields }]) =>
  Object.entries(fields).map(([name, schema]) => ({ type, name, ...traitsOf(schema) })),
);
/** Payload that only statistics or delays are made of; also where a context keeps it. */
const MESSAGE_STATISTICS = MESSAGE_FIELDS.filter(({ name }) =>
  MESSAGE_FIELDS.every((field) => field.name !== name || field.statistic === true),
).map(({ name }) => name);
/** The same of some types of messages alone. */
const STATISTICS_OF = new Map(
  Object.keys(MESSAGES).map((type) => [
    type,
    MESSAGE_FIELDS.filter((field) => field.type === type && field.statistic).map(
      ({ name }) => name,
    ),
  ]),
);
/**
 * The number of a turn, on a CPU or of a throttle. A timer of an earlier turn changes nothing (which is checked:
 * ofAnotherTurn, test/system/turns.test.ts), as if it had not ended yet; so that all timers are of this turn leaves
 * nothing out.
 */
const TURNS = [...new Set(MESSAGE_FIELDS.flatMap(({ name, turn }) => (turn ? [name] : [])))];

function isIgnored(machine: string, state: string, key: string): boolean {
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
    const reduced = REDUCED[machine]?.[key]?.reduce(part as never) ?? part;
    const plain = changeStatisticsWithin(machine, key, reduced, plainValue);
    return [key, TURNS.includes(key) ? 0 : changeStatistics(plain, () => 0)];
  });
  return { value, context: Object.fromEntries(entries) };
}

/** A message without statistics: they are zero. */
export function normalMessage<Event extends AnyEventObject>(event: Event): Event {
  return changeStatistics(event, () => 0) as Event;
}

/** Which of a state's, or a message's, parts get other values: by name. */
export type PartFilter = (name: string) => boolean;

/** The same state with other values in all that is no state. @param more a whole number above 0: other ones for each */
export function scrambledState(
  machine: string,
  { value, context }: ActorSnapshot,
  more: number,
  only: PartFilter = () => true,
): ActorSnapshot {
  const entries = Object.entries(context).map(([key, part]) => {
    if (!only(key)) return [key, part];
    if (isIgnored(machine, value, key)) return [key, otherValue(part, more)];
    const alike = REDUCED[machine]?.[key]?.alike(part as never, more) ?? part;
    const within = changeStatisticsWithin(machine, key, alike, (one) => otherValue(one, more));
    return [key, TURNS.includes(key) ? more : changeStatistics(within, () => more)];
  });
  return { value, context: Object.fromEntries(entries) };
}

/** The same message with other statistics. */
export function scrambledMessage<Event extends AnyEventObject>(
  event: Event,
  more: number,
  only: PartFilter = () => true,
): Event {
  const entries = Object.entries(changeStatistics(event, () => more) as Event).map(
    ([key, value]) => (only(key) ? [key, value] : [key, event[key as keyof Event]]),
  );
  return Object.fromEntries(entries) as Event;
}

/** The same message as one of another turn; null if it is of none. Who takes it may also take it for too late. */
export function ofAnotherTurn<Event extends AnyEventObject>(event: Event): Event | null {
  const key = TURNS.find((one) => typeof event[one] === "number");
  return key === undefined ? null : { ...event, [key]: Number(event[key]) + 1 };
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

/** A value unlike this one, of the same shape as far as whoever adds to it needs that. */
function otherValue(value: unknown, more: number): unknown {
  switch (typeof value) {
    case "number":
      return value + more;
    case "boolean":
      return !value;
    case "string":
      return `${value} ${more}`;
    case "object":
      if (value === null) return more;
      if (Array.isArray(value)) {
        const others = value.map((one) => otherValue(one, more));
        // Every second time there is one more in a list.
        return more % 2 === 0 ? [...others, ...others.slice(-1)] : others;
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, otherValue(inner, more)]),
      );
    default:
      return value;
  }
}

/** Payload of messages, and what contexts keep of it, with other statistics in it. */
function changeStatistics(value: unknown, statistic: () => number): unknown {
  if (Array.isArray(value)) return value.map((one) => changeStatistics(one, statistic));
  if (value === null || typeof value !== "object") return value;
  const own = "type" in value ? STATISTICS_OF.get(String(value.type)) : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isStatistic = MESSAGE_STATISTICS.includes(key) || own?.includes(key) === true;
      return (isStatistic && typeof inner === "number") || TURNS.includes(key)
        ? [key, statistic()]
        : [key, changeStatistics(inner, statistic)];
    }),
  );
}
