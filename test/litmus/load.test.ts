import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { loadLitmus } from "../../src/litmus/load.ts";
import { findLitmusFiles, runLitmusPaths } from "../../src/litmus/paths.ts";
import { describeFailure, describeSummary } from "../../src/litmus/report.ts";
import { runLitmus } from "../../src/litmus/run.ts";

function runText(text: string) {
  return loadLitmus("t.litmus.yaml", text).map(runLitmus);
}

function complaint(text: string): string {
  try {
    runText(text);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "none";
}

describe("a mistake in a file is told in one line", () => {
  const steps = "steps: [{ vmentry: true }]";
  it.each([
    ["name: x", 't.litmus.yaml:1: field "steps" is missing'],
    ["", 't.litmus.yaml:1: expected a map with at least "name" and "steps"'],
    [
      `name: [x\n${steps}`,
      "t.litmus.yaml:2: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    [
      "name: x\nsteps:\n  - wrte: 0x1000",
      't.litmus.yaml:3: steps[0]: expected a step: none of its fields is a verb; nearest to "wrte" is "write"',
    ],
    [
      "name: x\nsteps:\n  - { read: 1, write: 2 }",
      't.litmus.yaml:3: steps[0]: expected a step with one verb, not both "read" and "write"',
    ],
    ["name: x\nsteps:\n  - deliver: nmi", 't.litmus.yaml:3: steps[0]: field "stack" is missing'],
    [
      "name: x\nsteps:\n  - write: foo",
      "t.litmus.yaml:3: steps[0].write: expected a whole number, such as 512 or 0x1000",
    ],
    [
      "name: x\nsteps:\n  - clear: 0x40000000000",
      "t.litmus.yaml:3: steps[0].clear: expected an address below 0x40000000000",
    ],
    [
      "name: x\nsteps:\n  - write: 0x10000000000000000",
      "t.litmus.yaml:3: steps[0].write: expected at most 64 bits",
    ],
    [
      "name: x\nsteps:\n  - write: 0x80000000000",
      "t.litmus.yaml:3: steps[0]: a linear address lies beyond the 8 TiB that the emulator holds",
    ],
    [
      `name: x\nmachine:\n  geometry: { logEntries: 513 }\n${steps}`,
      "t.litmus.yaml:3: machine.geometry.logEntries: a PML log has at most 512 entries, not 513: PML's log is one page (SDM 28.2.5)",
    ],
    [
      `name: x\nvmcs:\n  guestPaging: 3\n${steps}`,
      "t.litmus.yaml:3: vmcs.guestPaging: expected a number below 3",
    ],
    [
      "name: x\ncontrols: { externalInterruptExiting: false }\nsteps:\n  - vmexit: externalInterrupt",
      "t.litmus.yaml:4: steps[0].vmexit: no exit: external-interrupt exiting is off",
    ],
    [
      `name: x\nvmcs: { entryInterruptionInformation: 0x80000020 }\n${steps}`,
      "t.litmus.yaml:3: steps[0]: VM entry injects an event: enter by vmentry, with the stack of its handler",
    ],
    [
      "name: x\nsteps:\n  - write: 0x1000\n    expect:\n      indx: 3",
      't.litmus.yaml:5: steps[0].expect: unknown field "indx": did you mean "index"?',
    ],
    [
      "name: x\nsteps:\n  - write: 1\n    expect: { exit: pmlful }",
      't.litmus.yaml:4: steps[0].expect.exit: expected one of the known names, not "pmlful": did you mean "pmlFull"?',
    ],
    [
      `name: x\nvmcs:\n  pmlIndx: 3\n${steps}`,
      't.litmus.yaml:3: vmcs: unknown field "pmlIndx": did you mean "pmlIndex"?',
    ],
    [
      `name: x\nvmcs:\n  pmlAddress: 0x10000000000000000\n${steps}`,
      "t.litmus.yaml:3: vmcs.pmlAddress: expected at most 64 bits",
    ],
    [
      `name: x\nept:\n  - { gpa: 0x1234 }\n${steps}`,
      "t.litmus.yaml:3: ept[0]: gpa and hpa must be multiples of the page size",
    ],
    [
      `name: x\nept:\n  - { gpa: 0x1000, flags: A A }\n${steps}`,
      't.litmus.yaml:3: ept[0].flags: flags "A A" name 2 levels, but the walk has 4',
    ],
    [
      "name: x\nmatrix: { op: [read] }\nsteps:\n  - $opp: 1",
      't.litmus.yaml:4: "$opp": no parameter of that name; did you mean "$op"?',
    ],
    [
      "name: x\nmatrix: { op: [] }\nsteps:\n  - $op: 1",
      "t.litmus.yaml:2: matrix.op: expected a list of values",
    ],
    [
      "name: x\nvcpus: { one: {}, two: {} }\nsteps:\n  - { write: 1, vcpu: tow }",
      't.litmus.yaml:4: steps[0].vcpu: no vCPU "tow"; did you mean "two"?',
    ],
    [
      "name: x\nsteps:\n  - reinject: true",
      "t.litmus.yaml:3: steps[0]: no event to inject again: its delivery was not interrupted",
    ],
    [
      "name: x\nsteps:\n  - run: [{ count: 3 }]",
      "t.litmus.yaml:3: steps[0].run[0]: expected one of read, write, fetch, readModifyWrite",
    ],
    ["name: x\ntests: 3", "t.litmus.yaml:2: tests: expected a list of tests"],
    [
      "name: x\ntests:\n  - name: y\n    steps:\n      - fetchh: 1",
      't.litmus.yaml:5: steps[0]: expected a step: none of its fields is a verb; nearest to "fetchh" is "fetch"',
    ],
  ])("%j", (text, message) => {
    expect(complaint(text)).toBe(message);
  });
});

it("tells what was expected and what came, with step and line", () => {
  const text = `name: wrong
ept: [{ gpa: 0x5000 }]
steps:
  - write: 0x5000
  - name: the second write
    write: 0x5008
    expect: { index: 509, logged: [0x5000], flags: { 0x5000: accessed } }
`;
  const [result] = runText(text);
  expect(describeFailure(result!).join("\n")).toBe(`FAILED t.litmus.yaml: wrong
  step 2 (the second write), t.litmus.yaml:5
    index:
      expected 0x1fd
      actual   0x1fe
    logged:
      expected 1 [0x5000]
      actual   0 []
    flags of 0x5000:
      expected A A A A
      actual   A A A AD`);
});

it("a step that does not complete fails unless its exit is expected", () => {
  const [result] = runText("name: x\nsteps:\n  - write: 0x5000");
  expect(result!.failure!.differences).toEqual([
    { what: "outcome", expected: "completed", actual: "exit eptViolation" },
  ]);
});

it("inherits from the file, merges maps and replaces lists", () => {
  const text = `name: all
vmcs: { pmlIndex: 3, guestRip: 0x40 }
ept: [{ gpa: 0x5000 }]
steps:
  - write: 0x5000
    expect: { index: 2, rip: 0x44 }
tests:
  - {}
  - name: other
    vmcs: { pmlIndex: 7 }
    ept: [{ gpa: 0x6000 }]
    steps: [{ write: 0x6000, expect: { index: 6, rip: 0x44 } }, { write: 0x5000, expect: { exit: eptViolation } }]
`;
  const results = runText(text);
  expect(results.map(({ name, passed }) => [name, passed])).toEqual([
    ["all", true],
    ["other", true],
  ]);
});

it("runs files and directories, and sums up", async () => {
  const summary = await runLitmusPaths(["test/litmus/basics.litmus.yaml"]);
  expect(summary).toMatchObject({ files: 1, failed: 0 });
  expect(summary.passed).toBe(summary.tests);
  expect(describeSummary(summary)).toEqual([`${summary.tests} passed, 0 failed, in 1 file`]);
  const one = await runLitmusPaths(["test/litmus"], { caseNumber: 56 });
  expect(one.results.every(({ cases }) => cases.includes(56))).toBe(true);
  await expect(runLitmusPaths(["no/such"])).rejects.toThrow(UserError);
  await expect(runLitmusPaths(["docs"])).rejects.toThrow("docs: no *.litmus.yaml file in it");
});

it("mutated text gives a result or a UserError, and nothing else", async () => {
  const files = await findLitmusFiles(["test/litmus"]);
  const texts = files.map((file) => readFileSync(file, "utf8").split("\n"));
  const pieces = texts.flat().filter((line) => line.trim() !== "");
  const odd = [
    "&a [*a]",
    "<<: *x",
    "{}",
    "[]",
    "null",
    "-1",
    "0x",
    "1e400",
    "__proto__: 1",
    "$x",
    "\u0000",
    "? a",
    "!!binary a",
    "99999999999999999999999",
  ];
  const edit = fc.record({
    at: fc.nat(1000),
    how: fc.constantFrom("drop", "double", "line", "odd", "number", "cut", "indent"),
    other: fc.nat(10_000),
  });
  fc.assert(
    fc.property(
      fc.nat(texts.length - 1),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (which, edits) => {
        // One test of the file, so that a mutation is met soon.
        const lines = [...texts[which]!];
        for (const { at, how, other } of edits) {
          const i = at % lines.length;
          const line = lines[i]!;
          if (how === "drop") lines.splice(i, 1);
          else if (how === "double") lines.splice(i, 0, line);
          else if (how === "line") lines[i] = pieces[other % pieces.length]!;
          else if (how === "odd") lines[i] = line.replace(/[^ :]+$/, odd[other % odd.length]!);
          else if (how === "number")
            lines[i] = line.replace(/0x[0-9a-f]+|\d+/, String(other * 4096));
          else if (how === "cut") lines[i] = line.slice(0, other % (line.length + 1));
          else lines[i] = ` ${line}`;
        }
        try {
          for (const test of loadLitmus("f", lines.join("\n")).slice(0, 60)) runLitmus(test);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          if (error.message.includes("\n")) throw new Error(`more than one line: ${error.message}`);
        }
      },
    ),
    { numRuns: 600, seed: 7 },
  );
});
