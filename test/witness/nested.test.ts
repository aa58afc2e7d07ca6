/** The litmus suite with nested page tables, asked of Bochs and QEMU; skipped where they are not there, or nothing that builds the image. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { hasProgram } from "../../src/io/scratch.ts";
import { loadLitmus } from "../../src/litmus/load.ts";
import { findLitmusFiles } from "../../src/litmus/paths.ts";
import { prepare } from "../../src/witness/ask.ts";
import { SVM_READ_ONLY_GUEST_TABLES } from "../../src/witness/askable.ts";
import { hasBochs } from "../../src/witness/bochs.ts";
import type { Rule } from "../../src/witness/explained.ts";
import { QEMU_RULES, RYZEN_RULES } from "../../src/witness/explainedNested.ts";
import { BUILDERS } from "../../src/witness/imageFile.ts";
import { svmProcessor } from "../../src/witness/output.ts";
import { hasQemu } from "../../src/witness/qemu.ts";
import type { WitnessReport } from "../../src/witness/report.ts";
import { askOn } from "../../src/witness/witness.ts";
import { NESTED_FILE, type NestedWitness, nestedWitnesses } from "./page.ts";

const LONG = 300_000;
const canBuild = BUILDERS.every(hasProgram);
const ASKED: readonly {
  readonly name: string;
  readonly isThere: boolean;
  readonly rules: readonly Rule[];
}[] = [
  { name: "bochs-svm", isThere: hasBochs(), rules: RYZEN_RULES },
  { name: "qemu", isThere: hasQemu(), rules: QEMU_RULES },
];

function suite() {
  return findLitmusFiles([join(import.meta.dirname, "../litmus")]).flatMap((path) =>
    loadLitmus(path, readFileSync(path, "utf8")),
  );
}

function stored(name: string, report: WitnessReport): NestedWitness {
  const counts = [...report.explained].map(([rule, tests]) => [rule, tests.length] as const);
  return {
    name,
    witness: report.witness,
    asked: new Date().toISOString().slice(0, 10),
    askedTests: report.asked,
    values: report.values,
    agreeing: report.agreeing,
    explained: Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

describe.each(ASKED)("$name and nested page tables", ({ name, isThere, rules }) => {
  describe.skipIf(!isThere || !canBuild)("", () => {
    let report: WitnessReport;
    beforeAll(async () => {
      report = await askOn(name, suite());
    }, LONG);

    it("is asked all tests of nested paging that it can do, and those of EPT that say nothing else", () => {
      expect(report.asked).toBeGreaterThanOrEqual(123);
      const lacking = [...report.notAsked].filter(([need]) => need.endsWith("processor lacks"));
      expect(lacking.map(([need, tests]) => [need, tests.length])).toEqual([
        ["read-only guest page tables, which this processor lacks", 2],
      ]);
    });

    it("differs only for reasons that are known, each of which is needed", () => {
      expect(report.differing.map(({ test, found }) => [test.name, found])).toEqual([]);
      expect([...report.explained.keys()].sort()).toEqual(rules.map((rule) => rule.name).sort());
    });

    it("says what it has said before", () => {
      const now = stored(name, report);
      if (process.env["UPDATE_WITNESS"] !== undefined) {
        const others = nestedWitnesses().filter((one) => one.name !== name);
        const all = [...others, now].sort((a, b) => (a.name < b.name ? -1 : 1));
        writeFileSync(NESTED_FILE, `${JSON.stringify(all, null, 2)}\n`);
      }
      const before = nestedWitnesses().find((one) => one.name === name);
      // Another version may say something else.
      if (before?.witness !== now.witness) return;
      expect({ ...now, asked: "" }).toEqual({ ...before, asked: "" });
    });
  });
});

const WRITE = `
name: a write
ept: [{ gpa: 0x5000 }]
steps:
  - write: 0x5678
`;

describe("a processor with nested paging", () => {
  const symbols = new Map(
    ["g64_enter", "g64_user", "g64_w1", "gdt", "guest_tss", "guest_idt64"].map((name, i) => {
      return [name, 0x202000 + 16 * i];
    }),
  );
  const ask = (text: string, features = 0n) =>
    prepare(loadLitmus("a.litmus.yaml", text), svmProcessor(40, features), symbols)[0];

  it("is asked a test of EPT that says nothing of VMX, with flags of its own and no log", () => {
    const [question] = ask(WRITE)?.translation?.questions ?? [];
    const words = [...(question?.expected.words.values() ?? [])].map((word) => word & 0x67n);
    expect(words).toEqual([0x27n, 0x27n, 0x27n, 0x67n]);
    expect(question?.compared).toMatchObject({ index: false, resumeFlag: false });
  });

  it.each([
    ["controls: { pml: true }", "controls of VMX"],
    ["vmcs: { pmlIndex: 3 }", "fields of a VMCS"],
    ["machine: { compatibility: bochs }", "a processor with EPT"],
    ["guest: { paging: pae }", "PDPTEs in registers"],
  ])("is not asked %s: %s", (field, reason) => {
    expect(ask(`${WRITE}${field}\n`)).toMatchObject({ translation: null, reason });
  });

  it("is asked of read-only guest page tables if it says that it has them", () => {
    const text = `${WRITE}machine: { entryFormat: npt }\ncontrols: { readOnlyGuestTables: true }\n`;
    const reason = "read-only guest page tables, which this processor lacks";
    expect(ask(text)).toMatchObject({ translation: null, reason });
    expect(ask(text, SVM_READ_ONLY_GUEST_TABLES)?.reason).toBe("");
  });
});
