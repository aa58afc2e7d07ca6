import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Field, type FieldName } from "../../src/hardware/vmcs.ts";
import { litmusJsonSchema } from "../../src/litmus/litmusSchema.ts";
import { CONTROLS } from "../../src/litmus/setupSchema.ts";
import { expectation, UNCHANGED, VERBS } from "../../src/litmus/stepSchema.ts";
import { fieldName, UNIT_CONTROLS, UNITS } from "../../src/units/all.ts";

const FILE = "docs/litmus.schema.json";
const MANUAL = "docs/litmus.md";

it("the published JSON Schema is that of the code (UPDATE_SCHEMA=1 writes it)", () => {
  if (process.env["UPDATE_SCHEMA"] !== undefined) writeFileSync(FILE, litmusJsonSchema());
  expect(readFileSync(FILE, "utf8")).toBe(litmusJsonSchema());
});

it("lets a parameter stand for a value and for a verb", () => {
  const schema = litmusJsonSchema();
  expect(schema).toContain(String.raw`"pattern": "^\$[A-Za-z]\w*$"`.replaceAll("\\", "\\\\"));
  expect(Buffer.byteLength(schema)).toBeLessThan(200_000);
});

/** Controls and fields of each unit, as its declaration has them. */
function unitTable(): string {
  const rows = UNITS.map(({ name, controls, fields }) => {
    const known = Object.entries(fields).map(([own, field]) => `\`${own}\` (\`${field}\`)`);
    const own = Object.keys(controls).map((control) => `\`${control}\``);
    return `| \`${name}\` | ${own.join(", ")} | ${known.join(", ")} |`;
  });
  return ["| unit | controls | fields |", "|---|---|---|", ...rows, "", ""].join("\n");
}

describe("docs/litmus.md", () => {
  const before = readFileSync(MANUAL, "utf8");
  const manual = before.replace(/^\| unit \| controls \|(?:.*\n)*?\n/m, unitTable);

  it("has the controls and fields of every unit (UPDATE_SCHEMA=1 writes them)", () => {
    if (process.env["UPDATE_SCHEMA"] !== undefined) writeFileSync(MANUAL, manual);
    expect(readFileSync(MANUAL, "utf8")).toBe(manual);
    expect(manual).toContain(unitTable());
  });

  it("shows the worked example as it is", () => {
    expect(manual).toContain(readFileSync("test/litmus/example.litmus.yaml", "utf8"));
  });

  it("explains every step, expectation, control and VMCS field", () => {
    const fields = (Object.keys(Field) as FieldName[]).map(fieldName);
    const controls = [...CONTROLS, ...Object.keys(UNIT_CONTROLS)];
    const names = [VERBS, UNCHANGED, controls, Object.keys(expectation.shape), fields];
    const pdptes = ["guestPdpte1", "guestPdpte2"];
    const missing = names.flat().filter((name) => !manual.includes(`\`${name}\``));
    expect(missing.filter((name) => !pdptes.includes(name))).toEqual([]);
  });
});
