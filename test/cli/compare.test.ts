/** `trackvisor compare`: the same guests under each tracker, and an answer that follows from the numbers. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { techniques } from "../../src/hypervisor/techniques/all.ts";
import { Scratch } from "./command.ts";

const scratch = new Scratch();
const SORT = join(import.meta.dirname, "..", "..", "workloads", "traces", "sort.tvtrace");
const TIMEOUT = 120_000;

afterAll(() => scratch.remove());

interface Row {
  readonly name: string;
  readonly measures: Readonly<Record<string, number>>;
  readonly intervals: Readonly<Record<string, number>>;
}

const HOT = `name: hot and cold
seed: 1
vms:
  - workload: { kind: hotCold, pages: 2000, hotPages: 100, hotProbability: 0.9, accesses: 60000, writeFraction: 0.3 }
`;

async function compare(words: readonly string[]) {
  const { out, err, code } = await scratch.run(["compare", ...words, "--json"]);
  expect(err).toBe("");
  expect(code).toBe(0);
  return JSON.parse(out) as {
    readonly rows: readonly Row[];
    readonly refused: readonly { readonly name: string }[];
    readonly answers: readonly string[];
  };
}

/** Those that find written pages alone. */
const WRITES = [
  ...techniques().flatMap(({ name, findsWritten, findsTouched }) =>
    findsWritten && !findsTouched ? [name] : [],
  ),
  "dirtyRing-pml",
];

describe("trackvisor compare", { timeout: TIMEOUT }, () => {
  it("sorts trackers by what they cost the guest, and says which is cheapest for what", async () => {
    const file = scratch.write("hot.yaml", HOT);
    const { rows, answers } = await compare([file]);
    const overheads = rows.map(({ measures }) => measures["overhead"]!);
    expect(overheads).toEqual([...overheads].sort((a, b) => a - b));
    const row = (name: string) => rows.find((one) => one.name === name)!.measures;
    expect(row("none")).toMatchObject({ overhead: 0, exits: 0, memory: 0, found: 0 });
    for (const name of WRITES) {
      expect(row(name)).toMatchObject({ found: row("pml")["found"], missed: 0, recall: 1 });
    }
    // A page's first write costs an exit under write protection, and the 512th under PML.
    expect(row("writeProtect")["exits"]).toBeGreaterThan(100 * row("pml")["exits"]!);
    // One log loses what is touched while it is handled; what it finds is right.
    expect(row("prl")["missed"]).toBeGreaterThan(0);
    expect(row("prl")["recall"]).toBeLessThan(1);
    expect(row("prl")["precision"]).toBe(1);
    const cheapest = (finds: readonly string[]) =>
      rows.find(({ name, measures }) => finds.includes(name) && measures["missed"] === 0)!.name;
    const both = ["accessedDirtyScan"];
    expect(answers.find((line) => line.startsWith("Cheapest for written pages: "))).toContain(
      `: ${cheapest([...both, ...WRITES])}`,
    );
    expect(answers.find((line) => line.startsWith("Cheapest for touched pages: "))).toContain(
      `: ${cheapest([...both, "presentBit", "prl", "prl-two-logs"])}, `,
    );
  });

  it("says which of the cheapest no processor has, and what is cheapest on those of today", async () => {
    const file = scratch.write("today.yaml", HOT);
    const said = async (trackers: string) => {
      const { answers } = await compare([file, "--trackers", trackers]);
      return answers.map((line) => line.replace(/,? -?[\d.]+ %.*/, ""));
    };
    const cheapest = "Cheapest for written pages: overflowLog (no processor has it)";
    expect((await said("overflowLog,pml,dirtyRing")).slice(0, 2)).toEqual([
      cheapest,
      "  On processors of today: pml",
    ]);
    expect((await said("overflowLog")).slice(0, 2)).toEqual([
      cheapest,
      "  Nothing here that is on processors of today finds all written pages.",
    ]);
    // What needs no unit any processor can do.
    expect((await said("pml,writeProtect")).slice(0, 2)).toEqual([
      "Cheapest for written pages: pml",
      "  The next is writeProtect",
    ]);
  });

  it("of several seeds gives means with their intervals", async () => {
    const file = scratch.write("seeds.yaml", HOT);
    const words = [file, "--trackers", "pml,prl", "--seeds", "1..3"];
    const { rows } = await compare(words);
    expect(rows.map(({ name }) => name).sort()).toEqual(["pml", "prl"]);
    expect(rows.every(({ intervals }) => intervals["overhead"]! > 0)).toBe(true);
    const one = await compare([file, "--trackers", "pml", "--set", "seed=2"]);
    const { rows: same } = await compare([file, "--trackers", "pml", "--seeds", "2"]);
    expect(same).toEqual(one.rows);
  });

  it("compares several scenarios, and a trace", async () => {
    const { rows } = await compare(["sort-pml", "sort-prl", "--until", "2ms"]);
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(["sort-pml", "sort-prl"]));
    const trace = await compare([SORT, "--trackers", "writeProtect", "--until", "1ms"]);
    expect(trace.rows[0]!.measures["exits"]).toBeGreaterThan(0);
  });

  it("names the trackers that cannot serve an operation", async () => {
    const file = scratch.write("move.yaml", `${HOT}operation: { kind: migrate }\n`);
    const { rows, refused } = await compare([file, "--trackers", "pml,presentBit"]);
    expect(rows.map(({ name }) => name)).toEqual(["pml"]);
    expect(refused).toMatchObject([{ name: "presentBit" }]);
  });

  it("refuses what cannot be compared", async () => {
    for (const [words, said] of [
      [["--trackers", "plm"], 'did you mean "pml"?'],
      [["wss-prl"], "an estimator chooses its own way of tracking"],
      [["sort-pml", "sort-prl", "--trackers", "pml"], "of one scenario, not of several"],
      [["--seeds", "5..1"], "expected seeds such as"],
      [["--seeds", "1,1"], "expected each seed once"],
      [["--seeds", "1..100000"], "expected at most"],
      [["nowhere.tvtrace"], "nowhere.tvtrace"],
    ] as const) {
      const { out, err, code } = await scratch.run(["compare", ...words]);
      expect(code, words.join(" ")).toBe(2);
      expect(out).toBe("");
      expect(err).toContain(said);
      expect(err.trimEnd()).not.toContain("\n");
    }
  });
});
