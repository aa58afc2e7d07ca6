/** docs/*.schema.json say what results are. UPDATE_SCHEMA=1 writes them. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { adviceJsonSchema } from "../../src/questions/advise/advice.ts";
import { fleetJsonSchema } from "../../src/questions/fleet/fleetFormat.ts";
import { resultJsonSchema } from "../../src/questions/sweep/result.ts";

it.each([
  ["docs/sweep.schema.json", resultJsonSchema],
  ["docs/advise.schema.json", adviceJsonSchema],
  ["docs/fleet.schema.json", fleetJsonSchema],
])("%s is up to date", (file, make) => {
  const text = make();
  if (process.env["UPDATE_SCHEMA"]) writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});
