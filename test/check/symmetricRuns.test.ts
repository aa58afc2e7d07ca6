/** What a search with symmetry shows and refuses: counterexamples, models and tables that are not symmetric. */

import { describe, expect, it } from "vitest";
import { contextFields } from "../../machines/contexts.ts";
import { buildModel, type CheckTarget } from "../../src/check/catalogue.ts";
import { CheckRun } from "../../src/check/checkRun.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import type { Model, Renaming } from "../../src/check/engine/model.ts";
import { permutations } from "../../src/check/engine/permutations.ts";
import { systemModel } from "../../src/check/hypervisor/systemModel.ts";
import { smallSystem } from "../../src/check/models/smallSystem.ts";
import { twoPhaseCommit } from "../../src/check/models/twoPhaseCommit.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { renumberedBits, renumberedList } from "../../src/hardware/normalForm.ts";
import { renamedFields, renamedMessage } from "../../src/interconnect/renumberedFields.ts";
import { messagesReplayed } from "./messagesReplayed.ts";

const run = (target: CheckTarget, options: object): CheckRun => {
  const run = new CheckRun(target, options);
  run.explore();
  return run;
};

const TWO_PAGES = { pages: 2, log: 1, reads: 0, harvests: 0 };

describe("planted faults are found by runs of the same length, which replay", () => {
  it.each([
    ["reset-at-exit", "pml", TWO_PAGES],
    ["skip-invept", "pml", TWO_PAGES],
    ["log-full-not-told", "pml", TWO_PAGES],
    ["flag-before-log", "pml", { pages: 3, log: 1, reads: 0, harvests: 0 }],
    ["acknowledge-without-flush", "write-protection", { pages: 2, reads: 0 }],
    ["spurious-violation-is-fatal", "write-protection-two-vcpus", { pages: 1, harvests: 0 }],
    ["write-not-marked", "write-protection", { pages: 2, reads: 0 }],
    ["split-pages-not-armed", "write-protection-large-leaves", { pages: 4 }],
    ["ring-reset-before-harvest", "dirty-ring", { pages: 2, reads: 0 }],
    ["copied-before-pause", "checkpoint-stop", { pages: 2 }],
  ])("%s in %s with %j", (mutation, model, set) => {
    const target = { model, set, mutation };
    const [full, reduced] = [run(target, {}), run(target, { symmetry: true })];
    const broken = ({ results }: CheckRun) =>
      results.find(({ verdict }) => verdict === "violated")!;
    const [expected, found] = [broken(full), broken(reduced)];
    expect(found.name.replace(/\d/g, "N")).toBe(expected.name.replace(/\d/g, "N"));
    const trace = reduced.traceOf(found)!;
    expect(trace.steps.length).toBe(full.traceOf(expected)!.steps.length);
    expect(messagesReplayed(target, trace)).toBe(trace.steps.length);
    expect(reduced.exploration.distinct).toBeLessThan(full.exploration.distinct);
  });
});

describe("what is not symmetric is refused", () => {
  it.each([
    // Only the first vCPU logs.
    ["pml-on-some-vcpus", "pml-two-vcpus", { pages: 1, harvests: 0 }],
    // A slot's number is taken for a page's.
    ["slots-counted-as-pages", "estimate-prl", { pages: 2, reads: 0 }],
  ])("the fault %s of %s", (mutation, model, set) => {
    const target = { model, set, mutation };
    expect(() => run(target, { symmetry: true, keepGoing: true })).toThrow("is not symmetric here");
  });

  /** The same model, with tables in which one entry is wrong. */
  const withTables = (model: Model, change: (renaming: Renaming) => Partial<Renaming>): Model => {
    const group = model.symmetry;
    if (group === undefined || "members" in group) throw new Error("no group");
    const renamings = group.renamings.map((one): Renaming => {
      const whole = {
        what: one.what,
        slot: (name: string) => one.slot(name),
        value: (slot: string, value: unknown) => one.value(slot, value),
        message: (...args: Parameters<Renaming["message"]>) => one.message(...args),
        property: (name: string) => one.property(name),
      };
      return { ...whole, ...change(one) };
    });
    return { ...model, symmetry: { ...group, renamings } };
  };
  const forgets = (slot: RegExp) => (one: Renaming) => ({
    value: (name: string, value: unknown) => (slot.test(name) ? value : one.value(name, value)),
  });

  it.each([
    ["vm0/truth", "pml", TWO_PAGES],
    ["vm0/paging", "pml", TWO_PAGES],
    ["vm0/tracked", "pml", TWO_PAGES],
    ["vcpu0/vmcs", "pml", TWO_PAGES],
    ["pcpu0/tlb", "pml", TWO_PAGES],
    ["vm0/rings", "dirty-ring", { ...TWO_PAGES, log: 1 }],
    ["scheduler", "pml-two-vcpus", { pages: 1, harvests: 0 }],
    ["pcpu\\d/mmu", "pml-two-vcpus", { pages: 1, harvests: 0 }],
  ])("tables that forget %s in %s with %j", (slot, model, set) => {
    const changed = withTables(
      buildModel({ model, set, mutation: null }),
      forgets(new RegExp(slot)),
    );
    expect(() => new Exploration(changed, { symmetry: true }).run()).toThrow(
      /not symmetric here|another/,
    );
  });

  it("tables that forget the page of a message", () => {
    const model = buildModel({ model: "write-protection", set: TWO_PAGES, mutation: null });
    const changed = withTables(model, () => ({ message: (_, message) => message }));
    expect(() => new Exploration(changed, { symmetry: true }).run()).toThrow("not symmetric here");
  });
});

/** The toolstack pauses the first VM first: no renaming of VMs takes these states to each other. */
it("VMs are not alike, as one can see", () => {
  const set = { pages: 1, log: 1, harvests: 0 };
  const exploration = new Exploration(buildModel({ model: "prl-two-vms", set, mutation: null }));
  exploration.run();
  const scheduler = exploration.model.slots.find(({ name }) => name === "scheduler")!;
  const pausedBy = scheduler.values.map((value) => {
    const { context } = value as { readonly context: { readonly pausedBy: unknown } };
    return JSON.stringify(context.pausedBy);
  });
  expect(new Set(pausedBy)).toEqual(new Set(["[[],[]]", "[[1],[]]", "[[1],[1]]"]));
});

/** When the VM runs on, the first free CPU goes to the vCPU that has waited longest, whatever its number. */
it("nor are CPUs where a VM runs on after a pause", () => {
  const modelOf = (harvests: boolean): Model => {
    const geometry = { pages: 1, logEntries: 1, eptLevels: 1 };
    const system = smallSystem({ technique: "writeProtect", vcpus: [2], ...geometry, harvests });
    const checks = { properties: [], stepChecks: [], reads: false };
    return systemModel(system, { name: "two CPUs", ...checks, staysOnCpu: true });
  };
  const search = (harvests: boolean) =>
    new Exploration(modelOf(harvests), { symmetry: true }).run();
  expect(search(false)).toBe("complete");
  expect(() => search(true)).toThrow("a step of scheduler differs after giving vCPUs");
});

it("a search that goes on where it stood finds the same orbits", () => {
  const target = { model: "pml", set: { pages: 3, reads: 0, harvests: 0 }, mutation: null };
  const whole = run(target, { symmetry: true }).exploration;
  const saved = run(target, { symmetry: true, bounds: { states: 60 } }).save();
  const rest = CheckRun.from(saved);
  rest.explore();
  expect(rest.exploration.distinct).toBe(whole.distinct);
  expect(rest.exploration.generated).toBe(whole.generated);
});

it("liveness stays open, and the report says what is alike", () => {
  const target = { model: "pml-two-vcpus", set: { pages: 2, harvests: 0 }, mutation: null };
  const reduced = run(target, { symmetry: true });
  const live = reduced.results.filter(({ kind }) => kind === "leadsTo");
  expect(live.length).toBeGreaterThan(2);
  expect(live.every(({ verdict }) => verdict === "open")).toBe(true);
  expect(reduced.report().remarks).toEqual([
    "the 2 pages of VM 0 are alike, and the 2 vCPUs of VM 0 are alike, with their CPUs: of 4 states that differ by their numbers one is kept",
    "liveness is not judged with --symmetry",
  ]);
});

/** Of two vCPUs that differ by their number one is lost in each orbit: which one, the run says. */
it("of properties alike the one is broken whose run is shown, and the others are open", () => {
  const target = {
    model: "write-protection-two-vcpus",
    set: { pages: 1, harvests: 0 },
    mutation: "spurious-violation-is-fatal",
  };
  const lost = run(target, { symmetry: true }).results.filter(({ name }) =>
    /lost \(vCPU/.test(name),
  );
  expect(lost.map(({ verdict }) => verdict).sort()).toEqual(["open", "violated"]);
});

it("two-phase commit shows its witnesses", () => {
  const exploration = new Exploration(twoPhaseCommit(5), { symmetry: true });
  exploration.run();
  const [, commit, abort] = verdictsOf(exploration);
  const full = new Exploration(twoPhaseCommit(5));
  full.run();
  const lengths = verdictsOf(full).map(({ run: shown }) => shown?.edges.length);
  expect([commit, abort].map((one) => one?.run?.edges.length)).toEqual(lengths.slice(1));
});

describe("what tables do not know is an error", () => {
  const none = {
    movesPages: true,
    page: () => 0,
    vcpu: () => 0,
    pcpu: () => 0,
    actor: () => 0,
    vm: 0,
  };

  it("a field of a message", () => {
    expect(() => renamedMessage({ type: "kick", strength: 3 }, 0, none)).toThrow(
      '"strength" of "kick"',
    );
    expect(() => renamedMessage({ type: "nudge", page: 3 }, 0, none)).toThrow('"page" of "nudge"');
  });

  it("a field of a context, and a machine", () => {
    const named = (machine: string, values: object) => () =>
      renamedFields(machine, contextFields(machine) ?? {}, { ...values }, 0, none);
    expect(named("pmlUnit", { fullEvents: 0, age: 1 })).toThrow('"age" of pmlUnit');
    expect(named("nobody", { fullEvents: 0 })).toThrow('"fullEvents" of nobody');
  });

  it("words of a memory slot", () => {
    const model = buildModel({ model: "pml", set: TWO_PAGES, mutation: null });
    const group = model.symmetry;
    if (group === undefined || "members" in group) throw new Error("no group");
    const [renaming] = group.renamings;
    for (const slot of model.slots) {
      if (!slot.name.includes("/") || model.components.some(({ name }) => name === slot.name))
        continue;
      if (model.channels[model.slots.indexOf(slot)] !== null) continue;
      const more = { ...(slot.values[0] as object), more: [1] };
      expect(() => renaming!.value(slot.name, more)).toThrow(/"more"/);
    }
  });
});

it("a permutation of lists and bitmaps puts each page's part where the page is", () => {
  for (const order of permutations(4)) {
    const to = (page: number): number => order[page]!;
    const bits = renumberedBits([0b1011], 1, 4, to)[0]!;
    const pairs = renumberedBits([0b01001110], 2, 4, to)[0]!;
    const list = renumberedList(["a", "A", "b", "B", "c", "C", "d", "D"], to, 2);
    for (let page = 0; page < 4; page++) {
      expect((bits >>> to(page)) & 1).toBe((0b1011 >>> page) & 1);
      expect((pairs >>> (2 * to(page))) & 3).toBe((0b01001110 >>> (2 * page)) & 3);
      expect(list.slice(2 * to(page), 2 * to(page) + 2).join("")).toBe(
        "aAbBcCdD".slice(2 * page, 2 * page + 2),
      );
    }
  }
  expect(new Set(permutations(4).map(String)).size).toBe(24);
});
