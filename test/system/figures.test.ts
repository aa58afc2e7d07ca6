/**
 * Every figure of small runs that go through all techniques, operations and policies is what it was when somebody
 * last looked at it: a run is determined by its scenario to the cycle, so each difference is a change of behaviour.
 * UPDATE_GOLDEN=1 writes the figures anew: after a deliberate change, which the reader of the change then sees.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { SCENARIOS } from "./figures/scenarios.ts";

const directory = join(import.meta.dirname, "figures");

/** Of what is worked out with logarithms and powers: their last digits are the library's affair. */
const DIGITS = 12;

function figuresOf(name: string): unknown {
  const system = buildSystem(scenarioSchema.parse({ name, seed: 7, ...SCENARIOS[name] }));
  system.run();
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value;
  return JSON.parse(JSON.stringify(summarize(system), rounded));
}

/** One line for each value, or for each object or list of nothing but values: a difference shows what has changed. */
function lines(value: unknown, path = ""): string[] {
  const isFlat = (one: unknown): boolean => typeof one !== "object" || one === null;
  if (isFlat(value)) return [`${path} ${JSON.stringify(value)}`];
  const entries = Object.entries(value as object);
  if (path !== "" && entries.every(([, own]) => isFlat(own))) {
    return [`${path} ${JSON.stringify(value)}`];
  }
  return entries.flatMap(([key, own]) => lines(own, path === "" ? key : `${path}.${key}`));
}

const fileOf = (name: string): string => join(directory, `${name}.txt`);

if (process.env["UPDATE_GOLDEN"] === "1") {
  mkdirSync(directory, { recursive: true });
  for (const name of Object.keys(SCENARIOS)) {
    writeFileSync(fileOf(name), `${lines(figuresOf(name)).join("\n")}\n`);
  }
}

describe("all figures are what they were", () => {
  it.each(Object.keys(SCENARIOS))("%s", (name) => {
    expect(lines(figuresOf(name))).toEqual(
      readFileSync(fileOf(name), "utf8").trimEnd().split("\n"),
    );
  });

  it("of each scenario, and of no others", () => {
    const files = readdirSync(directory).filter((name) => name.endsWith(".txt"));
    expect(files.sort()).toEqual(
      Object.keys(SCENARIOS)
        .map((name) => `${name}.txt`)
        .sort(),
    );
  });
});
