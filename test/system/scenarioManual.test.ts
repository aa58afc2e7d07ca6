/** docs/scenario.md and docs/scenario.schema.json say what the schema says. UPDATE_SCHEMA=1 writes them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { scenarioJsonSchema, scenarioTables } from "../../src/system/scenarioManual.ts";

const root = join(import.meta.dirname, "..", "..");
const SCHEMA = join(root, "docs", "scenario.schema.json");
const MANUAL = join(root, "docs", "scenario.md");
const SCENARIOS = join(root, "workloads", "scenarios");
const isUpdate = process.env["UPDATE_SCHEMA"] === "1";

it("the JSON Schema is that of the code", () => {
  if (isUpdate) writeFileSync(SCHEMA, scenarioJsonSchema());
  expect(readFileSync(SCHEMA, "utf8")).toBe(scenarioJsonSchema());
});

it("the manual has a table of each object's fields", () => {
  const manual = readFileSync(MANUAL, "utf8");
  const fresh = manual.replace(
    /(?<=^<!-- fields -->\n)[\s\S]*(?=^<!-- \/fields -->)/m,
    () => `\n${scenarioTables()}\n\n`,
  );
  if (isUpdate) writeFileSync(MANUAL, fresh);
  else expect(manual).toBe(fresh);
  expect(fresh).toContain("| `logEntries` | whole number from 1 to 262144 | `512` |");
});

it("the JSON Schema takes every shipped scenario, and refuses a field that is none", () => {
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")));
  const files = readdirSync(SCENARIOS).filter((file) => file.endsWith(".yaml"));
  expect(files.length).toBeGreaterThan(15);
  for (const file of files) {
    const scenario: unknown = parse(readFileSync(join(SCENARIOS, file), "utf8"));
    expect(schema.safeParse(scenario).error?.issues ?? [], file).toEqual([]);
    expect(schema.safeParse({ ...Object(scenario), untill: "1s" }).success).toBe(false);
  }
});
