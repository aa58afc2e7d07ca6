/**
 * KVM's dirty ring: each vCPU has a ring of dirty pages, fed by write protection or by draining a log. At
 * the soft limit the vCPU returns to user space before it runs again; user space harvests the rings
 * and resets them, which arms the pages again.
 */
import * as z from "zod";
import { NO_UNIT, WRITE_LOGS } from "../../units/all.ts";
import { WRITE_LOG_LABELS } from "../../units/texts.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { ringHarvest, ringPush, ringReset, ringSoftFull } from "../dirtyRing.ts";
import { drainLogs } from "../drain.ts";
import { armedLeaf, type DirtyTechnique, disarmAll, rearmPage } from "../logDirty.ts";
import type { TrackedVcpu, TrackedVm } from "../trackedVm.ts";
import { armLeaves } from "./armLeaves.ts";
import { disableLogs, enableLogs } from "./logControls.ts";
import { type ExitWork, NOT_OURS, type Technique } from "./technique.ts";
import { serveWrite } from "./writeViolation.ts";

const schema = z
  .strictObject({
    entries: z.int().default(4096).describe("of each vCPU's dirty ring: a power of two"),
    source: z
      .enum(["writeProtect", ...WRITE_LOGS])
      .default("writeProtect")
      .describe("what feeds it"),
  })
  .prefault({})
  .describe("KVM's dirty ring, for technique dirtyRing");

function source(vm: TrackedVm): DirtyTechnique {
  return vm.ringUnit === null ? "writeProtect" : "dirtyFlag";
}

function find(vm: TrackedVm, vcpu: number): TrackedVcpu {
  return vm.vcpus.find((one) => one.vcpu === vcpu)!;
}

/** Moves a vCPU's log into its ring (KVM vmx_flush_pml_buffer). */
function flushLog({ logs, ringUnit: unit }: TrackedVm, { vcpu, vmcs, ring }: TrackedVcpu): number {
  if (unit === null) return 0;
  return drainLogs({ logs, unit, vcpu, vmcs }, (page) => ringPush(ring, page));
}

/** User space's reaper: harvests every ring, then has them reset. Reset comes before page contents are read. */
export function reapRings(vm: TrackedVm): number {
  let entries = 0;
  for (const { ring } of vm.vcpus) {
    entries += ringHarvest(ring, (page) => markDirty(vm.dirty, page));
    ringReset(ring, (firstPage, low, high) => {
      for (let i = 0; i < 64; i++) {
        const bit = i < 32 ? low & (1 << i) : high & (1 << (i - 32));
        if (bit !== 0) rearmPage(vm.ept, source(vm), firstPage + i);
      }
    });
  }
  return entries * (vm.costs.protectPage + vm.costs.ringEntry);
}

function served({ ring }: TrackedVcpu, fix: ExitWork["fix"], cycles: number): ExitWork {
  return { fix, cycles, ringFull: ringSoftFull(ring) };
}

export const dirtyRing = {
  name: "dirtyRing",
  finds: "the first write to each page",
  costs: `exits of write protection, ${WRITE_LOG_LABELS}, and a return to user space at the soft limit`,
  findsWritten: true,
  findsTouched: false,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  splitsAtWrite: true,
  usesRing: true,
  section: { name: "ring", schema },
  variants: WRITE_LOGS.map((source) => ({
    name: `dirtyRing-${source}`,
    fields: { "ring.source": source },
  })),
  model: { pages: 2, logEntries: 1, reads: 1 },
  unit: ({ ringUnit }) => ringUnit?.declaration.name ?? NO_UNIT,
  arm(vm) {
    const { ringUnit } = vm;
    if (vm.work.begins && ringUnit !== null && !enableLogs(vm, ringUnit)) return null;
    return armLeaves(vm, source(vm));
  },
  collect(vm) {
    if (!vm.work.begins) return 0;
    let entries = 0;
    for (const vcpu of vm.vcpus) entries += flushLog(vm, vcpu);
    return entries * vm.costs.drainEntry + reapRings(vm);
  },
  // The rings' resets have armed the pages already.
  rearm: () => 0,
  disarm(vm) {
    if (vm.work.begins && vm.ringUnit !== null) disableLogs(vm);
    return disarmAll(vm.ept, vm.work) * vm.costs.protectPage;
  },
  serveLogFull(vm, vcpu) {
    const target = find(vm, vcpu);
    const entries = flushLog(vm, target);
    return served(target, "granted", vm.costs.drainHandler + entries * vm.costs.drainEntry);
  },
  serveViolation(vm, vcpu, page, write) {
    const { ring } = find(vm, vcpu);
    const work = serveWrite(vm, source(vm), page, write, (one) => ringPush(ring, one));
    return work === NOT_OURS ? work : { ...work, ringFull: ringSoftFull(ring) };
  },
  pageTaken: () => {},
  pageReturned: (vm) => armedLeaf(vm.ept, source(vm)),
} as const satisfies Technique;
