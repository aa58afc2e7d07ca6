/** How memory is divided among owners: see memoryMap.ts. */
import type { Extent, MemoryPart } from "../../hardware/normalForm.ts";

/** Of Part.statistics: a step may write it, and comes to the same whatever is there. */
export const STATISTICS = "statistics";
/** Of Part.settings: no step writes it. */
export const FIXED = "fixed";

/** A slot's words. */
export interface Domain {
  readonly name: string;
  readonly extents: readonly Extent[];
}

export interface Span {
  /** Name of a slot or an actor, STATISTICS or FIXED. */
  readonly owner: string;
  readonly from: number;
  readonly end: number;
  readonly nameOf?: Extent["nameOf"];
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
