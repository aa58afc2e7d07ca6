/** How far two sets of pages agree, and the same of words of bits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  overlapOfPages,
  PageAgreement,
} from "../../src/system/operations/estimate/pageAgreement.ts";
import { agreementOf, agreementText } from "../../src/system/verdict/agreement.ts";
import { overlapOf } from "../../src/system/verdict/harvestVerdict.ts";
import { spread } from "../../src/system/verdict/pageSets.ts";

const PAGES = 100;
const pages = fc.uniqueArray(fc.nat(PAGES - 1), { maxLength: PAGES });

function overlapOfSets(found: readonly number[], owed: readonly number[]) {
  return {
    found: found.length,
    owed: owed.length,
    right: found.filter((page) => owed.includes(page)).length,
  };
}

describe("agreement", () => {
  it("is 1 of equal sets, and 0 of sets with nothing in common; of nothing it is 1", () => {
    expect(agreementOf({ found: 7, owed: 7, right: 7 })).toEqual({
      precision: 1,
      recall: 1,
      jaccard: 1,
    });
    expect(agreementOf({ found: 3, owed: 4, right: 0 })).toEqual({
      precision: 0,
      recall: 0,
      jaccard: 0,
    });
    expect(agreementOf({ found: 0, owed: 0, right: 0 })).toEqual({
      precision: 1,
      recall: 1,
      jaccard: 1,
    });
    expect(agreementText({ precision: 1, recall: 0.5, jaccard: 0.5 })).toBe(
      "precision 1.000, recall 0.500, Jaccard 0.500",
    );
  });

  it("has a Jaccard index that is never above the other two, and 1 / (1/p + 1/r - 1)", () => {
    fc.assert(
      fc.property(pages, pages, (found, owed) => {
        const { precision, recall, jaccard } = agreementOf(overlapOfSets(found, owed));
        expect(jaccard).toBeLessThanOrEqual(Math.min(precision, recall));
        if (jaccard > 0) expect(jaccard).toBeCloseTo(1 / (1 / precision + 1 / recall - 1), 9);
      }),
    );
  });

  it("of words of bits is that of the sets, page tables left out", () => {
    fc.assert(
      fc.property(
        pages,
        pages,
        fc.integer({ min: 1, max: PAGES }),
        fc.boolean(),
        (found, used, data, written) => {
          const named = new Int32Array(4);
          for (const page of found) named[page >>> 5]! |= 1 << (page & 31);
          const truth = new Int32Array(7);
          // Read, or written.
          for (const page of used) truth[page >>> 4]! |= (written ? 2 : 1) << (2 * (page & 15));
          const isData = (page: number): boolean => page < data;
          expect(overlapOfPages((at) => spread(named, at), truth, data)).toEqual(
            overlapOfSets(found.filter(isData), used.filter(isData)),
          );
        },
      ),
    );
  });

  it("of harvests: what is reported too much is not right, what is lost or dropped was owed", () => {
    const counts = { reportedPages: 10, overReported: 2, lostPages: 1, droppedPages: 3 };
    expect(overlapOf(counts)).toEqual({ found: 10, owed: 12, right: 8 });
  });

  it("of several looks has a last one and means; a look that is open counts when its pages are known", () => {
    const agreement = new PageAgreement("a");
    expect(agreement.agreements()).toBeNull();
    agreement.note({ found: 2, owed: 2, right: 2 });
    agreement.await(5);
    expect(agreement.open).toBe(5);
    agreement.note({ found: 4, owed: 2, right: 2 });
    expect(agreement.open).toBeNull();
    expect(agreement.agreements()).toEqual({
      last: { precision: 0.5, recall: 1, jaccard: 0.5 },
      mean: { precision: 0.75, recall: 1, jaccard: 0.75 },
    });
  });
});
