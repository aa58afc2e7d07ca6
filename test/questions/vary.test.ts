/** What a sweep varies: values and ranges of them, points from files, and everything that is neither. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { parseVary } from "../../src/questions/sweep/axis.ts";
import { listedPoints } from "../../src/questions/sweep/listedPoints.ts";
import { countRuns, pointsOf } from "../../src/questions/sweep/points.ts";
import { isOfShard, parseShard } from "../../src/shares/shard.ts";

const valuesOf = (text: string) =>
  parseVary(text).steps.map(([setting]) => setting?.override.value);

describe("--vary", () => {
  it.each([
    ["a=pml,prl", ["pml", "prl"]],
    ["a=64..512*2", [64, 128, 256, 512]],
    ["a=64..500*2", [64, 128, 256]],
    ["a=1..4", [1, 2, 3, 4]],
    ["a=0..10+5, 20", [0, 5, 10, 20]],
    ["a=0..1+0.25", [0, 0.25, 0.5, 0.75, 1]],
    ["a=1ms..4ms*2", ["1ms", "2ms", "4ms"]],
    ["a=500us..2ms+500us", ["500us", "1000us", "1500us", "2000us"]],
    ["a=64KiB..1MiB*4", ["64KiB", "256KiB", "1024KiB"]],
    ["a=64..256MiB*2", ["64MiB", "128MiB", "256MiB"]],
    ["a={ kind: measure }, null", [{ kind: "measure" }, null]],
  ])("%s is %j", (text, values) => {
    expect(valuesOf(text)).toEqual(values);
  });

  it("takes paths as --set does, and knows a field however it is written", () => {
    const [setting] = parseVary("vms[0].memory=1GiB").steps[0]!;
    expect(setting).toMatchObject({
      field: "vms.0.memory",
      override: { path: ["vms", 0, "memory"] },
    });
    const twice = [parseVary("vms[0].memory=1GiB"), parseVary("vms.0.memory=2GiB")];
    expect(() => pointsOf(twice)).toThrow(/^vms.0.memory is varied twice$/);
  });

  it.each([
    ["a", /expected a field and its value/],
    ["=1", /expected a field and its value/],
    ["a=", /expected values/],
    ["a=[", /not valid YAML/],
    ["a=2..1", /goes down/],
    ["a=1..2+0", /has no end/],
    ["a=1..2*1", /has no end/],
    ["a=0..8*2", /has no end/],
    ["a=1..8*2ms", /a factor has no unit/],
    ["a=1ms..2MiB", /has the units ms and MiB/],
    ["a=1..100000", /more than 10000 values/],
    ["a=1,2,1", /has "1" twice/],
  ])("%s is refused", (text, said) => {
    expect(() => parseVary(text)).toThrow(said);
    expect(() => parseVary(text)).toThrow(UserError);
  });

  it("makes points of all combinations, the last axis the fastest", () => {
    const axes = [parseVary("a=1,2"), parseVary("b=x,y,z")];
    expect(countRuns(axes, 5)).toBe(30);
    expect(pointsOf(axes).map(({ index, values }) => [index, values["a"], values["b"]])).toEqual([
      [0, 1, "x"],
      [1, 1, "y"],
      [2, 1, "z"],
      [3, 2, "x"],
      [4, 2, "y"],
      [5, 2, "z"],
    ]);
    const many = Array.from({ length: 4 }, (_, n) => parseVary(`f${n}=1..1000`));
    expect(() => countRuns(many, 1)).toThrow(/a sweep of 1,000,000,000,000 runs; at most/);
    expect(() => countRuns([], 1)).toThrow(/nothing to vary/);
  });
});

describe("a file of points", () => {
  const LISTED = [
    { "tracker.technique": "pml" },
    { "tracker.technique": "prl", "machine.logEntries": 4096 },
  ];
  it.each([
    ["p.csv", "tracker.technique,machine.logEntries\r\npml,\r\nprl,4096\r\n"],
    ["p.json", JSON.stringify(LISTED)],
    [
      "p.yaml",
      "- tracker.technique: pml\n- { tracker.technique: prl, machine.logEntries: 4096 }\n",
    ],
  ])("%s lists them", (file, text) => {
    const axis = listedPoints(file, text);
    expect(axis.fields).toEqual(["tracker.technique", "machine.logEntries"]);
    expect(pointsOf([axis]).map(({ values }) => values)).toEqual(LISTED);
  });

  it.each([
    ["p.txt", "", /expected a file of points that ends in/],
    ["p.csv", "a,b\n1\n", /not valid CSV/],
    ["p.csv", "a,a\n1,2\n", /two columns are called "a"/],
    ["p.csv", "a\n", /lists no points/],
    ["p.csv", "a,b\n,\n", /point 0 sets no field/],
    ["p.json", "[]", /lists no points/],
    ["p.json", '{"a": 1}', /p.json:1/],
    ["p.yaml", "- 1", /p.yaml:1/],
    ["p.yaml", '- { "a.0": 1, "a[0]": 2 }', /sets a.0 twice/],
  ])("%s with %j is refused", (file, text, said) => {
    expect(() => listedPoints(file, text)).toThrow(said);
    expect(() => listedPoints(file, text)).toThrow(UserError);
  });
});

describe("--shard", () => {
  it("parts any number of points: each is in one share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(200), (count, point) => {
        const shares = Array.from({ length: count }, (_, n) => parseShard(`${n + 1}/${count}`));
        expect(shares.filter((shard) => isOfShard(point, shard))).toHaveLength(1);
      }),
    );
  });

  it.each(["0/2", "3/2", "1", "1/0", "a/b", "1/2/3"])("%s is refused", (text) => {
    expect(() => parseShard(text)).toThrow(UserError);
  });
});
