/** CPUs, log units and VMs of a system, as they are now. */
import type { ContextFrom } from "xstate";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import { Counter } from "../hardware/counters.ts";
import { countTruth } from "../hardware/guestPages.ts";
import { countMarked, type DirtyBitmap, isMarked } from "../hypervisor/dirtyBitmap.ts";
import { visitLogs } from "../hypervisor/drain.ts";
import { contextOf } from "../system/actorContexts.ts";
import { CpuMode } from "../system/cpuTimes.ts";
import type { System } from "../system/system.ts";
import { NO_UNIT } from "../units/all.ts";
import type { Unit } from "../units/unit.ts";
import type { CpuFrame, LogFrame, VmFrame, WaitingFrame } from "./frame.ts";

/** The scheduler's context as it is; only looked at, never kept. */
export function schedulerOf(system: System): ContextFrom<typeof schedulerMachine> {
  return contextOf(system.actor("scheduler"), schedulerMachine);
}

function vcpuName(system: System, vcpu: number): string {
  const { vm } = system.world.vcpus[vcpu]!;
  return `vcpu${vcpu} ${system.world.vms[vm]!.config.name}`;
}

export function cpuFrames(system: System): CpuFrame[] {
  const { now } = system.interconnect;
  const { cpus } = schedulerOf(system);
  const physical = cpus.map(({ vcpu }, pcpu): CpuFrame => {
    const cycles = system.world.cpuTimes.of(pcpu, now);
    const share = (mode: number): number => (now === 0 ? 0 : cycles[mode]! / now);
    const { exits } = contextOf(system.actor(`pcpu${pcpu}/dispatcher`), dispatcherMachine);
    const taken = Object.values(exits).reduce((sum, one) => sum + one, 0);
    return {
      name: `cpu${pcpu}`,
      kind: "physical",
      occupant: vcpu < 0 ? "" : vcpuName(system, vcpu),
      state: vcpu < 0 ? "vacant" : system.actor(`vcpu${vcpu}`).value,
      shares: {
        idle: now === 0 ? 1 : share(CpuMode.idle),
        guest: share(CpuMode.guest),
        transition: share(CpuMode.transition),
        handler: share(CpuMode.handler),
      },
      note: `${taken.toLocaleString("en")} exits`,
    };
  });
  return [...physical, ...pvmFrames(system, now)];
}

function pvmFrames(system: System, now: number): CpuFrame[] {
  const { vmExit, vmEntry } = system.config.world.tracking.costs;
  return Array.from({ length: system.config.pvmCpus }, (_, cpu): CpuFrame => {
    const context = contextOf(system.actor(`pvm${cpu}`), pvmCpuMachine);
    const { handlerRuns, handlerCycles, jobCycles, ipis, coalesced } = context;
    const share = (cycles: number): number => (now === 0 ? 0 : Math.min(1, cycles / now));
    const transition = share(handlerRuns * (vmExit + vmEntry));
    const handler = Math.max(0, share(handlerCycles) - transition);
    const guest = Math.min(share(jobCycles), 1 - transition - handler);
    return {
      name: `pvm${cpu}`,
      kind: "pvm",
      occupant: context.jobs.length > 0 ? `${context.jobs.length} jobs` : "",
      state: system.actor(`pvm${cpu}`).value,
      shares: { idle: Math.max(0, 1 - guest - transition - handler), guest, transition, handler },
      note: `${ipis.toLocaleString("en")} IPIs, ${coalesced.toLocaleString("en")} merged`,
    };
  });
}

export function waitingFrames(system: System): WaitingFrame[] {
  const { cpus, held, pausedBy, waiting, halted } = schedulerOf(system);
  const running = cpus.map(({ vcpu }) => vcpu);
  return system.world.vcpus.flatMap(({ vm }, vcpu): WaitingFrame[] => {
    if (running.includes(vcpu)) return [];
    const name = vcpuName(system, vcpu);
    if (halted.includes(vcpu)) return [{ name, why: "halted" }];
    if (!waiting.includes(vcpu)) return [{ name, why: "not started" }];
    if (held.includes(vcpu)) return [{ name, why: "held" }];
    return [{ name, why: pausedBy[vm]!.length > 0 ? "paused" : "waiting" }];
  });
}

/** Logs of the vCPUs: which unit, how full, what it lost. */
export function logFrames(system: System): LogFrame[] {
  const { world } = system;
  return world.vcpus.map(({ vm, vmcs, counters }, vcpu): LogFrame => {
    const unit = loggingUnit(system, vm);
    const { name, label } = unit?.declaration ?? { name: "", label: NO_UNIT };
    // Whoever is not told of full logs has no statechart.
    const isTold = unit !== null && unit.declaration.whenFull.kind !== "drop";
    const state = isTold
      ? system.actor(`vcpu${vcpu}/${name}`).value
      : unit === null
        ? "off"
        : "logging";
    const { logEntries } = world.config.geometry;
    return {
      vcpu: vcpuName(system, vcpu),
      unit: label,
      state,
      index: unit?.shownIndex(vmcs) ?? 0,
      used: state === "off" ? 0 : visitPending(system, vcpu, () => {}),
      entries: (unit?.logs ?? 1) * logEntries,
      full: counters.values[Counter.logFull]!,
      missed: counters.values[Counter.missedGpas]!,
      logged: counters.values[Counter.logEntries]!,
    };
  });
}

/** The unit that logs for what is armed in a VM. */
function loggingUnit(system: System, vm: number): Unit | null {
  const { technique } = contextOf(system.actor(`vm${vm}/tracker`), trackerMachine);
  return system.world.unitOf(technique);
}

/** Visits the pages in a vCPU's logs that nobody has read yet; returns the number of entries. */
export function visitPending(system: System, vcpu: number, visit: (page: number) => void): number {
  const { vmcs, vm } = system.world.vcpus[vcpu]!;
  const unit = loggingUnit(system, vm);
  return unit === null ? 0 : visitLogs({ logs: system.world.logs, unit, vcpu, vmcs }, visit);
}

export function vmFrames(system: System): VmFrame[] {
  const { pausedBy, held } = schedulerOf(system);
  return system.world.vms.map(
    ({ config, guest, tracked, reportedWritten, reportedTouched }, vm) => {
      const { technique } = contextOf(system.actor(`vm${vm}/tracker`), trackerMachine);
      const truth = countTruth(guest);
      return {
        name: config.name,
        pages: config.pages,
        technique,
        tracker: system.actor(`vm${vm}/tracker`).value,
        paused:
          pausedBy[vm]!.length > 0 ||
          system.world.vms[vm]!.vcpus.every((vcpu) => held.includes(vcpu)),
        read: truth.pagesRead,
        written: truth.pagesWritten,
        inBitmap: Math.max(countMarked(tracked.dirty), countMarked(tracked.touched)),
        inBuffer: tracked.buffer.pagesLogged,
        reported: Math.max(
          dataPages(reportedWritten, config.pages),
          dataPages(reportedTouched, config.pages),
        ),
      };
    },
  );
}

/** Marked pages without those of the guest's own paging structures, which come last. */
function dataPages(bitmap: DirtyBitmap, pages: number): number {
  let marked = countMarked(bitmap);
  for (let page = pages; page < bitmap.pages; page++) if (isMarked(bitmap, page)) marked--;
  return marked;
}

/** Whether a vCPU has left for good, though its program had not ended. */
export function hasCrashed(system: System, vcpu: number): boolean {
  const actor = system.actor(`vcpu${vcpu}`);
  return actor.value === "halted" && !contextOf(actor, vcpuMachine).finished;
}
