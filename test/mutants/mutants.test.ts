/** `npm run mutants` itself: its lists fit the sources, and what should be noticed is. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HAND_MADE, handMade } from "./lists.ts";
import type { MeasuredJudge } from "./measured.ts";
import { located, mutated } from "./mutant.ts";
import { proposalsFor } from "./operators.ts";
import { Scratch } from "./scratch.ts";
import { areaOf, textOf } from "./sources.ts";
import { tried } from "./trial.ts";

const root = process.cwd();
const TIMEOUT = 120_000;

it("every hand-made mutant replaces a text that stands in its file once", () => {
  const all = handMade(root);
  expect(all.length).toBeGreaterThanOrEqual(80);
  expect(all.filter(({ file }) => areaOf(file) === null)).toEqual([]);
  expect(HAND_MADE.filter(({ damage }) => damage === "")).toEqual([]);
});

it.each(["not there", "x"])("a text that is found not once is refused: %s", (from) => {
  const mutant = {
    name: "m",
    file: "f.ts",
    class: "protocol",
    from,
    to: "y",
    damage: "d",
  } as const;
  expect(() => located(mutant, "x + x")).toThrow("m: the text that it replaces");
});

describe("operators", () => {
  const changed = (text: string): string[] =>
    proposalsFor("f.ts", text).map((mutant) => mutated(text, mutant));

  it("change comparisons, signs, constants, statements and conditions", () => {
    expect(changed("if (a < 2) b = c + 1;")).toEqual([
      "if (!(a < 2)) b = c + 1;",
      "if (true) b = c + 1;",
      "if (a <= 2) b = c + 1;",
      "if (a < 3) b = c + 1;",
      "if (a < 2) ;",
      "if (a < 2) b = c - 1;",
      "if (a < 2) b = c + 2;",
    ]);
  });

  it("change what a machine does, where it goes and whom it tells", () => {
    const text = [
      "setup({ actions: { tell: emit(() => send(context.other, message, delay)) } }).createMachine({",
      'states: { one: { on: { go: { target: "two", actions: ["note", "tell"] } } }, two: {} } });',
    ].join("\n");
    const found = changed(text).map((one) => one.replaceAll("\n", " "));
    for (const part of [
      "send(context.other, message))",
      "send(context.self, message, delay)",
      'target: "one"',
      '{ actions: ["note", "tell"] }',
      'actions: ["note"]',
      'actions: ["tell"]',
      'actions: ["tell", "note"]',
      "on: { go: {} }",
    ]) {
      expect(found.filter((one) => one.includes(part)).length, part).toBeGreaterThan(0);
    }
  });

  it("name each proposal once, and leave types and messages of errors alone", () => {
    const text = textOf(root, "src/hardware/tlb.ts");
    const names = proposalsFor("src/hardware/tlb.ts", text).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(100);
    expect(new Set(names).size).toBe(names.length);
    expect(changed('type A = 1 | 2;\nthrow new Error("b" + 1);')).toEqual([]);
  });
});

describe("mutants are noticed", { timeout: TIMEOUT }, () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch(root);
  }, TIMEOUT);
  afterAll(() => scratch.remove());

  const CAUGHT = [
    ["mmu-kick-in-root-lost", "model", "checkpoint-stop"],
    ["disarm-keeps-dirty-clear", "test", "test/hypervisor/logDirty.test.ts"],
    ["walk-permissions-of-leaf-only", "test", "test/litmus/litmus.test.ts"],
  ] as const;

  it.each(CAUGHT)("%s by the %s %s", async (name, kind, judge) => {
    const mutant = handMade(root).find((one) => one.name === name)!;
    const judges: MeasuredJudge[] = [{ kind, name: judge, seconds: 2, functions: {} }];
    const { caught } = await tried(mutant, textOf(root, mutant.file), judges, scratch);
    expect(caught?.judge.name).toBe(judge);
    expect(caught?.by).not.toMatch(/takes too long|ends with an error|cannot be loaded/);
  });

  it("and what is no mutant is not", async () => {
    const mutant = handMade(root).find(({ name }) => name === "mmu-kick-in-root-lost")!;
    const text = textOf(root, mutant.file);
    const same = { ...mutant, edit: { start: 0, end: 0, text: "" } };
    const judges: MeasuredJudge[] = [
      { kind: "model", name: "checkpoint-stop", seconds: 2, functions: {} },
      { kind: "test", name: "test/hypervisor/logControls.test.ts", seconds: 2, functions: {} },
    ];
    expect((await tried(same, text, judges, scratch)).caught).toBeNull();
  });
});
