/** For each machine: an input, and payloads for every event it knows. Small numbers, so that guards meet. */
import type { AnyStateMachine } from "xstate";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { pmlUnitMachine } from "../../machines/pmlUnit.ts";
import { prlUnitMachine } from "../../machines/prlUnit.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { toolstackMachine } from "../../machines/toolstack.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";

type Payload = (n: number) => object;

export interface MachineCase {
  readonly machine: AnyStateMachine;
  readonly input: object;
  /** Event types, each with a function from a random number to its payload. */
  readonly events: Readonly<Record<string, Payload>>;
}

const none: Payload = () => ({});
const reasons = [1, 12, 48, 49, 62];
const exit: Payload = (n) => ({
  vcpu: n % 2,
  vm: 0,
  reason: reasons[n % 5],
  qualification: n % 4,
  page: n,
});

export const machineCases: Readonly<Record<string, MachineCase>> = {
  vcpu: {
    machine: vcpuMachine,
    input: { vcpu: 0, vm: 0, scheduler: 2, exitCycles: 6, entryCycles: 7 },
    events: {
      schedule: (n) => ({ vcpu: 0, pcpu: 0, mmu: n % 3, dispatcher: n % 5 }),
      guestStopped: exit,
      entryFailed: (n) => ({ failure: `failure ${n % 2}` }),
      resume: none,
      deschedule: (n) => ({ crashed: n % 2 === 0 }),
    },
  },
  mmu: {
    machine: mmuMachine,
    input: { pcpu: 0, self: 3, vcpus: [5, 6], pmlUnits: [7, 8], prlUnits: [9, 10] },
    events: {
      enterGuest: (n) => ({ vcpu: n % 2 }),
      continueGuest: none,
      kick: none,
      ranToHorizon: (n) => ({ elapsed: n }),
      prlLogFilled: (n) => ({ elapsed: n }),
      logUnavailable: (n) => ({ elapsed: n }),
      workloadEnded: (n) => ({ elapsed: n }),
      accessExited: (n) => ({ elapsed: n, reason: reasons[n % 5], qualification: n, page: n }),
      entryRefused: () => ({ failure: "vpid-zero" }),
    },
  },
  pmlUnit: {
    machine: pmlUnitMachine,
    input: { vcpu: 4 },
    events: { enableLog: none, disableLog: none, pmlIndexOutOfRange: none, pmlIndexReset: none },
  },
  prlUnit: {
    machine: prlUnitMachine,
    input: { vcpu: 1, handlerCpu: 9, vector: 243, ipiCycles: 10 },
    events: {
      enableLog: none,
      disableLog: none,
      prlLogFilled: none,
      remoteReload: none,
      reloaded: none,
    },
  },
  pvmCpu: {
    machine: pvmCpuMachine,
    input: { self: 3, prlUnits: [5, 6], interruptCycles: 4, entryCopyCycles: 2, reloadCycles: 3 },
    events: {
      ipi: (n) => ({ vector: 243, vcpu: n % 2 }),
      logsCopied: none,
      logsDrained: (n) => ({ drained: [{ vcpu: n % 2, logs: 1 + (n % 3) }], entries: n }),
      indexesReset: none,
    },
  },
  dispatcher: {
    machine: dispatcherMachine,
    input: {
      pcpu: 0,
      self: 4,
      mmu: 3,
      vcpus: [5, 6],
      trackers: [7],
      inveptCycles: 5,
      interruptCycles: 8,
    },
    events: {
      schedule: (n) => ({ vcpu: n % 2, pcpu: 0, mmu: 3, dispatcher: 4 }),
      inveptRequest: (n) => ({ vm: 0, tracker: n % 3 }),
      preempt: none,
      vmExit: exit,
      handled: (n) => ({ fixed: n % 4 !== 0 }),
      invalidated: none,
    },
  },
  tracker: {
    machine: trackerMachine,
    input: {
      vm: 0,
      self: 6,
      dispatchers: [3, 4],
      pmlUnits: [7, 0],
      prlUnits: [8, 0],
      skipInvept: false,
    },
    events: {
      arm: (n) => ({
        technique: ["none", "pml", "prl", "writeProtect"][n % 4],
        requester: 1 + (n % 2),
      }),
      harvest: (n) => ({ mode: n % 2 === 0 ? "clean" : "peek", requester: 1 }),
      disarm: () => ({ requester: 2 }),
      inveptDone: (n) => ({ pcpu: n % 2 }),
      logFullExit: (n) => ({ vcpu: n % 2, dispatcher: 3 }),
      eptViolation: (n) => ({ vcpu: n % 2, page: n, qualification: n % 4, dispatcher: 4 }),
      ringFull: (n) => ({ dispatcher: 3 + (n % 2), cycles: n, drainedVcpu: (n % 2) - 1 }),
      ringsReaped: (n) => ({ cycles: n }),
      tablesChanged: (n) => ({
        cycles: n,
        unit: ["none", "pml", "prl"][n % 3],
        answer: { type: ["armed", "disarmed", "harvested"][n % 3], technique: "pml" },
      }),
      harvestPeeked: (n) => ({ cycles: n, answer: { type: "harvested" } }),
      exitServed: (n) => ({
        dispatcher: 3,
        fixed: n % 2 === 0,
        cycles: n,
        drainedVcpu: (n % 3) - 1,
      }),
    },
  },
  scheduler: {
    machine: schedulerMachine,
    input: {
      self: 2,
      toolstack: 1,
      timesliceCycles: 100,
      mmus: [3, 4],
      dispatchers: [5, 6],
      vmOfVcpu: [0, 0, 1],
    },
    events: {
      startVm: (n) => ({ vm: n % 2 }),
      descheduled: (n) => ({ vcpu: n % 3, halted: n % 4 === 0 }),
      timesliceEnd: (n) => ({ pcpu: n % 2, slice: n % 3 }),
      pauseVm: (n) => ({ vm: n % 2, requester: 1 }),
      unpauseVm: (n) => ({ vm: n % 2 }),
    },
  },
  toolstack: {
    machine: toolstackMachine,
    input: {
      self: 1,
      scheduler: 2,
      trackers: [7],
      technique: "pml",
      harvestCycles: 50,
      deadlineCycles: 900,
    },
    events: {
      begin: none,
      armed: () => ({ technique: "pml" }),
      vmHalted: (n) => ({ vm: n % 2 }),
      vmPaused: (n) => ({ vm: n % 2 }),
      harvested: (n) => ({ pagesWritten: n, pagesTouched: null, guestPageTables: n % 2 }),
      harvestDue: none,
      deadline: none,
    },
  },
};
