/** A field that a machine declares to be something else than it is ends the search: at least one of each kind. */
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { contextFields } from "../../machines/contexts.ts";
import type { CpuSlot } from "../../machines/scheduler.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model } from "../../src/check/engine/model.ts";
import { systemModel } from "../../src/check/hypervisor/systemModel.ts";
import { smallSystem } from "../../src/check/models/smallSystem.ts";
import * as kind from "../../src/interconnect/fields.ts";

type Wrong = readonly [what: string, machine: string, field: string, declared: z.ZodType];

function modelWith(
  technique: "pml" | "prl",
  vcpus: number,
  [, machine, field, declared]: Wrong,
): Model {
  const geometry = { pages: 1, logEntries: 1, eptLevels: 1 };
  const system = smallSystem({ technique, vcpus: [vcpus], ...geometry, harvests: false });
  const fieldsOf = (one: string): kind.Fields => ({
    ...contextFields(one),
    ...(one === machine ? { [field]: declared } : {}),
  });
  return systemModel(system, {
    name: "declared wrongly",
    properties: [],
    stepChecks: [],
    reads: false,
    halts: field === "halted",
    staysOnCpu: true,
    fieldsOf,
  });
}

const search = (model: Model, symmetry: boolean) => () =>
  new Exploration(model, { symmetry, bounds: { states: 20_000 } }).run();

/** A search says that what was renumbered goes on otherwise, or ends at a number that names nothing any more. */
const CAUGHT = /not symmetric here|is another one|there is no (element|word)/;

describe("what a number names, with two vCPUs that are alike", () => {
  it.each<Wrong>([
    ["a vCPU as a count", "mmu", "vcpu", kind.countOrNone],
    ["vCPUs as counts", "scheduler", "halted", kind.list(kind.count)],
    ["a CPU as a count", "dispatcher", "pcpu", kind.count],
    ["a count as a CPU", "tracker", "awaited", kind.pcpu],
    ["an actor as a count", "vcpu", "mmu", kind.count],
    ["actors by vCPU in any order", "mmu", "vcpus", kind.list(kind.actor)],
    ["actors by CPU in any order", "tracker", "dispatchers", kind.list(kind.actor)],
    ["actors by vCPU as counts", "mmu", "units", kind.list(kind.listBy("vcpu", kind.count))],
    ["records as something given", "scheduler", "cpus", kind.setting<readonly CpuSlot[]>()],
  ])("%s: %s.%s", (...wrong) => {
    expect(search(modelWith("pml", 2, wrong), true)).toThrow(CAUGHT);
  });

  it("a set in any order: pvmCpu.drained", () => {
    const drained = kind.list(kind.record({ vcpu: kind.vcpu, logs: kind.count }));
    const model = modelWith("prl", 2, ["", "pvmCpu", "drained", drained]);
    expect(search(model, true)).toThrow(CAUGHT);
  });
});

describe("what is no state", () => {
  const some = { of: (n: number) => Math.min(n, 1), alike: (n: number, m: number) => n && n + m };

  it.each<Wrong>([
    ["answers that are missing as a statistic", "toolstack", "missing", kind.statistic(kind.count)],
    ["answers that are missing as a turn", "toolstack", "missing", kind.turn],
    ["only whether answers are missing", "tracker", "awaited", kind.mattersAs(kind.count, some)],
    ["a CPU's vCPU as left over in its use", "vcpu", "mmu", kind.deadIn(kind.actor, "root")],
  ])("%s: %s.%s", (...wrong) => {
    const [, , field] = wrong;
    expect(search(modelWith("pml", 2, wrong), false)).toThrow(
      new RegExp(`depends on "${field}" of .*, which is declared not to be state`),
    );
  });
});

it.each(["pml", "prl"] as const)("and with all as it is declared nothing is: %s", (technique) => {
  const { vcpu } = contextFields("mmu")!;
  const model = modelWith(technique, 2, ["", "mmu", "vcpu", vcpu!]);
  expect(search(model, true)()).toBe("complete");
});

it("a field that is not declared is an error, by its name", () => {
  const geometry = { pages: 1, logEntries: 1, eptLevels: 1 };
  const system = smallSystem({ technique: "pml", vcpus: [1], ...geometry });
  const fieldsOf = (machine: string): kind.Fields => {
    const fields = Object.entries(contextFields(machine) ?? {});
    return Object.fromEntries(fields.filter(([name]) => name !== "kicked"));
  };
  const options = { name: "not declared", properties: [], stepChecks: [], fieldsOf };
  expect(() => systemModel(system, options)).toThrow('"kicked" of a context holds is not declared');
});
