/** What holds for every row of the lists that no other file here has. A new row is tested by being listed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UNIT_STATECHARTS } from "../../machines/units/all.ts";
import { MODELS, modelNamed, mutationNamed, mutationsOf } from "../../src/check/catalogue.ts";
import { MUTATIONS } from "../../src/check/mutations/all.ts";
import { VERBS } from "../../src/litmus/stepSchema.ts";
import { METRICS } from "../../src/questions/metrics.ts";
import { PROPERTIES } from "../../src/replay/properties.ts";
import { OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { OPERATIONS } from "../../src/system/operations/all.ts";
import { BREAK_COMMANDS } from "../../src/tui/breakCommands.ts";
import { COMMANDS } from "../../src/tui/commands.ts";
import { MACHINE_COMMANDS } from "../../src/tui/machineCommands.ts";
import { UNITS } from "../../src/units/all.ts";
import { FORMATS } from "../../workloads/trace/formats/all.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (...path: readonly string[]): string => readFileSync(join(ROOT, ...path), "utf8");
const LITMUS = readdirSync(join(ROOT, "test", "litmus"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => read("test", "litmus", name))
  .join("\n");

interface Listed {
  readonly list: string;
  /** What people call each row, and what they are told of it. */
  readonly rows: readonly (readonly [name: string, told: string])[];
  /** Where each name is explained; null: nowhere by hand. */
  readonly page: string | null;
}

const LISTS: readonly Listed[] = [
  { list: "units", rows: UNITS.map(({ name, title }) => [name, title]), page: "litmus.md" },
  { list: "models", rows: MODELS.map(({ name, what }) => [name, what]), page: null },
  { list: "planted faults", rows: MUTATIONS.map((one) => [one.name, one.mistake]), page: null },
  { list: "metrics", rows: METRICS.map(({ name, what }) => [name, what]), page: null },
  {
    list: "properties of runs",
    rows: PROPERTIES.map(({ name, description }) => [name, description]),
    page: "log.md",
  },
  {
    list: "formats of traces",
    rows: FORMATS.map((one) => [one.name, one.title]),
    page: "traces.md",
  },
  {
    list: "commands of the screen",
    rows: [
      ...COMMANDS,
      ...[...MACHINE_COMMANDS, ...BREAK_COMMANDS].filter((one) => !COMMANDS.includes(one)),
    ].map(({ name, help }) => [name, help]),
    page: "tui.md",
  },
];

describe.each(LISTS)("$list", ({ rows, page }) => {
  it("have names of their own, and say in one line what they are", () => {
    const names = rows.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [name, told] of rows) {
      expect(name).toMatch(/^\S+$/);
      expect(told, name).toMatch(/^[^\n]{3,}$/);
    }
  });

  it.skipIf(page === null)("are in their page of the documents", () => {
    const text = read("docs", page ?? "");
    expect(rows.map(([name]) => name).filter((name) => !text.includes(name))).toEqual([]);
  });
});

it.each(MODELS.map((one) => [one.name, one] as const))(
  "model %s has parameters in their bounds, and its own faults",
  (name, model) => {
    expect(modelNamed(name)).toBe(model);
    const names = model.parameters.map((one) => one.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { value, min, max } of model.parameters) {
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(max);
    }
    for (const fault of mutationsOf(name)) expect(mutationNamed(fault.name, name)).toBe(fault);
  },
);

it.each(MUTATIONS.map((one) => [one.name, one] as const))(
  "planted fault %s is of a model that there is, with parameters that it has",
  (_name, { model, set = {}, breaks }) => {
    const parameters = modelNamed(model).parameters.map((one) => one.name);
    expect(Object.keys(set).filter((key) => !parameters.includes(key))).toEqual([]);
    expect(breaks).not.toBe("");
  },
);

it.each(VERBS)("litmus verb %s is used by a litmus file, and in their manual", (verb) => {
  expect(LITMUS).toMatch(new RegExp(`\\b${verb}\\b`));
  expect(read("docs", "litmus.md")).toContain(`\`${verb}`);
});

it.each(METRICS.map((one) => [one.name, one] as const))(
  "metric %s is every run's, or of an operation that there is",
  (_name, { operation }) => {
    if (operation !== null) expect(OPERATIONS.map(({ kind }) => kind)).toContain(operation);
  },
);

it.each(Object.keys(OPERATOR_COMMANDS))(
  "the operator's command %s can be given on the screen",
  (name) => {
    const driver = readdirSync(join(ROOT, "src", "tui"))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => read("src", "tui", file));
    expect(driver.some((text) => text.includes(`"${name}"`))).toBe(true);
  },
);

it.each(UNIT_STATECHARTS.map((one) => [one.machine.id, one] as const))(
  "the statechart %s names transitions that it has, where it says that none takes them",
  (_id, { machine, neverTaken = {} }) => {
    for (const branch of Object.keys(neverTaken)) {
      const [state = ""] = branch.split(":");
      expect(Object.keys(machine.config.states ?? {})).toContain(state);
    }
  },
);
