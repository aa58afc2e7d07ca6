/** Parts of operations as a slot: what their devices keep. */
import { type MemoryPart, whilePagesStay } from "../../hardware/normalForm.ts";
import { fieldOf } from "../../lookup.ts";
import type { MemorySlot } from "./memorySlots.ts";

/**
 * Any parts as they are: what an operation's devices keep.
 * @param but names of arrays that are left out, such as "vm0/estimator.times"
 */
export function partsSlot(
  name: string,
  parts: readonly MemoryPart[],
  but: (array: string) => boolean = () => false,
): MemorySlot {
  const arrays = parts.flatMap((part) =>
    Object.keys(part.arrays())
      .map((array) => ({ part, array, list: `${part.name}.${array}` }))
      .filter(({ list }) => !but(list)),
  );
  return {
    name,
    extents: arrays,
    lists: arrays.map(({ list }) => list),
    save: () =>
      Object.fromEntries(
        arrays.map(({ part, array, list }) => [list, Array.from(fieldOf(part.arrays(), array))]),
      ),
    restore(lists) {
      for (const part of parts) {
        const own = arrays.filter((one) => one.part === part);
        part.resize?.(
          Object.fromEntries(own.map(({ array, list }) => [array, fieldOf(lists, list).length])),
        );
        const words = part.arrays();
        for (const { array, list } of own) fieldOf(words, array).set(fieldOf(lists, list));
      }
    },
    scramble() {},
    renumber(lists, to) {
      const isSaid = (names: readonly string[] | undefined, array: string): boolean =>
        names?.includes(array) === true;
      const others = arrays.filter(({ part, array }) => !isSaid(part.plain, array));
      const unknown = others.find(({ part, array }) => !isSaid(part.byPageNumber, array));
      if (unknown !== undefined) throw new Error(`what "${unknown.list}" holds is not known`);
      return others.length === 0 ? lists : whilePagesStay(lists, to);
    },
  };
}
