/**
 * A breadth-first search that shares nothing with the explorer but the model: every step is worked out
 * anew, channels are plain lists, a state is text in a set. No memo, no packing, no reduction.
 */
import type { Model } from "../../src/check/engine/model.ts";

/** A state: numbers of the local states, and lists of waiting messages, by slot. */
type PlainState = readonly (number | readonly number[])[];

export interface PlainResult {
  readonly distinct: number;
  readonly generated: number;
  /** Names of the properties of kind "always" and "step", and noDeadlock, that some state or step breaks. */
  readonly broken: ReadonlySet<string>;
  /** Names of the properties of kind "sometimes" that have a witness. */
  readonly witnessed: ReadonlySet<string>;
}

/** @param depth steps from the initial state to the last states whose steps are looked at */
export function plainSearch(model: Model, depth = Number.POSITIVE_INFINITY): PlainResult {
  const channelOf = (slot: number) => model.channels[slot] ?? null;
  const idsOf = (state: PlainState): Int32Array =>
    Int32Array.from(model.slots, (_, slot) => {
      const part = state[slot];
      return typeof part === "number" ? part : 0;
    });
  const first: PlainState = Array.from(model.initial, (id, slot) => {
    const channel = channelOf(slot);
    return channel === null ? id : channel.values[id]!;
  });
  const broken = new Set<string>();
  const claimed = new Set(model.properties.map(({ name }) => name));
  const witnessed = new Set<string>();
  /** Channels that are not there yet are empty. */
  const keyOf = (state: PlainState): string => JSON.stringify(state).replace(/(,\[\])+\]$/, "]");
  const seen = new Set([keyOf(first)]);
  let level: PlainState[] = [first];
  let generated = 1;

  const successors = (state: PlainState): PlainState[] => {
    const next: PlainState[] = [];
    const act = (component: number, message: number, after: PlainState): boolean => {
      const event = model.messages.values[message]!;
      const outcomes = model.components[component]!.step(idsOf(state), event);
      if (outcomes === null) return false;
      for (const { writes, sends, broken: names } of outcomes) {
        // Channels come to be when they are first used.
        const changed = Array.from(model.slots, (_, slot) => after[slot] ?? []);
        for (const [slot, id] of writes) changed[slot] = id;
        let hasRoom = true;
        for (const [slot, sent] of sends) {
          const before = changed[slot];
          changed[slot] = appended(model, slot, before, sent);
          hasRoom &&= !isBlocked(model, slot, before, changed[slot]);
        }
        if (!hasRoom) continue;
        // A rule that the model does not claim is none of its properties.
        for (const name of names) if (claimed.has(name)) broken.add(name);
        next.push(changed);
      }
      return true;
    };
    const isBusy = (slot: number): boolean =>
      channelOf(slot)?.immediate === true && (state[slot] as readonly number[]).length > 0;
    const busy = Array.from(state.keys()).find(isBusy);
    state.forEach((waiting, slot) => {
      const channel = channelOf(slot);
      if (channel === null || typeof waiting === "number") return;
      if (busy !== undefined && slot !== busy) return;
      const heads = channel.kind === "fifo" ? waiting.slice(0, 1) : [...new Set(waiting)];
      for (const message of heads) {
        const rest = state.with(slot, waiting.toSpliced(waiting.indexOf(message), 1));
        const isBoard = channel.kind === "shared";
        for (const receiver of channel.receivers) {
          const taken = act(receiver, message, isBoard ? state : rest);
          if (!taken && !isBoard) next.push(rest);
          if (channel.duplicating) act(receiver, message, state);
          if (channel.lossy) next.push(rest);
        }
      }
    });
    if (busy !== undefined) return next;
    model.components.forEach(({ slot, choices }, component) => {
      for (const event of choices(state[slot] as number)) {
        act(component, model.messages.intern(event), state);
      }
    });
    return next;
  };

  const look = (state: PlainState, steps: number): void => {
    const value = (name: string): unknown => {
      const slot = model.slots.findIndex((one) => one.name === name);
      const part = state[slot]!;
      return typeof part === "number" ? model.slots[slot]!.values[part] : part;
    };
    for (const property of model.properties) {
      const holds = (of: { over: readonly string[]; holds: (...v: never[]) => boolean }): boolean =>
        of.holds(...(of.over.map(value) as never[]));
      if (property.kind === "always" && (property.when === undefined || holds(property.when))) {
        if (!holds(property.that)) broken.add(property.name);
      }
      if (property.kind === "sometimes" && holds(property.that)) witnessed.add(property.name);
      if (property.kind === "noDeadlock" && steps === 0 && !model.isFinal(idsOf(state))) {
        broken.add(property.name);
      }
    }
  };

  for (let steps = 0; level.length > 0 && steps <= depth; steps++) {
    const found: PlainState[] = [];
    for (const state of level) {
      const next = successors(state);
      look(state, next.length);
      generated += next.length;
      for (const one of next) {
        const key = keyOf(one);
        if (seen.has(key)) continue;
        seen.add(key);
        found.push(one);
      }
    }
    level = found;
  }
  return { distinct: seen.size, generated, broken, witnessed };
}

function appended(
  model: Model,
  slot: number,
  waiting: number | readonly number[] | undefined,
  message: number,
): readonly number[] {
  const channel = model.channels[slot]!;
  const list = waiting as readonly number[];
  const coalesced = channel.kind === "shared" || channel.coalesces(message);
  if (coalesced && list.includes(message)) return list;
  if (channel.whenFull === "lose" && list.length === channel.capacity) return list;
  const after = [...list, message];
  return channel.kind === "fifo" ? after : after.sort((a, b) => a - b);
}

/** Whether a message that was sent has found no room. */
function isBlocked(
  model: Model,
  slot: number,
  before: number | readonly number[] | undefined,
  after: readonly number[],
): boolean {
  const { capacity } = model.channels[slot]!;
  return after.length > capacity && after.length > (before as readonly number[]).length;
}
