/**
 * Which pages an estimator names at a look, held against those that the VM used in its window. It is no part of the machine:
 * nothing in a run depends on it.
 */
import { countBits } from "../../../hardware/guestPages.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import { numberAt, wordAt } from "../../../lookup.ts";
import { type Agreement, agreementOf, type Overlap } from "../../verdict/agreement.ts";
import { below, either } from "../../verdict/pageSets.ts";

/** Words of the state. */
const At = {
  /** Looks that were compared, and the sums of their shares. */
  looks: 0,
  precision: 1,
  recall: 2,
  jaccard: 3,
  /** Of the last one: pages. */
  found: 4,
  owed: 5,
  right: 6,
  /** Harvests of the VM when the last look was due, if the pages are those of a harvest; -1: nothing is open. */
  open: 7,
} as const;

/** Of the looks of an estimation. */
export interface PageAgreements {
  readonly last: Agreement;
  /** Means of the looks. */
  readonly mean: Agreement;
}

export class PageAgreement implements Part {
  readonly name: string;
  readonly state = new Float64Array(Object.keys(At).length);
  readonly statistics = ["state"];

  constructor(name: string) {
    this.name = name;
    this.state[At.open] = -1;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state };
  }

  /** Harvests when a look was due whose pages the next harvest names; null: none is open. */
  get open(): number | null {
    const harvests = numberAt(this.state, At.open);
    return harvests < 0 ? null : harvests;
  }

  /** A look is due, and a harvest is to name its pages. */
  await(harvests: number): void {
    this.state[At.open] = harvests;
  }

  /** A look's pages are known. */
  note(overlap: Overlap): void {
    const { state } = this;
    const { precision, recall, jaccard } = agreementOf(overlap);
    state[At.looks] = numberAt(state, At.looks) + 1;
    state[At.precision] = numberAt(state, At.precision) + precision;
    state[At.recall] = numberAt(state, At.recall) + recall;
    state[At.jaccard] = numberAt(state, At.jaccard) + jaccard;
    state[At.found] = overlap.found;
    state[At.owed] = overlap.owed;
    state[At.right] = overlap.right;
    state[At.open] = -1;
  }

  /** @returns null if no look was compared */
  agreements(): PageAgreements | null {
    const [looks = 0, precision = 0, recall = 0, jaccard = 0, found = 0, owed = 0, right = 0] =
      this.state;
    if (looks === 0) return null;
    return {
      last: agreementOf({ found, owed, right }),
      mean: { precision: precision / looks, recall: recall / looks, jaccard: jaccard / looks },
    };
  }

  /** A copy in which something more can be noted. */
  copy(): PageAgreement {
    const other = new PageAgreement(this.name);
    other.state.set(this.state);
    return other;
  }
}

/**
 * Pages of data alone.
 * @param named word `at` of the set that was named: two bits a page, its first bit
 * @param truth two bits a page, as the ground truth
 */
export function overlapOfPages(
  named: (at: number) => number,
  truth: Int32Array,
  pages: number,
): Overlap {
  let found = 0;
  let owed = 0;
  let right = 0;
  for (let at = 0; at < truth.length; at++) {
    const own = below(named(at), at, pages);
    const used = below(either(wordAt(truth, at)), at, pages);
    if ((own | used) === 0) continue;
    found += countBits(own);
    owed += countBits(used);
    right += countBits(own & used);
  }
  return { found, owed, right };
}
