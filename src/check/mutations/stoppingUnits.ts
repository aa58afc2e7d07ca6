/**
 * Faults around a unit whose full log stops the guest, in the processor's half and in the hypervisor's. The first unit has
 * them under names of their own, with others (pml.ts); those of the rest follow from what each says of itself.
 */
import { findLeaf } from "../../hardware/ept.ts";
import { Field, readField, writeField } from "../../hardware/vmcs.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { unitOfLogs } from "../../system/memoryPieces.ts";
import type { World } from "../../system/world.ts";
import { DESIGNED, UNITS } from "../../units/all.ts";
import type { UnitDeclaration } from "../../units/unit.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_STALE_TRANSLATION } from "../models/properties.ts";
import {
  INDEX_IN_RANGE,
  NO_FLAG_WITHOUT_ACCESS,
  SERVED_LOG_IS_EMPTY,
} from "../models/stepChecks.ts";
import { kebab, modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation, type Replacement, rearmsNothing, without } from "./mutation.ts";

/** A vCPU's log is empty again, whatever is in it. */
function empty(world: World, vcpu: number): void {
  unitOfLogs(world).empty(itemAt(world.vcpus, vcpu).vmcs, world.config.geometry);
}

function isFull(world: World, vcpu: number): boolean {
  const { geometry } = world.config;
  const [first, end] = unitOfLogs(world).usedSlots(itemAt(world.vcpus, vcpu).vmcs, 0, geometry);
  return end - first === geometry.logEntries;
}

export const emptiedBeforeDrained: Replacement = around(
  "tracker",
  ({ op, vcpu = 0 }, perform, world) => {
    if (op === "serveLogFull") empty(world, vcpu);
    return perform();
  },
);

export const emptiedAtExit: Replacement = around("mmu", ({ vcpu = 0 }, perform, world) => {
  const reply = perform();
  if (reply.type === "logUnavailable") empty(world, vcpu);
  return reply;
});

export const indexNotReset: Replacement = around(
  "tracker",
  ({ op, vcpu = 0 }, perform, { vcpus }) => {
    const { vmcs } = itemAt(vcpus, vcpu);
    const full = readField(vmcs, Field.logIndex);
    const reply = perform();
    if (op === "serveLogFull") writeField(vmcs, Field.logIndex, full, 0);
    return reply;
  },
);

export const flagBeforeLog: Replacement = around(
  "mmu",
  ({ vcpu = 0 }, perform, { vcpus, vms, memory }) => {
    const reply = perform();
    const { stream, vm } = itemAt(vcpus, vcpu);
    const { ept } = itemAt(vms, vm);
    const leaf = findLeaf(ept, wordAt(stream.block, 0) >>> 2);
    const { accessed, dirty } = ept.format;
    if (reply.type === "logUnavailable" && leaf !== null) {
      memory.words[leaf.word] = wordAt(memory.words, leaf.word) | accessed | dirty;
    }
    return reply;
  },
);

export const indexWraps: Replacement = around("mmu", ({ vcpu = 0 }, perform, world) => {
  if (isFull(world, vcpu)) empty(world, vcpu);
  return perform();
});

export const indexStays: Replacement = around("mmu", ({ vcpu = 0 }, perform, { vcpus }) => {
  const { vmcs } = itemAt(vcpus, vcpu);
  const index = readField(vmcs, Field.logIndex);
  const reply = perform();
  if (reply.type === "ranToHorizon") writeField(vmcs, Field.logIndex, index, 0);
  return reply;
});

interface Fault extends Pick<Mutation, "replace" | "trackerFault" | "breaks"> {
  readonly name: string;
  /** The mistake, around a unit that people call so. */
  readonly mistake: (label: string) => string;
}

/** Of any such unit; that its full log stops nobody is a fault of its own machine. */
const FAULTS: readonly Fault[] = [
  {
    name: "not-flushed",
    mistake: (label) =>
      `a harvest clears the dirty state that ${label} goes by, and no TLB is flushed`,
    breaks: NO_STALE_TRANSLATION,
    trackerFault: "skipInvept",
  },
  {
    name: "emptied-before-drained",
    mistake: (label) => `the handler of a full ${label} log empties it, then drains what is left`,
    breaks: NO_PAGE_LOST,
    replace: emptiedBeforeDrained,
  },
  {
    name: "index-not-reset",
    mistake: (label) => `the handler drains the ${label} log, and leaves its index as it was`,
    breaks: SERVED_LOG_IS_EMPTY,
    replace: indexNotReset,
  },
  {
    name: "flag-before-log",
    mistake: (label) => `the walk makes the page dirty, and then finds the ${label} log full`,
    breaks: NO_FLAG_WITHOUT_ACCESS,
    replace: flagBeforeLog,
  },
  {
    name: "index-wraps",
    mistake: (label) =>
      `the index of a full ${label} log goes on at the other end, and nobody stops`,
    breaks: INDEX_IN_RANGE,
    replace: indexWraps,
  },
  {
    name: "rearm-nothing",
    mistake: (label) =>
      `a harvest reports the pages, and leaves them dirty: ${label} logs none of them again`,
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
];

function mutationsOf(unit: UnitDeclaration): Mutation[] {
  const notTold: Fault = {
    name: "full-not-told",
    mistake: (label) => `a full ${label} log stops no guest`,
    breaks: "no deadlock",
    replace: without({ unit: unit.name }, "sendLogFull"),
  };
  return [...FAULTS, notTold].map(({ name, mistake, ...fault }) => ({
    name: `${kebab(unit.name)}-${name}`,
    mistake: mistake(unit.label),
    model: modelOf(unit),
    ...fault,
  }));
}

/** One that a scenario designs has models of its own sorts, and its faults with them. */
export const stoppingMutations: readonly Mutation[] = UNITS.filter(
  (unit) => unit.whenFull.kind === "exit" && unit !== WRITES && unit !== DESIGNED,
).flatMap(mutationsOf);
