/** How the memory of a system is divided among owners: see memoryMap.ts. */
import type { Extent, MemoryPart } from "../../hardware/normalForm.ts";

/** Counted and reported, decided by nowhere: a step may write it, and comes to the same whatever is there. */
export const STATISTICS = "statistics";
/** As it was when the system was built: no step writes it. */
export const FIXED = "fixed";

export interface Domain {
  /** Name of a slot or an actor, STATISTICS or FIXED. What is FIXED is what of these arrays nobody else has. */
  readonly owner: string;
  readonly extents: readonly Extent[];
}

export interface Span {
  readonly owner: string;
  readonly from: number;
  readonly end: number;
  readonly nameOf: Extent["nameOf"];
}

/** One array of one part, and whose its words are. */
export interface Row {
  readonly part: MemoryPart;
  readonly array: string;
  readonly spans: readonly Span[];
  /** Words that say how long arrays are: other values there would be no memory at all. */
  readonly lengths: ReadonlySet<number>;
  nameOf(at: number, changed: number): string;
}
