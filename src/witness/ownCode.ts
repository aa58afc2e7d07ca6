/** How a guest with tables of its own gets to the image's code, where global translations do not outlive MOV to CR3. */
import type { Place } from "./guestCode.ts";
import { hiddenEntryOfRoot } from "./layout.ts";
import { NotAsked } from "./notAsked.ts";

const LAST_ENTRY = 511;

/**
 * Through the last entry of its root. What that changes in second-level entries, the walk for the step's access changes, too.
 * @returns words to be stored before the entry, by physical address
 */
export function ownCodeInRoot(
  { machine: { tables, memory }, frames, code }: Place,
  cr3: bigint | undefined,
): readonly (readonly [number, bigint])[] {
  if (!code.svm || cr3 === undefined) return [];
  const frame = tables.frames.get(Number(cr3 >> 12n));
  if (frame === undefined) return [];
  const [low, high] = memory.readEntry(frame, LAST_ENTRY);
  if (low !== 0 || high !== 0) throw new NotAsked("the last entry of a guest's root");
  return [[frames.physical(frame) + 8 * LAST_ENTRY, hiddenEntryOfRoot()]];
}
