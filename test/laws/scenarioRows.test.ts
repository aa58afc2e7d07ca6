/**
 * What holds for every row of what a scenario can name: kinds of workloads, techniques, estimators, operations. A new row
 * is tested by being listed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { MODELS } from "../../src/check/catalogue.ts";
import { TECHNIQUES, techniqueNamed, techniques } from "../../src/hypervisor/techniques/all.ts";
import { estimatorSchema } from "../../src/hypervisor/wss/estimators/all.ts";
import { contenderNamed } from "../../src/questions/contenders.ts";
import { operationSchema } from "../../src/system/operations/all.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { workloadSchema } from "../../workloads/workloadKinds.ts";
import { keepLaws } from "./runLaws.ts";
import { jsonOf, problemsOf, type Row, rowsOf, sampleOf, scenarioOf, trialsOf } from "./samples.ts";

const MANUAL = readFileSync(join(import.meta.dirname, "..", "..", "docs", "scenario.md"), "utf8");
const EDITORS = JSON.stringify(
  JSON.parse(
    readFileSync(join(import.meta.dirname, "..", "..", "docs", "scenario.schema.json"), "utf8"),
  ),
);

const TECHNIQUES_PAGE = join(import.meta.dirname, "..", "..", "docs", "first-steps.md");
/** Models that are not called as their technique. */
const MODEL_NAMES: Readonly<Record<string, string>> = { writeProtect: "write-protection" };

interface Registry {
  readonly name: string;
  readonly schema: z.ZodType;
  /** What of a scenario names a row, and lets its run end. */
  readonly scenario: (row: Row) => object;
}

const REGISTRIES: readonly Registry[] = [
  {
    name: "workloads",
    schema: workloadSchema,
    scenario: (workload) => ({ vms: [{ vcpus: 2, workload }], until: "2ms" }),
  },
  {
    name: "estimators",
    schema: estimatorSchema,
    scenario: (row) => ({ operation: { kind: "estimate", estimator: quick(row) }, until: "2ms" }),
  },
  {
    name: "operations",
    schema: operationSchema,
    scenario: (row) => ({
      operation: row.kind === "estimate" ? { ...row, estimator: quick(TRUTH) } : row,
      vms: [{ memory: "2MiB", vcpus: 2, workload: SHORT }],
      until: "20ms",
    }),
  },
];

const TRUTH: Row = { kind: "truth" };
const SHORT = { kind: "uniform", pages: 60, writeFraction: 0.4, gap: 200 };

/** Defaults are those of the study, half a minute: nothing would be estimated. */
function quick(estimator: Row): Row {
  const step = {
    prl: { mu: "300us", omega: "1200us", tau: 1 },
    vmware: { period: "300us", samples: 20 },
  };
  return { ...estimator, ...(step[estimator.kind as "prl"] ?? { interval: "300us" }) };
}

describe.each(REGISTRIES)("$name", ({ schema, scenario }) => {
  describe.each(rowsOf(schema))("%s", (kind, row) => {
    const sample = sampleOf(kind, row);

    it("is taken with what it requires alone", () => {
      expect(schema.safeParse(sample).error).toBeUndefined();
    });

    it("refuses a field that it does not have, by its name", () => {
      expect(schema.safeParse({ ...sample, noSuchField: 1 }).error?.issues[0]).toMatchObject({
        code: "unrecognized_keys",
        keys: ["noSuchField"],
      });
    });

    it("takes each of its fields up to its bounds, and refuses it beyond them", () => {
      for (const { field, value, isTaken } of trialsOf(row)) {
        // At its bound a field need not go with what others have.
        const problems = problemsOf(schema, { ...sample, [field]: value }, isTaken);
        expect(problems.includes(field), `${field}: ${JSON.stringify(value)}`).toBe(!isTaken);
      }
    });

    it("is in the manual with each of its fields, and in the schema for editors", () => {
      expect(MANUAL).toContain(`\`kind: ${kind}\``);
      expect(EDITORS).toContain(JSON.stringify({ type: "string", const: kind }));
      for (const name of Object.keys(row.properties ?? {})) {
        if (name !== "kind") expect(MANUAL, name).toContain(`| \`${name}\` |`);
      }
    });

    // A Linux has to be fetched first, and takes minutes here: test/workloads/guests/linux.test.ts runs it.
    it.skipIf(kind === "linux")(
      "runs: time is conserved, nothing is lost; the same from a save, and from its log",
      () => {
        const { time, accesses } = keepLaws(scenarioOf(scenario(sample)));
        expect(time).toBeGreaterThan(0);
        expect(accesses).toBeGreaterThan(0);
      },
    );
  });

  it("refuses a kind that there is not, with the nearest one", () => {
    expect(schema.safeParse({ kind: "noSuchKind" }).success).toBe(false);
  });
});

describe.each(TECHNIQUES)("the technique %s", (technique) => {
  const declared = techniqueNamed(technique);

  it("is explored by a model, and compared with the others", () => {
    const kebab = technique.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const model = MODEL_NAMES[technique] ?? kebab;
    if (declared !== null) expect(MODELS.map(({ name }) => name)).toContain(model);
    expect(contenderNamed(technique).fields).toEqual({ technique });
  });

  it("has a section whose fields are taken up to their bounds, and in the manual", () => {
    const section = declared?.section;
    if (section === undefined) return;
    const row = jsonOf(section.schema);
    for (const { field, value, isTaken } of trialsOf(row)) {
      const problems = problemsOf(section.schema, { [field]: value }, isTaken);
      expect(problems.includes(field), `${field}: ${JSON.stringify(value)}`).toBe(!isTaken);
      expect(MANUAL).toContain(`### \`tracker.${section.name}\``);
    }
  });

  it("is in the manual, and in the schema for editors", () => {
    expect(MANUAL).toMatch(new RegExp(`^\\| \`technique\` \\|.*\`${technique}\``, "m"));
    expect(EDITORS).toContain(`"${technique}"`);
  });

  it.each([{}, { preemptEvery: 7 }, { largePagesReturn: true }])(
    "runs with %j: time is conserved, nothing is lost; the same from a save, and from its log",
    (fields) => {
      if ("preemptEvery" in fields && (technique === "none" || technique === "prl")) return;
      const operation = { kind: "measure", harvest: "100us" };
      const { reported, truth } = keepLaws(
        scenarioOf({ tracker: { technique, ...fields }, operation }),
      );
      const { pagesWritten, pagesTouched } = reported;
      if (pagesWritten !== null) expect(pagesWritten).toBe(truth.pagesWritten);
      if (pagesTouched !== null) expect(pagesTouched).toBeLessThanOrEqual(truth.pagesTouched);
    },
  );
});

it("the table of techniques in docs/first-steps.md is of all that there are (UPDATE_SCHEMA=1 writes it)", () => {
  const rows = techniques().map(
    ({ name, finds, costs }) => `| \`${name}\` | ${finds} | ${costs} |`,
  );
  const head = ["| technique | finds | costs the guest |", "|---|---|---|"];
  const page = readFileSync(TECHNIQUES_PAGE, "utf8");
  const table = `${[...head, ...rows].join("\n")}\n\n`;
  const written = page.replace(/^\| technique \|(?:.*\n)*?\n/m, () => table);
  if (process.env["UPDATE_SCHEMA"] === "1") writeFileSync(TECHNIQUES_PAGE, written);
  expect(readFileSync(TECHNIQUES_PAGE, "utf8")).toBe(written);
});

it("a scenario that has gone through the schema is one that a file can hold", () => {
  for (const technique of TECHNIQUES) {
    const scenario = scenarioOf({ tracker: { technique } });
    expect(scenarioSchema.parse(z.encode(scenarioSchema, scenario))).toEqual(scenario);
  }
});
