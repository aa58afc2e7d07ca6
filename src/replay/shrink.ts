/**
 * Cuts a failing run down to a small one that fails in the same way: the same property, the same actor.
 * First goes all that is causally unrelated to the failure, at once; then, by delta debugging (Zeller and
 * Hildebrandt 2002), what was done from outside, VMs, vCPUs, pages and single accesses.
 */

import { scriptSchema, stepText } from "../../workloads/generators/script.ts";
import { UserError } from "../errors.ts";
import { Counter } from "../hardware/counters.ts";
import { itemAt, numberAt } from "../lookup.ts";
import { buildSystem } from "../system/build.ts";
import { InterventionError } from "../system/intervention.ts";
import { type Scenario, scenarioSchema } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";
import { repeat } from "./branch.ts";
import type { Failure, Property } from "./properties.ts";
import type { TimedIntervention } from "./timedIntervention.ts";

/** A run: everything that it follows from. */
export interface Case {
  readonly scenario: Scenario;
  readonly interventions: readonly TimedIntervention[];
}

export interface CaseSize {
  readonly messages: number;
  readonly accesses: number;
  readonly vms: number;
  readonly vcpus: number;
  readonly pages: number;
  readonly interventions: number;
}

export interface ShrinkOptions {
  readonly directory: string;
  /** Runs to try at most. */
  readonly runs: number;
  /** Messages after which a run is given up. */
  readonly most: number;
  /** Names of VMs that the failure does not depend on, and whether what was done from outside matters. */
  readonly unrelatedVms: readonly string[];
  readonly onTry?: (tried: number, size: CaseSize) => void;
}

export interface Shrunk {
  readonly failure: Failure;
  readonly before: CaseSize;
  readonly after: CaseSize;
  readonly result: Case;
  readonly tried: number;
}

/** Scripts of more accesses are not made. */
const SCRIPT_MAX = 20_000;

interface Outcome {
  readonly failure: Failure;
  readonly size: CaseSize;
  readonly system: System;
}

/** @throws UserError if the run does not fail */
export function shrink(original: Case, property: Property, options: ShrinkOptions): Shrunk {
  const start = { ...original, scenario: withNames(original.scenario) };
  const first = runCase(start, property, options);
  if (first === null) throw new UserError(`the run does not fail: "${property.name}" holds`);
  const search = new Search(start, first, property, options);
  search.dropVms(options.unrelatedVms);
  search.reduceAll();
  const { best, outcome, tried } = search;
  return {
    failure: outcome.failure,
    before: first.size,
    after: outcome.size,
    result: best,
    tried,
  };
}

class Search {
  best: Case;
  outcome: Outcome;
  tried = 0;
  readonly #property: Property;
  readonly #options: ShrinkOptions;

  constructor(start: Case, outcome: Outcome, property: Property, options: ShrinkOptions) {
    this.best = start;
    this.outcome = outcome;
    this.#property = property;
    this.#options = options;
  }

  dropVms(names: readonly string[]): void {
    if (names.length === 0) return;
    this.#tryVms((_, name) => !names.includes(name));
  }

  /** Again and again, until nothing can be taken away. */
  reduceAll(): void {
    for (let messages = Infinity; this.outcome.size.messages < messages; ) {
      ({ messages } = this.outcome.size);
      this.#list(this.best.interventions, (interventions) => ({ ...this.best, interventions }));
      this.#list(this.best.scenario.vms, (vms) => this.#withVms(vms));
      this.best.scenario.vms.forEach((_, vm) => {
        this.#number(
          (s) => s.vms[vm]?.vcpus,
          (vcpus) => this.#withVm(vm, { vcpus }),
        );
        this.#accesses(vm);
        this.#script(vm);
        this.#pages(vm);
      });
      const { machine } = this.best.scenario;
      this.#number(
        (s) => s.machine.cpus,
        (cpus) => this.#with({ machine: { ...machine, cpus } }),
      );
    }
  }

  /** Whether a case fails in the same way; then it is the best so far. */
  #try(candidate: Case): boolean {
    if (this.tried >= this.#options.runs) return false;
    this.tried++;
    const outcome = runCase(candidate, this.#property, this.#options);
    const same =
      outcome?.failure.property === this.outcome.failure.property &&
      outcome.failure.role === this.outcome.failure.role;
    if (outcome === null || !same) return false;
    this.best = candidate;
    this.outcome = outcome;
    this.#options.onTry?.(this.tried, outcome.size);
    return true;
  }

  /** Delta debugging: takes parts out of a list, large ones first, as long as the failure stays. */
  #list<Item>(items: readonly Item[], withItems: (items: readonly Item[]) => Case): void {
    let left = items;
    for (let size = Math.ceil(left.length / 2); size >= 1 && left.length > 0; ) {
      let removed = false;
      for (let from = 0; from < left.length; ) {
        const rest = left.toSpliced(from, size);
        if (this.#try(withItems(rest))) {
          left = rest;
          removed = true;
        } else from += size;
      }
      if (size === 1 && !removed) return;
      size = removed ? Math.min(size, Math.ceil(left.length / 2)) : size >> 1;
    }
  }

  /** Makes a number smaller: to 1, or as near to it as a few halvings of the way show. */
  #number(value: (scenario: Scenario) => number | undefined, withValue: (n: number) => Case): void {
    const now = value(this.best.scenario);
    if (now === undefined || now <= 1 || this.#try(withValue(1))) return;
    let [fails, holds] = [now, 1];
    while (fails - holds > Math.max(1, fails >> 4)) {
      const middle = (fails + holds) >> 1;
      if (this.#try(withValue(middle))) fails = middle;
      else holds = middle;
    }
  }

  /** Fewer accesses of a workload that draws them. */
  #accesses(vm: number): void {
    const workload = this.best.scenario.vms[vm]?.workload;
    if (workload === undefined || workload.kind === "script") return;
    const most = Math.max(
      1,
      ...itemAt(this.outcome.system.world.vms, vm).vcpus.map((vcpu) => {
        return numberAt(
          itemAt(this.outcome.system.world.vcpus, vcpu).counters.values,
          Counter.accesses,
        );
      }),
    );
    const withAccesses = (accesses: number): Case =>
      this.#withVm(vm, { workload: { ...workload, accesses } });
    if (!this.#try(withAccesses(most))) return;
    this.#number(() => most, withAccesses);
  }

  /** The accesses of a VM's only vCPU, written down, and then fewer and fewer of them. */
  #script(vm: number): void {
    const config = this.best.scenario.vms[vm];
    if (config?.vcpus !== 1) return;
    if (config.workload.kind !== "script") {
      const script = this.#drawn(vm);
      const { gap } = config.workload;
      if (script === null) return;
      const workload = scriptSchema.parse({ kind: "script", script, gap });
      if (!this.#try(this.#withVm(vm, { workload }))) return;
    }
    const { workload } = itemAt(this.best.scenario.vms, vm);
    if (workload.kind !== "script") return;
    this.#list(workload.script, (script) =>
      this.#withVm(vm, { workload: { ...workload, script: [...script] } }),
    );
  }

  /** What a VM's first vCPU has been given to do; null if it is too much. */
  #drawn(vm: number): string[] | null {
    const system = build(this.best, this.#options);
    const [vcpu] = system?.world.vms[vm]?.vcpus ?? [];
    if (system === null || vcpu === undefined) return null;
    const made = numberAt(
      itemAt(this.outcome.system.world.vcpus, vcpu).counters.values,
      Counter.accesses,
    );
    if (made === 0 || made > SCRIPT_MAX) return null;
    const block = new Int32Array(made);
    const count = itemAt(system.world.vcpus, vcpu).stream.workload.fill(block);
    return Array.from(block.subarray(0, count), stepText);
  }

  /** Fewer pages: those that a script uses become neighbours, and its VM's memory ends behind them. */
  #pages(vm: number): void {
    const config = this.best.scenario.vms[vm];
    if (config === undefined) return;
    const { memory: _, ...small } = config;
    if (config.memory !== undefined) this.#try(this.#withVms(this.#replaced(vm, small)));
    const { workload } = itemAt(this.best.scenario.vms, vm);
    if ("pages" in workload && workload.pages !== undefined && workload.kind !== "script") {
      this.#number(
        () => workload.pages,
        (pages) => this.#withVm(vm, { workload: { ...workload, pages } }),
      );
    }
    if (workload.kind !== "script") return;
    const used = [...new Set(workload.script.map((step) => Number(step.split(" ")[1])))];
    const order = used.sort((a, b) => a - b);
    const script = workload.script.map((step) => {
      const [kind, page] = step.split(" ");
      return `${kind} ${order.indexOf(Number(page))}`;
    });
    if (order.at(-1) === order.length - 1 && workload.pages === undefined) return;
    const { pages: __, ...rest } = workload;
    this.#try(this.#withVm(vm, { workload: { ...rest, script } }));
  }

  #tryVms(keep: (vm: number, name: string) => boolean): void {
    const { vms } = this.best.scenario;
    const kept = vms.filter(({ name }, vm) => keep(vm, name ?? `vm${vm}`));
    if (kept.length < vms.length && kept.length > 0) this.#try(this.#withVms(kept));
  }

  #with(changes: Partial<Scenario>): Case {
    return { ...this.best, scenario: { ...this.best.scenario, ...changes } };
  }

  #withVms(vms: readonly Scenario["vms"][number][]): Case {
    return this.#with({ vms: [...vms] });
  }

  #replaced(vm: number, config: Scenario["vms"][number]): Scenario["vms"] {
    return this.best.scenario.vms.with(vm, config);
  }

  #withVm(vm: number, changes: Partial<Scenario["vms"][number]>): Case {
    const { vms } = this.best.scenario;
    return this.#withVms(vms.with(vm, { ...itemAt(vms, vm), ...changes }));
  }
}

/** A VM keeps its name when others go. */
function withNames(scenario: Scenario): Scenario {
  const vms = scenario.vms.map((vm, number) => ({ ...vm, name: vm.name ?? `vm${number}` }));
  return { ...scenario, vms };
}

/** Runs a case; null if it holds, cannot be, or cannot be run. */
function runCase(one: Case, property: Property, options: ShrinkOptions): Outcome | null {
  const system = build(one, options);
  if (system === null) return null;
  try {
    const messages = repeat(system, one.interventions, 0, options.most);
    const failure = property.check(system);
    return failure === null ? null : { failure, size: sizeOf(one, system, messages), system };
  } catch (error) {
    // What was done from outside does not fit any more.
    if (error instanceof InterventionError) return null;
    throw error;
  }
}

function build({ scenario }: Case, { directory }: ShrinkOptions): System | null {
  if (!scenarioSchema.safeEncode(scenario).success || scenario.vms.length === 0) return null;
  try {
    return buildSystem(scenario, { directory });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function sizeOf({ scenario, interventions }: Case, { world }: System, messages: number): CaseSize {
  let accesses = 0;
  for (const { counters } of world.vcpus) accesses += numberAt(counters.values, Counter.accesses);
  return {
    messages,
    accesses,
    vms: scenario.vms.length,
    vcpus: world.vcpus.length,
    pages: world.vms.reduce((sum, { config }) => sum + config.pages, 0),
    interventions: interventions.length,
  };
}
