/** Damaged scenarios: each is accepted or refused with one line; nothing else ever happens. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseYaml } from "../../src/config/yamlFile.ts";
import { UserError } from "../../src/errors.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { IS_ALL } from "../share.ts";

const directory = join(import.meta.dirname, "..", "..", "workloads", "scenarios");
const shipped = readdirSync(directory)
  // A Linux is not run for this.
  .filter((name) => name.endsWith(".yaml") && !name.startsWith("linux"))
  .sort()
  .map((name) => readFileSync(join(directory, name), "utf8"));

const RICH = `# every part of a scenario
name: rich
seed: 7
until: 3ms
machine:
  cpus: 2
  quantum: 50us
  timeslice: 1ms
  logEntries: 16
  tlb: { l1: { sets: 2, ways: 2 }, l2: { sets: 4, ways: 2 } }
  costs: { hypervisor: { vmExit: 700 } }
vms:
  - name: one
    memory: 4MiB
    paging: pae
    pageSize: 2M
    vcpus: 2
    workload: { kind: uniform, pages: 100, writeFraction: 0.5, accesses: 2000 }
  - paging: "off"
    workload:
      kind: phases
      pages: 20
      mode: RRWW
      rounds: 3
tracker:
  technique: prl
  prl: { slotRule: store-at-zero, doubleBuffer: true }
operation: { kind: measure, harvest: 1ms }
`;

const SNIPPETS = [
  "~",
  "null",
  ".nan",
  "-.inf",
  "1e400",
  "-1",
  "0",
  "1.5",
  "99999999999999999999",
  "true",
  '""',
  "''",
  "[]",
  "{}",
  "[[[[",
  "}",
  "&a 1",
  "*a",
  "!!binary YQ==",
  "!!set {a}",
  "!x y",
  "? ",
  ": ",
  "- ",
  "|\n  a",
  ">-\n",
  "<<: {}",
  "__proto__: { cpus: 3 }",
  "constructor: 1",
  "toString: 1",
  "\t",
  "\u0000",
  "\u2028",
  "\ufeff",
  "\ud800",
  "%YAML 9.9\n---\n",
  "---\n",
  "...\n",
  "# x",
  "1us",
  "64KiB",
  "pml",
  "kind: trace",
  "'",
  '"\\x"',
  "name",
  "10000000000s",
];

/** Places a snippet, removes, repeats or swaps a piece; positions as fractions of the length. */
const mutation = fc.record({
  what: fc.constantFrom("insert", "replace", "delete", "repeat", "line", "value"),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 30 }),
  snippet: fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 6 })),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(text: string, { what, at, length, snippet }: Mutation): string {
  const start = Math.floor(at * text.length);
  const end = Math.min(text.length, start + length);
  switch (what) {
    case "insert":
      return text.slice(0, start) + snippet + text.slice(start);
    case "replace":
      return text.slice(0, start) + snippet + text.slice(end);
    case "delete":
      return text.slice(0, start) + text.slice(end);
    case "repeat":
      return text.slice(0, end) + text.slice(start, end).repeat(3) + text.slice(end);
    case "line": {
      const lines = text.split("\n");
      lines.splice(Math.floor(at * lines.length), 1 + (length % 3));
      return lines.join("\n");
    }
    default: {
      // The value after some colon.
      const values = [...text.matchAll(/(?<=: )[^\n,}]+/g)];
      const value = values[Math.floor(at * (values.length - 1))];
      if (value === undefined) return text;
      return text.slice(0, value.index) + snippet + text.slice(value.index + value[0].length);
    }
  }
}

/** Small enough to run here; what is large is a matter of memory, not of damage. */
function isSmall({ vms, machine, operation }: Scenario): boolean {
  const pages = JSON.stringify(vms).match(/\d{6,}/g) === null;
  const cpus = vms.reduce((sum, { vcpus }) => sum + vcpus, 0) <= 16 && machine.cpus <= 16;
  const trace = JSON.stringify(vms).includes('"trace"');
  return pages && cpus && !trace && operation.kind === "measure";
}

/** @returns whether the text was accepted */
function load(text: string): boolean {
  try {
    const { value: scenario } = parseYaml("fuzz.yaml", text, scenarioSchema);
    if (isSmall(scenario)) buildSystem(scenario).run(300);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.lines.length).toBeLessThan(30);
    for (const line of error.lines) {
      expect(line).not.toContain("\n");
      expect(line.length).toBeLessThan(1500);
    }
    return false;
  }
}

describe("a scenario", () => {
  it("that is shipped is accepted, and so is one with every part", () => {
    for (const text of [...shipped, RICH]) expect(load(text)).toBe(true);
  });

  it("that is damaged is accepted or refused with a line for each mistake", () => {
    let accepted = 0;
    const runs = IS_ALL ? 3000 : 400;
    const text = fc.constantFrom(RICH, RICH, ...shipped);
    fc.assert(
      fc.property(text, fc.array(mutation, { minLength: 1, maxLength: 4 }), (base, mutations) => {
        if (load(mutations.reduce(mutate, base))) accepted++;
      }),
      { numRuns: runs },
    );
    // The damage is neither too small nor too great.
    expect(accepted).toBeGreaterThan(runs / 50);
    expect(accepted).toBeLessThan(runs / 2);
  });

  it("that is any text, or any JSON, is accepted or refused with a line for each mistake", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.json()), (text) => {
        load(text);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([10, 100, 1000, 3000, 10_000, 100_000])("nested %i deep is refused", (depth) => {
    expect(load(`name: x\nvms: ${"[".repeat(depth)}${"]".repeat(depth)}\n`)).toBe(false);
    expect(load(`name: x\nvms: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}\n`)).toBe(false);
    const indented = Array.from({ length: Math.min(depth, 1000) }, (_, i) => " ".repeat(i));
    expect(load(`name: x\nvms:\n${indented.map((space) => `${space} a:\n`).join("")}`)).toBe(false);
  });
});
