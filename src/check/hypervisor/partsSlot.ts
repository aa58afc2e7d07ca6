/** Parts of operations as a slot: what their devices keep. */
import type { Part } from "../../hardware/part.ts";
import type { MemorySlot } from "./memorySlots.ts";

/** Words of operations' parts in which there is neither a page nor a vCPU. */
const PLAIN_PARTS = ["/estimator.random"];

/**
 * Any parts as they are: what an operation's devices keep.
 * @param but names of arrays that are left out, such as "vm0/estimator.times"
 */
export function partsSlot(
  name: string,
  parts: readonly Part[],
  but: (array: string) => boolean = () => false,
): MemorySlot {
  const keysOf = (part: Part): string[] =>
    Object.keys(part.arrays()).filter((key) => !but(`${part.name}.${key}`));
  return {
    name,
    extents: parts.flatMap((part) => keysOf(part).map((array) => ({ part, array }))),
    save() {
      const lists: Record<string, number[]> = {};
      for (const part of parts) {
        const arrays = part.arrays();
        for (const key of keysOf(part)) lists[`${part.name}.${key}`] = Array.from(arrays[key]!);
      }
      return lists;
    },
    restore(lists) {
      for (const part of parts) {
        const keys = keysOf(part);
        const listOf = (key: string): readonly number[] => lists[`${part.name}.${key}`]!;
        part.resize?.(Object.fromEntries(keys.map((key) => [key, listOf(key).length])));
        const arrays = part.arrays();
        for (const key of keys) arrays[key]!.set(listOf(key));
      }
    },
    scramble() {},
    rename(lists) {
      const unknown = Object.keys(lists).find(
        (key) => !PLAIN_PARTS.some((one) => key.endsWith(one)),
      );
      if (unknown !== undefined) throw new Error(`what "${unknown}" holds is not known`);
      return lists;
    },
  };
}
