/** The way of a scenario: all mistakes of a phase are said at once, each with the place that it comes from, before memory is built. */
import { afterAll, describe, expect, it } from "vitest";
import { parseOverride } from "../../src/config/override.ts";
import { UserError } from "../../src/errors.ts";
import { buildLoaded, checkLoaded, loadScenario } from "../../src/runs/scenarioFile.ts";
import { resolveScenario } from "../../src/system/scenario/resolve.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { Scratch } from "../cli/command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Lines of the error, without the directory of the file. */
function mistakesOf(name: string, text: string, ...set: readonly string[]): readonly string[] {
  const file = scratch.path(scratch.write(name, text));
  try {
    checkLoaded(
      loadScenario(
        file,
        set.map((one) => parseOverride(one)),
      ),
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.lines.map((line) => line.replace(file, name));
  }
  return [];
}

const LARGE = `name: large
machine:
  logEntries: 1000
vms:
  - name: big
    memory: 64GiB
    workload: { kind: uniform, pages: 16777216, accesses: 1000 }
tracker: { technique: pml }
operation:
  kind: migrate
  vm: small
faults: [swapBeforeInvept]
`;

describe("all mistakes of a scenario", () => {
  it("in different sections are said at once, each with its line, and no memory is built for a large VM", () => {
    const before = process.memoryUsage.rss();
    const begun = performance.now();
    expect(mistakesOf("large.yaml", LARGE)).toEqual([
      "large.yaml:3: machine.logEntries: expected at most 512: PML's log is one page (SDM 28.2.5); longer ones need a unit with an index of its own: technique prl, up to 32768, or 65536 with tracker.prl.variant dw19",
      'large.yaml:12: faults[0]: "swapBeforeInvept" can do nothing here: it needs operation "overcommit"',
      'large.yaml:11: operation.vm: there is no VM "small" (VMs: big)',
    ]);
    expect(performance.now() - begun, "milliseconds").toBeLessThan(700);
    // Its tables alone would take 130 MiB, its truth 64.
    expect(process.memoryUsage.rss() - before, "bytes").toBeLessThan(60 * 2 ** 20);
  });

  it("of its shape are said at once, too, an unknown field beside a wrong unit", () => {
    const text =
      "name: x\nmachine: { cpu: 2, tims: 1 }\nvms:\n  - memory: 10Mb\n    workload: { kind: unifrm }\n";
    expect(mistakesOf("shapes.yaml", text)).toEqual([
      expect.stringMatching(/^shapes\.yaml:2: machine\.cpu: unknown field; did you mean "cpus"\?/),
      expect.stringMatching(/^shapes\.yaml:2: machine\.tims: unknown field/),
      expect.stringMatching(/^shapes\.yaml:4: vms\[0\]\.memory: expected a size/),
      expect.stringMatching(/^shapes\.yaml:5: vms\[0\]\.workload\.kind: expected one of/),
    ]);
  });

  it("of operations in a session are placed in the section of each", () => {
    const text = `name: x
vms: [{ workload: { kind: uniform, pages: 4, accesses: 9 } }]
operation:
  kind: session
  migration:
    kind: migrate
    vm: nobody
`;
    expect(mistakesOf("session.yaml", text)).toEqual([
      'session.yaml:7: operation.migration.vm: there is no VM "nobody" (VMs: vm0)',
    ]);
  });
});

const MOVES = `name: moves
vms: [{ workload: { kind: uniform, pages: 8, accesses: 100 } }]
tracker: { technique: pml }
operation: { kind: migrate }
`;
const PIECES = `name: pieces
vms: [{ workload: { kind: uniform, pages: 8, accesses: 100 } }]
tracker:
  technique: pml
  preemptEvery: 4
`;

describe("what an option makes wrong is blamed on the option", () => {
  it.each([
    [
      "that has set the field",
      MOVES,
      ["tracker.technique=presentBit"],
      /^--set tracker\.technique=presentBit: tracker\.technique: "presentBit" cannot tell/,
    ],
    [
      "though another field is what does not go with it",
      PIECES,
      ["tracker.technique=prl"],
      /^--set tracker\.technique=prl: tracker\.preemptEvery: technique "prl" handles no entries/,
    ],
    [
      "and on no other option beside it",
      PIECES,
      ["machine.cpus=2", "tracker.technique=prl", "seed=4"],
      /^--set tracker\.technique=prl: tracker\.preemptEvery/,
    ],
    [
      "and on two that are wrong only together",
      MOVES.replace("technique: pml", "technique: writeProtect"),
      ["tracker.preemptEvery=3", "operation={ kind: measure }", "tracker.technique=none"],
      /^--set tracker\.preemptEvery=3: tracker\.preemptEvery: technique "none"/,
    ],
    [
      "that has taken the end of the run away",
      "name: x\nuntil: 1ms\nvms: [{ workload: { kind: uniform, pages: 4 } }]\n",
      ["until=null"],
      /^--set until=null: VM "vm0": its workload never ends/,
    ],
  ] as const)("%s", (_, text, set, message) => {
    expect(mistakesOf("option.yaml", text, ...set)).toEqual([expect.stringMatching(message)]);
  });

  it("and what was wrong without it stays the file's", () => {
    const text = PIECES.replace("technique: pml", "technique: none");
    expect(mistakesOf("own.yaml", text, "machine.cpus=2")).toEqual([
      expect.stringMatching(/^own\.yaml:5: tracker\.preemptEvery/),
    ]);
  });
});

it("what is resolved can be built: nothing is left to refuse, and nothing is optional", () => {
  const scenario = scenarioSchema.parse({
    name: "x",
    vms: [{ workload: { kind: "uniform", pages: 8, accesses: 100 } }],
  });
  const { system } = resolveScenario(scenario);
  const unsaid = (value: unknown): string[] =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? []
      : Object.entries(value).flatMap(([name, field]) =>
          field === undefined ? [name] : unsaid(field).map((one) => `${name}.${one}`),
        );
  expect(unsaid({ ...system.world, vms: [] })).toEqual([]);
  const loaded = loadScenario("sort-pml", [parseOverride("vms.0.workload.accesses=10")]);
  expect(buildLoaded(loaded).done).toBe(false);
});
