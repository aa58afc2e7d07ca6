/**
 * How VEE21 3.4 finds the guest kernel's footprint f: shrink a VM to 0.95 of its memory again and
 * again until it crashes; f is the last size at which it lived.
 */

/** The VM that the procedure begins with: 2 GiB, in pages. */
export const FOOTPRINT_BEGIN_PAGES = 2 ** 19;
const SHRINK = 0.95;

/** @param lives whether a VM of that many pages boots and runs. Returns pages; null if it never lived. */
export function findKernelFootprint(
  lives: (pages: number) => boolean,
  beginPages = FOOTPRINT_BEGIN_PAGES,
): number | null {
  if (!lives(beginPages)) return null;
  let footprint = beginPages;
  for (;;) {
    const next = Math.floor(SHRINK * footprint);
    if (next < 1 || !lives(next)) return footprint;
    footprint = next;
  }
}
