/** Lists that grow in pieces hold what was added, in its order, and copy each element seldom. */
import { expect, it } from "vitest";
import { grownBy, type Pieces } from "../../src/interconnect/growingList.ts";

it("a growing list is what was added to it, in few pieces, and copies in n log n, not in the square", () => {
  let pieces: Pieces<number> = [];
  let copied = 0;
  const count = 5000;
  for (let i = 0; i < count; i++) {
    const before = pieces;
    pieces = grownBy(before, i);
    copied += pieces.length;
    for (const piece of pieces) if (!before.includes(piece)) copied += piece.length;
    if (i % 97 === 0) expect(pieces.flat()).toEqual(Array.from({ length: i + 1 }, (_, at) => at));
  }
  expect(pieces.flat()).toEqual(Array.from({ length: count }, (_, at) => at));
  expect(pieces.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
  expect(copied).toBeLessThan(2 * count * Math.log2(count));
});

it("what was there before an addition stays as it was", () => {
  const before = grownBy(grownBy([], "a"), "b");
  const after = grownBy(before, "c");
  expect(before.flat()).toEqual(["a", "b"]);
  expect(after.flat()).toEqual(["a", "b", "c"]);
});
