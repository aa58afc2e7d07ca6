/** What the commands share in writing: numbers and sizes. Where text leaves is src/io/standardStreams.ts. */

import { note } from "../io/standardStreams.ts";

/** Pages of 4 KiB. */
const PAGES_PER_MIB = 256;

/** A whole number with its thousands apart, the same in every locale. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** Such as "1,024.0 MiB". @param pages of 4 KiB */
export function mebibytes(pages: number): string {
  const value = (pages / PAGES_PER_MIB).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  return `${value} MiB`;
}

/** For a store of finished runs. */
export function noteDamaged(path: string): void {
  note(`${path}: damaged, not used; its run is done again`);
}
