/** The truth of a round is of that round alone. */
import { expect, it } from "vitest";
import { notePage, RoundTruth } from "../../src/hardware/roundTruth.ts";

it("a round begins with nothing accessed, no structure written and nothing dropped", () => {
  const truth = new RoundTruth("round", 70);
  truth.begin(5);
  const sets = [truth.accesses, truth.structureWrites, truth.dropped];
  for (const set of sets) for (const page of [0, 31, 33]) notePage(set, page);
  expect(sets.map((set) => set.some((word) => word !== 0))).toEqual([true, true, true]);
  truth.begin(5);
  expect(sets.map((set) => set.every((word) => word === 0))).toEqual([true, true, true]);
});
