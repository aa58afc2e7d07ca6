/** Random tests of Bochs: all agree in its mode, and another mode is noticed. Skipped where it cannot be asked. */
import { describe, expect, it } from "vitest";
import { describeFuzz, fuzzWitness, type WitnessOptions } from "../../src/cli/litmusWitness.ts";
import { UserError } from "../../src/errors.ts";
import { hasProgram } from "../../src/io/scratch.ts";
import { loadLitmus } from "../../src/litmus/load.ts";
import { hasBochs } from "../../src/witness/bochs.ts";
import { fuzzBochs } from "../../src/witness/fuzz.ts";
import { BUILDERS } from "../../src/witness/imageFile.ts";
import { accessesOf, randomTest, smaller, testText } from "../../src/witness/randomTest.ts";

const LONG = 300_000;
const canAsk = hasBochs() && BUILDERS.every(hasProgram);

describe("a random test", () => {
  it("is the same for the same seed and number, and loads", () => {
    for (let number = 0; number < 50; number++) {
      const text = testText(randomTest(1, number, "bochs"));
      expect(testText(randomTest(1, number, "bochs"))).toBe(text);
      expect(testText(randomTest(2, number, "bochs"))).not.toBe(text);
      expect(loadLitmus("random", text)).toHaveLength(1);
    }
  });

  it("is shrunk by leaving out parts, the most first, down to one", () => {
    const test = randomTest(1, 0, "bochs");
    const sizes = smaller(test).map(
      ({ steps, ept, guest }) => steps.length + ept.length + guest.map.length,
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const whole = test.steps.length + test.ept.length + test.guest.map.length;
    expect(sizes[0]).toBeLessThan(whole - 3);
    expect(sizes.at(-1)).toBe(whole - 1);
    expect(accessesOf(test)).toBeGreaterThan(0);
  });
});

describe("random tests", () => {
  it.each<[string, readonly string[], WitnessOptions]>([
    ["files", ["a.litmus.yaml"], { on: "bochs" }],
    ["another witness", [], { on: "image:a.img" }],
    ["results", [], { on: "bochs", results: "log.txt" }],
    ["a case", [], { on: "bochs", case: 7 }],
    ["JSON", [], { on: "bochs", json: true }],
  ])("refuse %s", async (_, paths, options) => {
    await expect(fuzzWitness(paths, { fuzz: 1, ...options })).rejects.toThrow(UserError);
  });
});

describe.skipIf(!canAsk)("Bochs and random tests", () => {
  it("agree", { timeout: LONG }, async () => {
    const report = await fuzzBochs(150, 20_000);
    expect(describeFuzz(report, 20_000).at(-1)).toBe("# all others agree in all values");
    expect(report.accesses).toBeGreaterThan(3000);
    expect([...report.notAsked.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(15);
  });

  it("differ in another mode of the emulator, within 100 tests, by a litmus file of a few lines", {
    timeout: LONG,
  }, async () => {
    const report = await fuzzBochs(100, 1, "sdm");
    expect(report.failure?.number).toBeLessThan(100);
    const text = describeFuzz(report, 1).join("\n");
    const [test] = loadLitmus("shrunk", text);
    expect(test?.steps.length).toBeLessThanOrEqual(2);
    expect(report.failure?.text.split("\n").length).toBeLessThan(15);
  });
});
