/** The truth of a round as it was when the round's harvest began: what that harvest owes. Empty while none is under way. */
import type { Part, WordArray } from "../../hardware/part.ts";
import type { RoundTruth } from "../../hardware/roundTruth.ts";
import { postpone, type WritesInFlight } from "../../hardware/writesInFlight.ts";
import type { DirtyBitmap } from "../../hypervisor/dirtyBitmap.ts";

const NONE = new Int32Array(0);

export class RoundCut implements Part {
  readonly name: string;
  /** As in RoundTruth. */
  accesses: Int32Array = NONE;
  structureWrites: Int32Array = NONE;
  dropped: Int32Array = NONE;
  /** One bit a page: the pages that the round is about; none = every page. A harvest may choose others for the next. */
  chosen: Int32Array = NONE;

  constructor(name: string) {
    this.name = name;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { accesses, structureWrites, dropped, chosen } = this;
    return { accesses, structureWrites, dropped, chosen };
  }

  resize({
    accesses = 0,
    structureWrites = 0,
    dropped = 0,
    chosen = 0,
  }: Readonly<Record<string, number>>): void {
    this.chosen = new Int32Array(chosen);
    this.accesses = new Int32Array(accesses);
    this.structureWrites = new Int32Array(structureWrites);
    this.dropped = new Int32Array(dropped);
  }

  /** @param flying written by devices, and to be marked later: not owed yet */
  copy(
    { accesses, structureWrites, dropped }: RoundTruth,
    { bits }: DirtyBitmap,
    flying: WritesInFlight | null,
  ): void {
    this.chosen = bits.slice();
    this.accesses = accesses.slice();
    this.structureWrites = structureWrites.slice();
    this.dropped = dropped.slice();
    postpone(flying, this.accesses, accesses);
  }

  /** Copies the truth, which begins anew. */
  take(truth: RoundTruth, chosen: DirtyBitmap, flying: WritesInFlight | null): void {
    this.copy(truth, chosen, null);
    truth.begin(truth.accesses.length);
    postpone(flying, this.accesses, truth.accesses);
  }

  clear(): void {
    this.resize({});
  }
}
