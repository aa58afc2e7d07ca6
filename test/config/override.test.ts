/** Fields of a scenario, set on the command line: the same schema, the same sentences, the option for a place. */
import { describe, expect, it } from "vitest";
import { parseOverride } from "../../src/config/override.ts";
import { parseFields, parseYaml } from "../../src/config/yamlFile.ts";
import { UserError } from "../../src/errors.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

const TEXT = `name: two VMs
vms:
  - name: web
    workload: { kind: uniform, pages: 100, accesses: 10 }
  - name: database
    workload: { kind: uniform, pages: 200, accesses: 20 }
`;

const load = (...sets: string[]) =>
  parseYaml(
    "two.yaml",
    TEXT,
    scenarioSchema,
    sets.map((text) => parseOverride(text)),
  );

function problem(...sets: string[]): string {
  try {
    load(...sets);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("an override", () => {
  it("sets a field that the file has, or has not", () => {
    const { value } = load("name=other", "tracker.prl.variant=dw19", "machine.quantum=1ms");
    expect(value.name).toBe("other");
    expect(value.tracker.prl).toMatchObject({ variant: "dw19", doubleBuffer: false });
    expect(value.machine.quantum).toBe(2_400_000);
  });

  it("finds elements of a list by number, by name, and all of them", () => {
    const pages = (...sets: string[]) =>
      load(...sets).value.vms.map(({ workload }) => "pages" in workload && workload.pages);
    expect(pages("vms.0.workload.pages=7")).toEqual([7, 200]);
    expect(pages("vms[1].workload.pages=7")).toEqual([100, 7]);
    expect(pages("vms.database.workload.pages=7")).toEqual([100, 7]);
    expect(pages("vms.*.workload.pages=7", "vms.web.workload.pages=8")).toEqual([8, 7]);
  });

  it("is YAML: lists and fields of their own, and null takes a field out", () => {
    const { value } = load(
      "operation={ kind: migrate }",
      "faults=[skipInvept]",
      "until=1s",
      "until=null",
      // What the file does not have, within what it does not have, is out already.
      "tracker.technique=null",
    );
    expect(value.operation.kind).toBe("migrate");
    expect(value.faults).toEqual(["skipInvept"]);
    expect(value.until).toBeUndefined();
  });

  it("says which option a mistake comes from, and what was meant", () => {
    expect(problem("tracker.tecnique=prl")).toBe(
      '--set tracker.tecnique=prl: tracker.tecnique: unknown field; did you mean "technique"?',
    );
    expect(problem("trackr.technique=prl")).toMatch(/^--set trackr.technique=prl: trackr: unknown/);
    expect(problem("tracker.technique=plm")).toMatch(
      /^--set .*: tracker.technique: expected one of .*did you mean "pml"\?$/,
    );
    expect(problem("vms.0.memory=much")).toMatch(/^--set vms.0.memory=much: vms\[0\].memory: /);
    expect(problem("vms.2.memory=1GiB")).toBe(
      '--set vms.2.memory=1GiB: "vms" has no "2"; expected 0 to 1, *, web, database',
    );
    expect(problem("name.first=x")).toBe('--set name.first=x: "name" has a value, and no fields');
    expect(problem("vms.0.workload.pages=0")).toMatch(/^--set /);
    // What the file says keeps its line.
    expect(load("seed=3").at(["vms", 1, "workload"])).toBe("two.yaml:6");
    expect(load("seed=3").at(["seed"])).toBe("--set seed=3");
  });

  it("that is none is refused", () => {
    for (const text of ["", "seed", "=3", "a..b=1", "seed=", "seed=[", "seed=*x", ".a=1"]) {
      expect(() => load(text), text).toThrow(UserError);
    }
    expect(() => load("__proto__.x=1")).toThrow(UserError);
    expect(() => load("vms.0.__proto__=1")).toThrow(UserError);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it("works without a file, too", () => {
    const fields = { name: "made", vms: [{ workload: { kind: "uniform", pages: 4 } as const }] };
    const { value, at } = parseFields("here", fields, scenarioSchema, [
      parseOverride("vms.*.vcpus=2"),
    ]);
    expect(value.vms[0]!.vcpus).toBe(2);
    expect(at(["name"])).toBe("here");
  });
});
