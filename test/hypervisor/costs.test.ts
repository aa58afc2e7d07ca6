/** docs/costs.md and the default costs say the same. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DEFAULT_PROCESSOR_COSTS } from "../../src/hardware/costs.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";

/** Names and values of the rows of a section: "`a`, `b` | 600 + 600", "`a` + `b` x entries | 2,000 + 1,200 x 512". */
function documented(section: string): Record<string, number> {
  const text = readFileSync("docs/costs.md", "utf8");
  const [, own = ""] = text.split(`## ${section}`);
  const rows = own.split("\n## ")[0]!.matchAll(/^\| ([^|]+) \| ([\d,]+[^|]*) \|/gm);
  const found: Record<string, number> = {};
  for (const [, names = "", values = ""] of rows) {
    // What an operation or a device costs is a field of theirs.
    if (names.includes("operation.") || names.includes("devices[]")) continue;
    const named = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    const numbers = [...values.matchAll(/\d[\d,]*/g)].map(([number]) =>
      Number(number.replaceAll(",", "")),
    );
    named.forEach((name, i) => {
      found[name] = numbers[i]!;
    });
  }
  return found;
}

it("every default cost of the processor is documented, with its value", () => {
  expect(documented("Processor")).toEqual(DEFAULT_PROCESSOR_COSTS);
});

it("every default cost of the hypervisor and the pVM is documented, with its value", () => {
  expect(documented("Hypervisor and pVM")).toEqual(DEFAULT_HYPERVISOR_COSTS);
});
