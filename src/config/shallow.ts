/** How deep fields may lie within fields in what a file holds. */

/** More than any file of ours has: whoever walks through such a value may do it by recursion. */
export const LEVELS_MAX = 32;

/** Whether a value from JSON has no more levels. */
export function isShallow(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= LEVELS_MAX; depth++) {
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? Object.values(one) : [],
    );
    if (level.length === 0) return true;
  }
  return false;
}
