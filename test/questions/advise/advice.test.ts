/** What `trackvisor advise` answers, and that each answer's runs say the same when they are repeated. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Advice, adviceSchema } from "../../../src/questions/advise/advice.ts";
import { Scratch } from "../../cli/command.ts";

const PAGES = 512;
/** Touches each of its pages again and again, a third of the time to write, as long as it is looked at. */
const GUEST = `
name: small
machine: { cpus: 1, logEntries: 64 }
vms:
  - name: guest
    memory: 4MiB
    workload: { kind: uniform, pages: ${PAGES}, writeFraction: 0.3, gap: 200 }
until: 20ms
`;

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function advise(...words: readonly string[]): Promise<Advice> {
  const name = scratch.write("small.yaml", GUEST);
  const all = ["advise", name, "--store", "store", "--json", ...words];
  const { code, out, err } = await scratch.run(all, { limit: 170_000 });
  expect([code, err]).toEqual([0, ""]);
  return adviceSchema.parse(JSON.parse(out));
}

describe("an advice", () => {
  let advice: Advice;
  beforeAll(async () => {
    advice = await advise(
      "--seeds",
      "1,2",
      "--downtime",
      "20ms",
      "--link",
      "1Gbit/s",
      "--window",
      "4ms",
    );
  }, 180_000);

  it("knows the working set: the guest uses all of its pages in each window", () => {
    const [{ truth, phases } = { truth: null, phases: [] }] = advice.workingSets ?? [];
    expect(truth?.mean).toBeGreaterThan(PAGES * 0.99);
    expect(truth?.mean).toBeLessThan(PAGES * 1.05);
    // And says of no stretch that it is another.
    expect(phases.length).toBe(1);
  });

  it("names the cheapest tracker among those that miss nothing, and by how much", () => {
    const answers = advice.trackers?.answers ?? [];
    expect(answers.map(({ pages }) => pages)).toEqual(["written", "touched"]);
    for (const { best, next, margin } of answers) {
      expect(best).not.toBe(next);
      expect(margin?.mean).toBeGreaterThanOrEqual(0);
    }
  });

  it("tells of a migration, and of each way the runs", () => {
    const { ways, standard, limit } = advice.migration!;
    expect(limit).toBe(20);
    const known = new Set(advice.runs.map(({ id }) => id));
    const first = ways.find(({ name }) => name === standard)!;
    expect(["meets", "late", "endless"]).toContain(first.verdict);
    for (const { runs } of ways) {
      expect(runs.length).toBeGreaterThan(0);
      expect(runs.filter((id) => !known.has(id))).toEqual([]);
    }
  });

  it("says what would change it, between values that it has tried", () => {
    const asked = advice.sensitivity!.map(({ question, parameter }) => `${question}, ${parameter}`);
    expect(asked).toEqual(expect.arrayContaining(["migration, link", "migration, downtime"]));
    for (const { flips, answer } of advice.sensitivity!) {
      for (const flip of flips) expect(flip.answer).not.toBe(answer);
    }
  });

  it("has a command for each run, which gives the numbers that the answer has", async () => {
    const { ways, standard } = advice.migration!;
    const way = ways.find(({ name }) => name === standard)!;
    const runs = advice.runs.filter(({ id, purpose }) => {
      return way.runs.includes(id) && purpose.startsWith("migration");
    });
    expect(runs).toHaveLength(2);
    const times = await Promise.all(
      runs.map(async ({ set }) => {
        const words = ["run", "small.yaml", ...set.flatMap((one) => ["--set", one]), "--json"];
        const { out } = await scratch.run(words);
        return (JSON.parse(out) as { operation: { totalTime: number } }).operation.totalTime;
      }),
    );
    const mean = (times[0]! + times[1]!) / 2;
    expect(way.totalTime?.mean).toBeCloseTo(mean * MILLISECONDS_A_CYCLE, 6);
  });
});

/** docs/costs.md: 2.4 GHz. */
const MILLISECONDS_A_CYCLE = 1 / 2_400_000;

describe("is refused in one line", () => {
  it.each([
    [["small.yaml", "--only", "trakers"], 'there is no "trakers"; did you mean "trackers"?'],
    [["small.yaml", "--link", "fast"], "--link"],
    [["small.yaml", "--downtime", "soon"], "--downtime"],
    [["nowhere.yaml"], "nowhere.yaml"],
  ])("%j", async (words, what) => {
    const { code, err } = await scratch.run(["advise", ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining(what)]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});
