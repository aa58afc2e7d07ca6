/** docs/sweep.schema.json says what a result is. UPDATE_SCHEMA=1 writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { resultJsonSchema } from "../../src/questions/sweep/result.ts";

const FILE = "docs/sweep.schema.json";

it("is up to date", () => {
  const text = resultJsonSchema();
  if (process.env["UPDATE_SCHEMA"]) writeFileSync(FILE, text);
  expect(readFileSync(FILE, "utf8")).toBe(text);
});
