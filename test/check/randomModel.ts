/**
 * Small random models for laws between searches: components with tables of steps, shared memory, and
 * channels of every kind. What a component may send is bounded, so that every space is finite.
 */
import fc from "fast-check";
import { createMachine } from "xstate";
import { Channel } from "../../src/check/engine/channel.ts";
import type { Component, Model, Outcome } from "../../src/check/engine/model.ts";
import { Slot } from "../../src/check/engine/slot.ts";
import { over, type Property } from "../../src/check/properties/property.ts";

const STATES = 3;
const MESSAGES = 2;
const MEMORIES = 2;
const SENDS_MOST = 2;

interface RandomStep {
  readonly from: number;
  /** A message, or -1: by itself. */
  readonly message: number;
  /** By the value of the memory that it works on; the first where it works on none. */
  readonly next: readonly [number, number];
  /** Memory that it works on, or -1; what it writes there, by the value that it finds. */
  readonly memory: number;
  readonly stores: readonly [number, number];
  /** It sends only when it finds this value; 2: in any case. */
  readonly sendsAt: number;
  readonly sends: readonly (readonly [channel: number, message: number])[];
  readonly breaks: boolean;
}

interface RandomChannel {
  readonly from: number;
  readonly to: number;
  readonly kind: "fifo" | "bag" | "shared";
  readonly coalesces: boolean;
  readonly immediate: boolean;
  readonly alsoTo: number;
}

export interface RandomModel {
  readonly components: readonly (readonly RandomStep[])[];
  readonly channels: readonly RandomChannel[];
  /** Messages that wait at the start, by channel; MESSAGES: none. */
  readonly waiting: readonly number[];
  readonly never: readonly (readonly [component: number, state: number])[];
  readonly memoryNever: number;
}

interface Local {
  readonly value: number;
  readonly left: number;
}

const count = (most: number) => fc.integer({ min: 0, max: most - 1 });

/** @param most components */
export function randomModels(most: number): fc.Arbitrary<RandomModel> {
  const channels = 4;
  const step: fc.Arbitrary<RandomStep> = fc.record({
    from: count(STATES),
    message: fc.integer({ min: -1, max: MESSAGES - 1 }),
    next: fc.tuple(count(STATES), count(STATES)),
    memory: fc.integer({ min: -1, max: MEMORIES - 1 }),
    stores: fc.tuple(count(2), count(2)),
    sendsAt: count(3),
    sends: fc.array(fc.tuple(count(channels), count(MESSAGES)), { maxLength: 2 }),
    breaks: fc.integer({ min: 0, max: 11 }).map((one) => one === 0),
  });
  return fc.record({
    components: fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), {
      minLength: 2,
      maxLength: most,
    }),
    channels: fc.array(
      fc.record({
        from: count(most),
        to: count(most),
        kind: fc.constantFrom("fifo", "fifo", "fifo", "bag", "shared"),
        coalesces: fc.boolean(),
        immediate: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
        alsoTo: count(most),
      }),
      { minLength: channels, maxLength: channels },
    ),
    waiting: fc.array(count(MESSAGES + 1), { minLength: channels, maxLength: channels }),
    never: fc.array(fc.tuple(count(most), count(STATES)), { minLength: 2, maxLength: 2 }),
    memoryNever: count(2),
  });
}

export function modelOf({ components, channels, waiting, never, memoryNever }: RandomModel): Model {
  const own = components.map((_, i) => new Slot<Local>(`component${i}`));
  const memory = Array.from({ length: MEMORIES }, (_, i) => new Slot<number>(`memory${i}`));
  for (const slot of memory) for (const value of [0, 1]) slot.intern(value);
  const firstMemory = own.length;
  const firstChannel = firstMemory + MEMORIES;
  const clamp = (component: number): number => component % components.length;
  const all = channels.map(
    ({ to, kind, coalesces, immediate, alsoTo }, i) =>
      new Channel(`channel${i}`, {
        kind,
        // Whoever reads a board may read it again for ever: it would never be done.
        immediate: immediate && kind !== "shared",
        receivers: kind === "shared" ? [...new Set([clamp(to), clamp(alsoTo)])] : [clamp(to)],
        ...(coalesces || kind === "shared" ? { coalesces: () => true } : {}),
      }),
  );
  const messages = new Slot<{ readonly type: string }>("messages");
  for (let i = 0; i < MESSAGES; i++) messages.intern({ type: `m${i}` });
  const machine = createMachine({ id: "none" });
  const component = (steps: readonly RandomStep[], number: number): Component => {
    const matching = (state: number, type: string) =>
      steps.filter(({ from, message }) => {
        return from === own[number]!.values[state]!.value && type === nameOf(message);
      });
    return {
      name: `component${number}`,
      machine,
      slot: number,
      footprint: (state, { type }) => {
        const used = matching(state, type).flatMap((one) =>
          one.memory < 0 ? [] : [firstMemory + one.memory],
        );
        return [...new Set(used)];
      },
      choices: (state) => {
        const { value } = own[number]!.values[state]!;
        const has = steps.some(({ from, message }) => from === value && message < 0);
        return has ? [{ type: nameOf(-1) }] : [];
      },
      step: (ids, { type }) => {
        const { left } = own[number]!.values[ids[number]!]!;
        const outcomes = matching(ids[number]!, type).map((one): Outcome => {
          const at = firstMemory + one.memory;
          const found = one.memory < 0 ? 0 : ids[at]!;
          // What it sends at once by itself is taken before it can send again: that may go on for ever.
          const isFree = ([to]: readonly [number, number]) => one.message < 0 && all[to]!.immediate;
          const asked = found === one.sendsAt || one.sendsAt === 2 ? one.sends : [];
          const owing = asked.filter((send) => !isFree(send)).slice(0, left);
          const sends = [...asked.filter(isFree), ...owing];
          const next = { value: one.next[found]!, left: left - owing.length };
          return {
            choice: "",
            writes: [
              [number, own[number]!.intern(next)],
              ...(one.memory < 0 ? [] : [[at, one.stores[found]!] as const]),
            ],
            sends: sends.map(([to, message]) => [firstChannel + to, message]),
            broken: one.breaks ? ["no step breaks"] : [],
          };
        });
        return outcomes.length === 0 ? null : outcomes;
      },
    };
  };
  const start = own.map((slot) => slot.intern({ value: 0, left: SENDS_MOST }));
  const initial = Int32Array.from([
    ...start,
    ...memory.map(() => 0),
    ...all.map((channel, i) => (waiting[i]! < MESSAGES ? channel.append(0, waiting[i]!) : 0)),
  ]);
  const is = ([who, value]: readonly [number, number]) => {
    return over([`component${clamp(who)}`], (local: Local) => local.value === value);
  };
  const isNot = ([who, value]: readonly [number, number]) => {
    return over([`component${clamp(who)}`], (local: Local) => local.value !== value);
  };
  const [first, second] = never as readonly [readonly [number, number], readonly [number, number]];
  const properties: Property[] = [
    { kind: "noDeadlock", name: "no deadlock" },
    { kind: "step", name: "no step breaks", seen: is(second) },
    { kind: "always", name: "never", that: isNot(first) },
    {
      kind: "always",
      name: "never both",
      when: is(first),
      that: over(["memory0", `component${clamp(second[0])}`], (value: number, local: Local) => {
        return value !== memoryNever || local.value !== second[1];
      }),
    },
    { kind: "sometimes", name: "sometimes", that: over(["memory1"], (one: number) => one === 1) },
  ];
  return {
    name: "random",
    slots: [...own, ...memory, ...all],
    channels: [...own.map(() => null), ...memory.map(() => null), ...all],
    messages,
    components: components.map(component),
    initial,
    properties,
    isFinal: () => false,
  };
}

function nameOf(message: number): string {
  return message < 0 ? "goes" : `m${message}`;
}
