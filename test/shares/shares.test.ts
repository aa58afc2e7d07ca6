/** Work in shares: each item is somebody's, and the whole from any shares is what one machine would have written. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { UserError } from "../../src/errors.ts";
import { isOfShard, parseShard } from "../../src/shares/shard.ts";
import {
  formatOf,
  mergeShares,
  parseShare,
  type Share,
  type ShareKind,
  shareOf,
  shareText,
  type Work,
} from "../../src/shares/shareFile.ts";

interface Asked {
  readonly seed: number;
}

interface Result {
  readonly sum: number;
  /** Of the machine that did it. */
  readonly seconds: number;
}

const KIND: ShareKind<Asked, Result> = {
  format: "trackvisor sums",
  madeBy: "npm run sums -- -o",
  work: "sum",
  item: "case",
  asked: z.strictObject({ seed: z.int() }),
  result: z.strictObject({ sum: z.number(), seconds: z.number() }),
  same: ({ sum }) => sum,
};

/** @param count cases of the whole */
function work(count: number, fields: Partial<Work<Asked>> = {}): Work<Asked> {
  const names = Array.from({ length: count }, (_, n) => `case ${n}`);
  return { code: "c".repeat(32), asked: { seed: 1 }, names, ...fields };
}

/** @param shard such as 1/3; undefined: the whole */
function share(of: Work<Asked>, shard?: string, seconds = 2): Share<Asked, Result> {
  return shareOf(KIND, of, shard === undefined ? null : parseShard(shard), (place) => {
    return { sum: place * place, seconds };
  });
}

/** As they are read from files. */
function merge(...shares: readonly unknown[]): string {
  const read = shares.map((one, n) => {
    const text = typeof one === "string" ? one : shareText(one as Share<Asked, Result>);
    return parseShare(KIND, `part${n + 1}.json`, text);
  });
  return shareText(mergeShares(KIND, read));
}

const count = fc.integer({ min: 1, max: 60 });
const machines = fc.integer({ min: 1, max: 70 });

describe("shares", () => {
  it("of any number of machines have every item, and none twice", () => {
    fc.assert(
      fc.property(count, machines, (items, n) => {
        for (let place = 0; place < items; place++) {
          const owners = Array.from({ length: n }, (_, i) => i + 1).filter((index) =>
            isOfShard(place, { index, count: n }),
          );
          expect(owners).toHaveLength(1);
        }
      }),
    );
  });

  it("of any split, in any order, some twice, merge to what one machine writes, byte for byte", () => {
    const order = fc.infiniteStream(fc.integer({ min: 0, max: 1 << 30 }));
    fc.assert(
      fc.property(count, machines, machines, order, (items, n, other, draws) => {
        const of = work(items);
        const parts = [n, other]
          .flatMap((all) => Array.from({ length: all }, (_, i) => `${i + 1}/${all}`))
          .map((shard) => ({ shard, at: draws.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ shard }) => share(of, shard));
        expect(merge(...parts)).toBe(shareText(share(of)));
      }),
      { numRuns: 40 },
    );
  });

  it("may differ in what is a matter of the machine, and the order of the files decides nothing", () => {
    const of = work(5);
    const [slow, fast] = [share(of, "1/1", 9), share(of, "1/1", 1)];
    expect(merge(slow, fast)).toBe(merge(fast, slow));
  });

  it("that leave one out are refused, with the share that is missing", () => {
    const of = work(7);
    expect(() => merge(share(of, "1/3"), share(of, "3/3"))).toThrow(
      /^2 of 7 cases are missing: 1, 4 \(no file of --shard 2\/3\)$/,
    );
    fc.assert(
      fc.property(count, machines, fc.nat(), (items, n, draw) => {
        fc.pre(n > 1);
        // Of more machines than items some have nothing to do, and nothing is missing without them.
        const gone = 1 + (draw % Math.min(n, items));
        const all = Array.from({ length: n }, (_, i) => i + 1).filter((index) => index !== gone);
        const parts = all.map((index) => share(work(items), `${index}/${n}`));
        expect(() => merge(...parts)).toThrow(/ are missing: .*\(no file of --shard /);
      }),
      { numRuns: 40 },
    );
  });

  it("of another work, number of items or version of the program are refused, and such as differ", () => {
    const [of, first] = [work(6), share(work(6), "1/2")];
    const changed = {
      ...first,
      items: first.items.map((one) => ({ ...one, result: { sum: 0.5, seconds: 2 } })),
    };
    for (const [other, said] of [
      [
        share(work(6, { asked: { seed: 2 } }), "2/2"),
        /^part1.json and part2.json are of different sums$/,
      ],
      [share(work(5), "2/2"), /are of different sums$/],
      [share({ ...of, names: of.names.toReversed() }, "2/2"), /are of different sums$/],
      [
        share(work(6, { code: "0".repeat(32) }), "2/2"),
        /were made by different versions of the program$/,
      ],
      [{ ...share(of, "2/2"), asked: { seed: 2 } }, /say different things of one sum/],
      [{ ...share(of, "2/2"), count: 4 }, /say different things of one sum/],
      [changed, /^part1.json and part2.json differ in case 0 \(case 0\); a run has one result/],
    ] as const) {
      expect(() => merge(first, other)).toThrow(said);
      expect(() => merge(first, other)).toThrow(UserError);
    }
    expect(() => merge({ ...first, count: 3 })).toThrow(
      /^part1.json: has case 4, of a sum of 3 cases$/,
    );
  });
});

describe("a share's file", () => {
  const text = shareText(share(work(3), "1/2"));
  const plain = JSON.parse(text);

  it.each([
    ["", /^x.json: not JSON; expected a result of npm run sums -- -o$/],
    [text.slice(0, 200), /not JSON/],
    ["{}", /^x.json: not a result of npm run sums -- -o: field "format" is missing/],
    [JSON.stringify({ ...plain, version: 2 }), /is of version 2, this program reads version 1$/],
    [JSON.stringify({ ...plain, more: 1 }), /more: unknown field/],
    [JSON.stringify({ ...plain, items: 1 }), /items: .*expected array/],
    [
      text.replace('"sum": 4', '"sum": 5'),
      /^x.json: is not as it was written: the file is damaged$/,
    ],
  ])("%j is refused in one line", (given, said) => {
    expect(() => parseShare(KIND, "x.json", given)).toThrow(said);
    expect(() => parseShare(KIND, "x.json", given)).toThrow(UserError);
  });

  it("says what it is", () => {
    expect(formatOf(text)).toBe("trackvisor sums");
    expect([formatOf("{}"), formatOf("no JSON")]).toEqual([null, null]);
  });
});

it.each(["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "1/1000000"])(
  '--shard "%s" is refused',
  (text) => {
    expect(() => parseShard(text)).toThrow(
      /expected a share and how many there are, such as 1\/8$/,
    );
  },
);
