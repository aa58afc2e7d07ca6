/** The bitmap and the cumulative buffer against a Set and a Map. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partFromJson, partToJson, restorePart, savePart } from "../../src/hardware/part.ts";
import {
  addOccurrence,
  COUNT_MAX,
  CumulativeBuffer,
  clearOccurrences,
  countPages,
  forEachOccurrence,
  occurrencesOf,
} from "../../src/hypervisor/cumulativeBuffer.ts";
import {
  clearMarks,
  countMarked,
  DirtyBitmap,
  forEachMarked,
  isMarked,
  markDirty,
} from "../../src/hypervisor/dirtyBitmap.ts";

const RUNS = 150;
/** Beside the bitmap's words and the buffer's blocks. */
const pages = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(511, 512, 513, 5000));
const bytes = (part: { arrays(): Readonly<Record<string, ArrayLike<number>>> }): number[] =>
  Object.values(part.arrays()).flatMap((array) => Array.from(array));

describe("a dirty bitmap", () => {
  const step = fc.oneof(
    { weight: 30, arbitrary: fc.record({ do: fc.constant("mark" as const), page: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("clear" as const, "copy" as const) }) },
  );

  it("is a set of pages", () => {
    fc.assert(
      fc.property(pages, fc.array(step, { maxLength: 200 }), (total, steps) => {
        let bitmap = new DirtyBitmap("b", total);
        const model = new Set<number>();
        for (const action of steps) {
          if (action.do === "mark") {
            const page = action.page % total;
            expect(markDirty(bitmap, page)).toBe(!model.has(page));
            model.add(page);
            expect(isMarked(bitmap, page)).toBe(true);
          } else if (action.do === "clear") {
            clearMarks(bitmap);
            model.clear();
          } else {
            const copy = new DirtyBitmap("b", total);
            markDirty(copy, 0);
            restorePart(copy, partFromJson(partToJson(savePart(bitmap))));
            bitmap = copy;
          }
          expect(countMarked(bitmap)).toBe(model.size);
        }
        const visited: number[] = [];
        forEachMarked(bitmap, (page) => visited.push(page));
        expect(visited).toEqual([...model].toSorted((a, b) => a - b));
        for (let page = 0; page < total; page++) {
          expect(isMarked(bitmap, page)).toBe(model.has(page));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("a counter that is full stays so", () => {
    const buffer = new CumulativeBuffer("c", 512);
    addOccurrence(buffer, 7);
    buffer.counts[7] = COUNT_MAX - 1;
    for (let i = 0; i < 3; i++) addOccurrence(buffer, 7);
    expect(occurrencesOf(buffer, 7)).toBe(COUNT_MAX);
    expect(countPages(buffer, COUNT_MAX, 512)).toBe(1);
  });

  it("ignores pages far beyond the VM", () => {
    fc.assert(
      fc.property(pages, fc.integer({ min: 32, max: 2 ** 30 }), (total, beyond) => {
        const bitmap = new DirtyBitmap("b", total);
        expect(markDirty(bitmap, total + beyond)).toBe(false);
        expect(isMarked(bitmap, total + beyond)).toBe(false);
        expect(countMarked(bitmap)).toBe(0);
      }),
    );
  });
});

describe("a cumulative buffer", () => {
  const step = fc.oneof(
    {
      weight: 60,
      arbitrary: fc.record({ do: fc.constant("add" as const), page: fc.nat(), times: fc.nat(3) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("save" as const, "back" as const) }) },
  );

  it("counts how often each page was logged", () => {
    fc.assert(
      fc.property(
        pages,
        fc.array(step, { maxLength: 200 }),
        fc.nat(3),
        (total, steps, threshold) => {
          const buffer = new CumulativeBuffer("c", total);
          let model = new Map<number, number>();
          let saved = savePart(buffer);
          let savedModel = new Map(model);
          for (const action of steps) {
            switch (action.do) {
              case "add": {
                const page = action.page % total;
                for (let i = 0; i < action.times; i++) addOccurrence(buffer, page);
                if (action.times > 0) model.set(page, (model.get(page) ?? 0) + action.times);
                expect(occurrencesOf(buffer, page)).toBe(model.get(page) ?? 0);
                break;
              }
              case "clear":
                clearOccurrences(buffer);
                model.clear();
                break;
              case "save":
                saved = partFromJson(partToJson(savePart(buffer)));
                savedModel = new Map(model);
                break;
              case "back": {
                restorePart(buffer, saved);
                model = new Map(savedModel);
                const fresh = new CumulativeBuffer("c", total);
                restorePart(fresh, saved);
                expect(bytes(buffer)).toEqual(bytes(fresh));
                break;
              }
            }
          }
          const visited: (readonly [number, number])[] = [];
          forEachOccurrence(buffer, (page, count) => visited.push([page, count]));
          expect(visited).toEqual([...model].toSorted(([a], [b]) => a - b));
          const limit = Math.ceil(total / 2);
          const least = threshold + 1;
          const hot = visited.filter(([page, count]) => page < limit && count >= least);
          expect(countPages(buffer, least, limit)).toBe(hot.length);
          expect(countPages(buffer, 1, Number.POSITIVE_INFINITY)).toBe(model.size);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("ignores pages far beyond the VM", () => {
    const buffer = new CumulativeBuffer("c", 512);
    addOccurrence(buffer, 512);
    addOccurrence(buffer, 2 ** 29);
    expect(occurrencesOf(buffer, 512)).toBe(0);
    expect(countPages(buffer, 1, Number.POSITIVE_INFINITY)).toBe(0);
  });
});
