/** `trackvisor check ./my-model.ts`: models of other people's files, with the options of every other model. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CheckReport } from "../../../src/check/checkRun.ts";
import { Scratch } from "../../cli/command.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const RING = join(ROOT, "docs", "examples", "check", "ringElection.ts");

/** Nothing is installed where the files lie. */
const scratch = new Scratch();
afterAll(() => {
  scratch.remove();
});

const check = (...words: readonly string[]) => scratch.run(["check", ...words]);

async function report(...words: readonly string[]): Promise<CheckReport> {
  return JSON.parse((await check(...words, "--json")).out) as CheckReport;
}

const verdicts = ({ properties }: CheckReport) => properties.map(({ verdict }) => verdict);

/** A machine that goes from a to b, and a property of it. */
const BODY = `
const machine = createMachine({ id: "m", initial: "a", states: { a: { on: { go: "b" } }, b: {} } });
const model = (properties) => actorModel({
  name: "mine", actors: { A: { machine, choices: [{ type: "go" }] } }, wires: [], properties,
});
`;
const IMPORTS = `import { actorModel, inState, not } from "trackvisor/check";
import { createMachine } from "xstate";
`;
const NEVER_B = '[{ kind: "always", name: "never b", that: not(inState("A", "b")) }]';

describe("a file of a model", () => {
  it("says what it is, with its parameters and faults", async () => {
    const { out, code } = await check("--list", RING);
    expect(code).toBe(0);
    expect(out).toContain("election of a leader on a ring\n  nodes=4 (2 to 5)\n");
    expect(out).toContain("--fault passes-all: a node passes on names that are smaller");
  });

  it("is checked with its parameters and faults, on several threads, and goes on from a saved search", async () => {
    const whole = await report(RING, "--set", "nodes=5", "--fault", "passes-all", "--keep-going");
    expect(verdicts(whole)).toEqual(["violated", "violated", "holds"]);
    const threads = [RING, "--set", "nodes=5", "--fault", "passes-all", "--keep-going"];
    const { distinct, generated } = await report(...threads, "--workers", "2");
    expect([distinct, generated]).toEqual([whole.distinct, whole.generated]);
    const saved = "search";
    const bound = ["--bound", "states=100", "--save", saved];
    await check(...threads, ...bound);
    const rest = await report(RING, "--continue", saved);
    expect([rest.distinct, rest.generated]).toEqual([whole.distinct, whole.generated]);
    // Opening a saved search runs nobody's program.
    const { code, err } = await check("--continue", saved);
    expect([code, err]).toEqual([2, expect.stringContaining("is of a model in a file")]);
  });

  it.each([
    [
      "typed.ts",
      `${IMPORTS}enum Kind { One = 1 }\n${BODY}export default model(${NEVER_B}) as unknown;`,
    ],
    ["plain.mjs", `${IMPORTS}${BODY}export default () => model(${NEVER_B});`],
    ["plain.js", `${IMPORTS}${BODY}export default { build: () => model(${NEVER_B}) };`],
    [
      "common.cjs",
      `const { actorModel, inState, not } = require("trackvisor/check");
       const { createMachine } = require("xstate");${BODY}module.exports = () => model(${NEVER_B});`,
    ],
  ])("may be %s, and nothing need be installed beside it", async (name, text) => {
    const typed = text.replace("(properties)", "(properties: any)");
    const path = scratch.write(name, name.endsWith(".ts") ? typed : text);
    const { code, out, err } = await check(`./${path}`);
    expect([code, err]).toEqual([1, ""]);
    expect(out).toContain("VIOLATED never b (counterexample of 1 messages)");
    expect(out).toContain("1. A by itself: go; a to b");
  });
});

describe("is refused in one line", () => {
  it.each([
    ["there is no such file", "missing.ts", null],
    ["cannot be loaded: ", "broken.ts", "export default ((;"],
    ["cannot be loaded: boom", "throws.mjs", 'throw new Error("boom");'],
    ["expected as its default export a model", "empty.mjs", "export const x = 1;"],
    [
      '"biuld" is not known; did you mean "build"?',
      "typo.mjs",
      "export default { build: 1, biuld: 1 };",
    ],
    ["has returned no model", "none.mjs", "export default () => 1;"],
    [
      "its model cannot be built: boom",
      "fails.mjs",
      'export default () => { throw new Error("boom"); };',
    ],
    [
      'no state "c"',
      "state.mjs",
      `${IMPORTS}${BODY}export default () => model([{ kind: "always", name: "x", that: inState("A", "c") }]);`,
    ],
  ])("%s", async (message, name, text) => {
    const path = text === null ? name : scratch.write(name, text);
    const { code, err } = await check(path);
    expect([code, err.split("\n").length]).toEqual([2, 2]);
    expect(err).toContain(message);
    expect(err).toContain(name);
  });

  it("a fault or a parameter that it does not have", async () => {
    for (const [args, message] of [
      [["--fault", "passes-al"], 'did you mean "passes-all"?'],
      [["--set", "node=3"], 'did you mean "nodes"?'],
      [["--set", "nodes=9"], "expected a whole number from 2 to 5"],
    ] as const) {
      const { code, err } = await check(RING, ...args);
      expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  it("a step that never ends is named, and given up", async () => {
    const path = scratch.write(
      "endless.mjs",
      `${IMPORTS}
       const machine = createMachine({ id: "m", initial: "a",
         states: { a: { on: { go: { target: "b", guard: () => { for (;;); } } } }, b: {} } });
       export default () => actorModel({ name: "mine", actors: { A: { machine, choices: [{ type: "go" }] } }, wires: [], properties: [] });`,
    );
    const { signal, err } = await check(path, "--step-seconds", "1");
    expect([signal, err]).toEqual([
      "SIGKILL",
      'trackvisor: model mine: A, on "go": the step has taken 1 s and has not ended; it is given up, and the process with it\n',
    ]);
  });

  it("a step that goes by chance", async () => {
    const path = scratch.write(
      "chance.mjs",
      `${IMPORTS.replace("createMachine", "assign, createMachine")}
       let calls = 0;
       const machine = createMachine({ id: "m", context: { n: 0 }, initial: "a",
         states: { a: { on: { go: { actions: assign({ n: () => (calls++ % 3) }) } } } } });
       export default () => actorModel({ name: "mine", actors: { A: { machine, choices: [{ type: "go" }] } }, wires: [], properties: [] });`,
    );
    const { code, err } = await check(path);
    expect([code, err]).toEqual([2, expect.stringContaining("worked out twice, the step differs")]);
  });
});
