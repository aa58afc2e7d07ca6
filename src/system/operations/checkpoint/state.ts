/**
 * The state that goes with a checkpoint, so that a restored run continues like the original: actors,
 * queue, and all memory of the emulator but what the checkpoint's own blocks hold, and the file.
 */
import {
  type Part,
  type PartJson,
  type PartSnapshot,
  partFromJson,
  partToJson,
  savePart,
} from "../../../hardware/part.ts";
import type { SystemSnapshot } from "../../snapshot.ts";
import type { World } from "../../world.ts";

interface StateJson extends Omit<SystemSnapshot, "parts"> {
  /** Those that are kept, in the system's order. */
  readonly parts: readonly PartJson[];
}

/** @param kept the operation's parts that are kept */
export function encodeState(snapshot: SystemSnapshot, world: World, kept: readonly Part[]): Buffer {
  const names = keptNames(world, kept);
  const guests = new Set(world.vms.map(({ guest }) => guest.name));
  const parts = snapshot.parts
    .filter(({ name }) => names.has(name))
    .map((part) => partToJson(guests.has(part.name) ? withoutVersions(part) : part));
  const state: StateJson = { ...snapshot, parts };
  return Buffer.from(JSON.stringify(state));
}

/** @returns a snapshot for a system with these parts; what was not kept is as they are now */
export function decodeState(
  state: Buffer,
  world: World,
  kept: readonly Part[],
  parts: readonly Part[],
): SystemSnapshot {
  const names = keptNames(world, kept);
  const json = JSON.parse(state.toString("utf8")) as StateJson;
  const saved = json.parts.map(partFromJson).values();
  return {
    ...json,
    parts: parts.map((part) => {
      const now = savePart(part);
      if (!names.has(part.name)) return now;
      const { value } = saved.next();
      if (value === undefined) throw new Error(`"${part.name}" is missing`);
      return { name: value.name, arrays: { ...now.arrays, ...value.arrays } };
    }),
  };
}

function keptNames(world: World, kept: readonly Part[]): ReadonlySet<string> {
  return new Set([...world.parts(), ...kept].map(({ name }) => name));
}

function withoutVersions({ name, arrays }: PartSnapshot): PartSnapshot {
  const { versions: _, ...others } = arrays;
  return { name, arrays: others };
}
