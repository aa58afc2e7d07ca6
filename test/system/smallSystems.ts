/**
 * Small systems for property tests: a recipe is plain data, so that fast-check can shrink and print
 * it, and every run of a recipe starts from a system of its own.
 */
import fc from "fast-check";
import { setup } from "xstate";
import { DEFAULT_PROCESSOR_COSTS } from "../../src/hardware/costs.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import type { GuestPagingName } from "../../src/hardware/vmcs.ts";
import { DEFAULT_HYPERVISOR_COSTS, type HypervisorCosts } from "../../src/hypervisor/costs.ts";
import { TECHNIQUES, unitOf } from "../../src/hypervisor/techniques/all.ts";
import { ignored } from "../../src/interconnect/ignored.ts";
import type { ActorId, Delivery, Message, Technique } from "../../src/interconnect/messages.ts";
import type { LogicKind } from "../../src/system/actors.ts";
import { measure } from "../../src/system/operations/measure.ts";
import { type ActorRole, actorName } from "../../src/system/roles.ts";
import { smallestPlan, smallestVm } from "../../src/system/smallestPlan.ts";
import { type ActorParts, System, type SystemPlan } from "../../src/system/system.ts";
import { configuredUnits, formatFor, writeLog } from "../../src/units/all.ts";
import type { PrlSlotRuleName } from "../../src/units/prl/options.ts";
import type { Workload } from "../../workloads/workload.ts";

/** A failure is shown in time, also when making it smaller would take longer than a test may. */
fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  interruptAfterTimeLimit: 170_000,
  markInterruptAsFailure: true,
});

/** A list of accesses, each a page and a kind (0 read, 1 write, 2 fetch, 3 read-modify-write). */
export type Script = readonly (readonly [page: number, kind: number])[];

/** Plays a script, `passes` times. */
export class ScriptWorkload implements Workload {
  readonly name: string;
  readonly pages: number;
  readonly gap: number;
  readonly #script: Script;
  readonly #length: number;
  readonly #position = new Float64Array(1);

  constructor(name: string, pages: number, gap: number, script: Script, passes = 1) {
    this.name = name;
    this.pages = pages;
    this.gap = gap;
    this.#script = script;
    this.#length = script.length * passes;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { position: this.#position };
  }

  fill(block: Int32Array): number {
    const from = this.#position[0]!;
    const count = Math.min(block.length, this.#length - from);
    for (let i = 0; i < count; i++) {
      const [page, kind] = this.#script[(from + i) % this.#script.length]!;
      block[i] = ((page % this.pages) << 2) | kind;
    }
    this.#position[0] = from + count;
    return count;
  }
}

interface TlbRecipe {
  readonly sets: number;
  readonly ways: number;
}

export interface VmRecipe {
  readonly pages: number;
  readonly paging: GuestPagingName;
  readonly leafLevel: 1 | 2;
  /** One script for each vCPU. */
  readonly vcpus: readonly { readonly gap: number; readonly script: Script }[];
}

export interface Recipe {
  readonly indexBits: number;
  readonly eptLevels: number;
  readonly logEntries: number;
  readonly l1: TlbRecipe;
  readonly l1Large: TlbRecipe;
  readonly l2: TlbRecipe;
  readonly pcpus: number;
  readonly vms: readonly VmRecipe[];
  readonly passes: number;
  readonly technique: Technique;
  readonly ringFromPml: boolean;
  readonly variant: "vee21" | "dw19";
  readonly slotRule: PrlSlotRuleName;
  readonly doubleBuffer: boolean;
  readonly filterGuestTables: boolean;
  readonly costs: Partial<HypervisorCosts>;
  readonly quantum: number;
  /** Beyond the shortest one that lets a guest get on. */
  readonly timeslice: number;
  /** The same, or null for one harvest at the end. */
  readonly harvest: number | null;
  readonly deadline: number | null;
  readonly blockAccesses: number;
}

export const SIMPLE: Recipe = {
  indexBits: 3,
  eptLevels: 3,
  logEntries: 2,
  l1: { sets: 1, ways: 2 },
  l1Large: { sets: 1, ways: 1 },
  l2: { sets: 2, ways: 2 },
  pcpus: 1,
  vms: [],
  passes: 1,
  technique: "pml",
  ringFromPml: false,
  variant: "vee21",
  slotRule: "decrement-then-store",
  doubleBuffer: false,
  filterGuestTables: false,
  costs: {},
  quantum: 1000,
  timeslice: 10_000,
  harvest: null,
  deadline: null,
  blockAccesses: 16,
};

const RING_ENTRIES = 64;

/**
 * A round or a turn shorter than this may end before the guest has completed one access: a walk of a
 * long-mode guest writes to five pages, and each may cost an exit, whose work the next harvest undoes.
 */
export function shortestTurn(costs: HypervisorCosts, logEntries: number): number {
  const oneExit =
    costs.vmExit +
    costs.vmEntry +
    costs.interruptHandler +
    costs.violationHandler +
    costs.splitHandler +
    costs.drainHandler +
    logEntries * costs.drainEntry +
    costs.ringExit +
    RING_ENTRIES * (costs.ringEntry + costs.protectPage) +
    costs.invept;
  return 8 * oneExit + 2000;
}

export function costsOf(recipe: Recipe): HypervisorCosts {
  return { ...DEFAULT_HYPERVISOR_COSTS, ...recipe.costs };
}

export function configOf(recipe: Recipe): SystemPlan {
  const { indexBits, eptLevels, logEntries, l1, l1Large, l2 } = recipe;
  const { variant, slotRule, doubleBuffer, filterGuestTables } = recipe;
  const costs = costsOf(recipe);
  const least = shortestTurn(costs, logEntries);
  const ringSource = recipe.ringFromPml ? "pml" : "writeProtect";
  const units = configuredUnits({ prl: { variant, slotRule, doubleBuffer, filterGuestTables } });
  const format = formatFor(unitOf(recipe.technique, units, writeLog(units, ringSource)));
  const vms = recipe.vms.map(({ pages, paging, leafLevel, vcpus }, number) => {
    const workloads = vcpus.map(
      ({ gap, script }, vcpu) =>
        new ScriptWorkload(`vm${number}/script${vcpu}`, pages, gap, script, recipe.passes),
    );
    const own = paging === "pae" && !format.loadsPdptes ? "longMode" : paging;
    return smallestVm(`vm${number}`, pages, workloads, { paging: own, leafLevel });
  });
  const harvestCycles = recipe.harvest === null ? 0 : least + recipe.harvest;
  return smallestPlan(vms, {
    world: {
      geometry: {
        eptLevels,
        guestLevels: 4,
        indexBits,
        logEntries,
        tlb: { l1, l1Large, l2 },
        physicalAddressBits: 43,
      },
      pcpus: recipe.pcpus,
      mmu: {
        format,
        compatibility: "sdm",
        costs: DEFAULT_PROCESSOR_COSTS,
      },
      units,
      blockAccesses: recipe.blockAccesses,
    },
    tracking: {
      technique: recipe.technique,
      costs,
      ringEntries: RING_ENTRIES,
      ringReserved: 8,
      ringSource,
    },
    system: {
      quantumCycles: recipe.quantum,
      timesliceCycles: least + recipe.timeslice,
      operation: measure({ harvestCycles, live: false, deadlineCycles: recipe.deadline ?? 0 }),
    },
  });
}

export function build(recipe: Recipe, logic: LogicKind = "compiled"): System {
  return new System(configOf(recipe), logic);
}

/**
 * The system of a recipe in which a test has a place to have answers sent to: the pVM's CPU only listens.
 * For requests that come from no operation.
 */
export function withListener(recipe: Recipe): {
  readonly system: System;
  readonly listener: ActorId;
} {
  return listeningAt("pvm0", configOf(recipe));
}

/** The system of a configuration in which the actor of that name does nothing but listen. */
export function listeningAt(
  place: string,
  config: SystemPlan,
): { readonly system: System; readonly listener: ActorId } {
  const replace = (role: ActorRole, parts: ActorParts): ActorParts =>
    actorName(role) === place ? { machine: listenerMachine, device: null } : parts;
  const system = new System({ ...config, replace });
  return { system, listener: system.actor(place).id };
}

const heard = ignored("the test has seen it");
const listenerMachine = setup({ types: { events: {} as Message } }).createMachine({
  id: "listener",
  initial: "listening",
  states: {
    listening: { on: { armed: heard, armRefused: heard, harvested: heard, disarmed: heard } },
  },
});

/** More messages than any small system needs: a run that reaches it does not end. */
export const MESSAGES_MAX = 50_000;

/** Delivers messages one by one until the measurement has ended, and shows each. */
export function drive(system: System, onDelivery: (delivery: Delivery) => void): void {
  const step = stepper(system, onDelivery);
  for (let delivered = 0; step(); delivered++) {
    if (delivered === MESSAGES_MAX) throw new Error(`not done after ${delivered} messages`);
  }
  if (!system.done) throw new Error("no messages left, but the operation has not ended");
}

/** Delivers one message and shows it. What RxJS catches from an observer would not fail a test in time. */
export function stepper(system: System, onDelivery: (delivery: Delivery) => void): () => boolean {
  let last: Delivery | undefined;
  system.interconnect.delivered.subscribe((delivery) => {
    last = delivery;
  });
  return () => {
    if (!system.step()) return false;
    onDelivery(last!);
    return true;
  };
}

export function deliveriesOf(system: System): Delivery[] {
  const deliveries: Delivery[] = [];
  drive(system, (delivery) => deliveries.push(delivery));
  return deliveries;
}

const tlbLevel = fc.record({
  sets: fc.constantFrom(1, 2, 4),
  ways: fc.integer({ min: 1, max: 3 }),
});

const script: fc.Arbitrary<Script> = fc.array(fc.tuple(fc.nat(63), fc.nat(3)), { maxLength: 60 });

const vcpu = fc.record({ gap: fc.constantFrom(0, 0, 7, 300), script });

const vm = fc.record({
  pages: fc.integer({ min: 3, max: 64 }),
  paging: fc.constantFrom("off" as const, "pae" as const, "longMode" as const),
  leafLevel: fc.constantFrom(1 as const, 2 as const),
  vcpus: fc.array(vcpu, { minLength: 1, maxLength: 3 }),
});

const cost = fc.constantFrom(0, 1, 10, 500, 3000);
const costs = fc.record(
  Object.fromEntries(Object.keys(DEFAULT_HYPERVISOR_COSTS).map((name) => [name, cost])) as Record<
    keyof HypervisorCosts,
    typeof cost
  >,
  { requiredKeys: [] },
);

/** Any small system: one or two VMs, at most three vCPUs, one or two physical CPUs. */
export const anyRecipe: fc.Arbitrary<Recipe> = fc
  .record({
    indexBits: fc.constantFrom(2, 3),
    eptLevels: fc.constantFrom(4, 3),
    logEntries: fc.integer({ min: 1, max: 4 }),
    l1: tlbLevel,
    l1Large: tlbLevel,
    l2: tlbLevel,
    pcpus: fc.constantFrom(1, 2),
    vms: fc.array(vm, { minLength: 1, maxLength: 2 }),
    passes: fc.integer({ min: 1, max: 3 }),
    technique: fc.constantFrom(...TECHNIQUES),
    ringFromPml: fc.boolean(),
    variant: fc.constantFrom("vee21" as const, "dw19" as const),
    slotRule: fc.constantFrom(
      "decrement-then-store" as const,
      "store-then-decrement" as const,
      "store-at-zero" as const,
    ),
    doubleBuffer: fc.boolean(),
    filterGuestTables: fc.boolean(),
    costs,
    quantum: fc.constantFrom(1, 50, 1000, 100_000),
    timeslice: fc.constantFrom(0, 1, 1000, 20_000),
    harvest: fc.option(fc.nat(20_000)),
    deadline: fc.option(fc.integer({ min: 1, max: 200_000 }), { freq: 4 }),
    blockAccesses: fc.constantFrom(1, 3, 64),
  })
  // Two index bits and three levels reach 64 pages only: too few for data and tables.
  .map((recipe) => ({ ...recipe, eptLevels: recipe.indexBits === 2 ? 4 : recipe.eptLevels }))
  .map((recipe) => ({ ...recipe, vms: atMostThreeVcpus(recipe.vms) }));

function atMostThreeVcpus(vms: readonly VmRecipe[]): readonly VmRecipe[] {
  if (vms.length < 2) return vms;
  const [first, second] = vms as readonly [VmRecipe, VmRecipe];
  const vcpus = first.vcpus.slice(0, 2);
  return [
    { ...first, vcpus },
    { ...second, vcpus: second.vcpus.slice(0, 3 - vcpus.length) },
  ];
}

/** The recipe with another technique. */
export function withTechnique(...techniques: Technique[]): fc.Arbitrary<Recipe> {
  return fc
    .tuple(anyRecipe, fc.constantFrom(...techniques))
    .map(([recipe, technique]) => ({ ...recipe, technique }));
}
