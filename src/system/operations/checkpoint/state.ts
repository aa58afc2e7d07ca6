/**
 * The state that goes with a checkpoint, so that a restored run continues like the original: actors,
 * queue, and all memory of the emulator but what the checkpoint's own blocks hold, and the file.
 */
import { excerpt } from "../../../config/fieldPath.ts";
import { isShallow } from "../../../config/shallow.ts";
import {
  arrayType,
  type Part,
  type PartJson,
  type PartSnapshot,
  partFromJson,
  partToJson,
  savePart,
} from "../../../hardware/part.ts";
import {
  accept,
  actor,
  anything,
  byName,
  count,
  cycles,
  type Fields,
  list,
  record,
  text,
  type Value,
  word,
} from "../../../interconnect/fields.ts";
import { message } from "../../../interconnect/messages.ts";
import { actorProblem, storedState } from "../../actorState.ts";
import type { SystemSnapshot } from "../../snapshot.ts";
import type { System } from "../../system.ts";
import type { World } from "../../world.ts";

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const delivery = {
  sequence: count.min(1),
  time: cycles,
  from: actor,
  to: actor.min(1),
  message,
} as const satisfies Fields;

const storedArray = { type: word(["i32", "f64"]), data: anything } as const satisfies Fields;

/** What the state of a checkpoint is, as JSON. */
const stateSchema = record({
  interconnect: record({ now: cycles, sequence: count, queue: list(record(delivery)) }),
  // By name.
  actors: byName(record(storedState)),
  // Those that are kept, in the system's order.
  parts: list(record({ name: text, arrays: byName(record(storedArray)) })),
});

type State = Value<typeof stateSchema>;

/** The state cannot be one of this system: what is wrong, and where. */
export class StateError extends Error {}

/** @param kept the operation's parts that are kept */
export function encodeState(snapshot: SystemSnapshot, world: World, kept: readonly Part[]): Buffer {
  const names = keptNames(world, kept);
  const guests = new Set(world.vms.map(({ guest }) => guest.name));
  const parts = snapshot.parts
    .filter(({ name }) => names.has(name))
    .map((part) => partToJson(guests.has(part.name) ? withoutVersions(part) : part));
  return Buffer.from(JSON.stringify({ ...snapshot, parts }));
}

/**
 * @returns a snapshot for this system; what was not kept is as it is now
 * @throws StateError if the system cannot be in such a state
 */
export function decodeState(bytes: Buffer, system: System, kept: readonly Part[]): SystemSnapshot {
  const state = parseState(bytes, system);
  const { world } = system;
  const names = keptNames(world, kept);
  const saved = state.parts.values();
  const parts = system.parts().map((part) => {
    const now = savePart(part);
    if (!names.has(part.name)) return now;
    const { value } = saved.next();
    if (value?.name !== part.name) throw new StateError(`parts: "${part.name}" is missing`);
    return { name: part.name, arrays: { ...now.arrays, ...arraysOf(now, value) } };
  });
  const { value: surplus } = saved.next();
  if (surplus !== undefined) {
    throw new StateError(`parts: there is no "${excerpt(surplus.name)}" in this system`);
  }
  return { ...state, parts };
}

function parseState(bytes: Buffer, system: System): State {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new StateError("is not JSON");
  }
  const { census } = system;
  if (!isShallow(json)) throw new StateError("is nested too deeply");
  accept(stateSchema, json, census, (problem) => new StateError(problem));
  const state = json;
  refuseQueue(state.interconnect);
  for (const one of system.actors) {
    const saved = Object.hasOwn(state.actors, one.name) ? state.actors[one.name] : undefined;
    if (saved === undefined) throw new StateError(`actors: "${one.name}" is missing`);
    const wrong = actorProblem(one, saved, census);
    if (wrong !== undefined) throw new StateError(`actors.${one.name}.${wrong}`);
  }
  const surplus = Object.keys(state.actors).find((name) => !system.has(name));
  if (surplus === undefined) return state;
  throw new StateError(`actors: there is no "${excerpt(surplus)}" in this system`);
}

/** Pending messages are in the order in which they are delivered, none of them late. */
function refuseQueue({ now, sequence, queue }: State["interconnect"]): void {
  let [time, number] = [now, 0];
  queue.forEach((one, i) => {
    const follows = one.time > time || (one.time === time && one.sequence > number);
    if (!follows || one.sequence > sequence) {
      throw new StateError(`interconnect.queue[${i}]: is not in order`);
    }
    [time, number] = [one.time, one.sequence];
  });
  if (new Set(queue.map((one) => one.sequence)).size === queue.length) return;
  throw new StateError("interconnect.queue: two messages have one number");
}

/** The arrays of a part, of the kinds and names that it has. */
function arraysOf(
  now: PartSnapshot,
  { name, arrays }: State["parts"][number],
): PartSnapshot["arrays"] {
  for (const [key, { type, data }] of Object.entries(arrays)) {
    const own = Object.hasOwn(now.arrays, key) ? now.arrays[key] : undefined;
    const at = `parts: "${name}": array "${excerpt(key)}"`;
    if (own === undefined) throw new StateError(`${at}: it has none of that name`);
    if (type !== arrayType(own))
      throw new StateError(`${at}: expected ${arrayType(own)}, not ${type}`);
    if (typeof data !== "string" || !BASE64.test(data)) throw new StateError(`${at}: not base64`);
    if (Buffer.byteLength(data, "base64") % own.BYTES_PER_ELEMENT !== 0) {
      throw new StateError(`${at}: ends within a word`);
    }
  }
  return partFromJson({ name, arrays: arrays as PartJson["arrays"] }).arrays;
}

function keptNames(world: World, kept: readonly Part[]): ReadonlySet<string> {
  return new Set([...world.parts(), ...kept].map(({ name }) => name));
}

function withoutVersions({ name, arrays }: PartSnapshot): PartSnapshot {
  const { versions: _, ...others } = arrays;
  return { name, arrays: others };
}
