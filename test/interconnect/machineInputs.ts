/** For each machine: an input, and payloads for every event it knows. Small numbers, so that guards meet. */
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { estimationMachine } from "../../machines/estimation.ts";
import { estimatorMachine } from "../../machines/estimator.ts";
import { migrationMachine } from "../../machines/migration.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { operatorMachine } from "../../machines/operator.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { samplerMachine } from "../../machines/sampler.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { throttleMachine } from "../../machines/throttle.ts";
import { toolstackMachine } from "../../machines/toolstack.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import { NO_SAVE_WORK } from "../../src/hypervisor/migration/saveWork.ts";
import { checkpointCases } from "./checkpointInputs.ts";
import { deviceCases } from "./deviceInputs.ts";
import type { MachineCase, Payload, Way } from "./machineCase.ts";
import { ABORTED, ABORTED_THEN_MIGRATED, MIGRATED_TWICE } from "./migrationWays.ts";
import { overcommitCases } from "./overcommitInputs.ts";
import { POSTCOPY_WAYS, postcopyCases, postcopyEvents } from "./postcopyInputs.ts";
import { sessionCase } from "./sessionInputs.ts";
import { uiCase } from "./uiInputs.ts";
import { unitCases } from "./unitInputs.ts";

export type { MachineCase, Way } from "./machineCase.ts";

const none: Payload = () => ({});
const reasons = [1, 12, 48, 49, 62];
const drainedLog = (n: number) => ({ vcpu: n % 2, logs: 1 + (n % 3) });
const exit: Payload = (n) => ({
  vcpu: n % 2,
  vm: 0,
  reason: reasons[n % 5],
  qualification: n % 4,
  page: n,
});

const estimatorBegins: Way = [
  ["prepareEstimation", 0],
  ["begun", 0],
  ["armed", 0],
  ["watchVm", 0],
  ["intervalDue", 0],
];

export const machineCases: Readonly<Record<string, MachineCase>> = {
  vcpu: {
    machine: vcpuMachine,
    input: { vcpu: 0, vm: 0, scheduler: 2, exitCycles: 6, entryCycles: 7 },
    events: {
      schedule: (n) => ({ vcpu: 0, pcpu: 0, mmu: n % 3, dispatcher: n % 5 }),
      guestStopped: exit,
      entryFailed: (n) => ({ failure: `failure ${n % 2}` }),
      resume: none,
      deschedule: (n) => ({ crashed: n % 2 === 0, waits: n % 3 === 0 }),
    },
  },
  mmu: {
    machine: mmuMachine,
    input: {
      pcpu: 0,
      self: 3,
      vcpus: [5, 6],
      units: [
        [7, 8],
        [9, 10],
      ],
    },
    events: {
      enterGuest: (n) => ({ vcpu: n % 2 }),
      continueGuest: none,
      kick: none,
      ranToHorizon: (n) => ({ elapsed: n }),
      filledLog: (n) => ({ elapsed: n, unit: { number: 1, message: "prlLogFilled" } }),
      logUnavailable: (n) => ({
        elapsed: n,
        unit: { number: 0, message: "pmlIndexOutOfRange" },
      }),
      workloadEnded: (n) => ({ elapsed: n }),
      accessExited: (n) => ({ elapsed: n, reason: reasons[n % 5], qualification: n, page: n }),
      entryRefused: () => ({ failure: "vpid-zero" }),
    },
  },
  ...unitCases,
  pvmCpu: {
    machine: pvmCpuMachine,
    input: {
      self: 3,
      units: [[5, 6]],
      interruptCycles: 4,
      reloadCycles: 3,
      handlerBudget: 2,
    },
    events: {
      ipi: (n) => ({ vector: 243, vcpu: n % 2 }),
      logsCopied: none,
      handlerDue: none,
      logsDrained: (n) => ({ drained: [drainedLog(n)], cycles: 2 * n, uncounted: n % 2 }),
      indexesReset: none,
      compute: (n) => ({ cycles: 1 + n, spent: n % 3, requester: 4 + (n % 2) }),
      jobDue: none,
      loadQuery: () => ({ requester: 1 }),
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
      pvTrackers: [0, 7],
      inveptCycles: 5,
      interruptCycles: 8,
    },
    events: {
      schedule: (n) => ({ vcpu: n % 2, pcpu: 0, mmu: 3, dispatcher: 4 }),
      inveptRequest: (n) => ({ vm: 0, tracker: n % 3 }),
      preempt: none,
      vmExit: exit,
      entryFailed: (n) => ({ failure: `failure ${n % 2}` }),
      handled: (n) => ({ fixed: n % 4 !== 0 }),
      invalidated: none,
      pvStored: (n) => ({ cycles: n }),
    },
  },
  tracker: {
    machine: trackerMachine,
    input: {
      vm: 0,
      self: 6,
      dispatchers: [3, 4],
      pager: 0,
      units: [
        [7, 0],
        [8, 0],
      ],
      skipInvept: false,
      armedTwice: "xen",
    },
    events: {
      arm: (n) => ({
        technique: ["none", "pml", "prl", "writeProtect"][n % 4],
        requester: 1 + (n % 2),
      }),
      harvest: (n) => ({
        mode: n % 2 === 0 ? "clean" : "peek",
        requester: 1,
        ...(n % 3 === 0 ? { live: true } : {}),
      }),
      disarm: () => ({ requester: 2 }),
      setRegion: (n) => ({ slot: n % 2, flags: n % 3, firstPage: n, pages: n % 4, userPage: n }),
      regionBegun: (n) => ({ cycles: n }),
      regionKept: none,
      regionCommitted: none,
      pieceDue: none,
      pieceDone: (n) => ({
        cycles: n,
        unit: ["none", "pml"][n % 2],
        answer: n % 3 === 0 ? { type: "armed", technique: "pml" } : null,
      }),
      flushNoted: none,
      inveptDone: (n) => ({ pcpu: n % 2 }),
      logFullExit: (n) => ({ vcpu: n % 2, dispatcher: 3 }),
      eptMisconfiguration: (n) => ({ vcpu: n % 2, page: n, dispatcher: 4 }),
      typesResolved: (n) => ({
        entries: n % 2,
        vcpu: n % 2,
        vcpus: [0, 1],
        dispatcher: 4,
        cycles: n,
      }),
      eptViolation: (n) => ({ vcpu: n % 2, page: n, qualification: n % 4, dispatcher: 4 }),
      pvWritten: (n) => ({ vcpu: n % 2, dispatcher: 3 }),
      ringFull: (n) => ({ dispatcher: 3 + (n % 2), cycles: n, drainedVcpu: (n % 2) - 1 }),
      reapDue: (n) => ({ drainedVcpu: (n % 2) - 1, dispatcher: 3 + (n % 2) }),
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
      descheduled: (n) => ({ vcpu: n % 3, halted: n % 4 === 0, waits: n % 5 < 2 }),
      wakeVcpu: (n) => ({ vcpu: n % 3 }),
      timesliceEnd: (n) => ({ pcpu: n % 2, slice: n % 3 }),
      pauseVm: (n) => ({ vm: n % 2, requester: 1 }),
      unpauseVm: (n) => ({ vm: n % 2 }),
      pauseVcpu: (n) => ({ vcpu: n % 3 }),
      unpauseVcpu: (n) => ({ vcpu: n % 3 }),
    },
  },
  session: sessionCase,
  operator: {
    machine: operatorMachine,
    input: { self: 9, scheduler: 2, trackers: [7, 8] },
    events: {
      harvestNow: (n) => ({ vm: n % 2 }),
      switchTracker: (n) => ({ vm: n % 2, technique: ["none", "pml", "prl"][n % 3] }),
      setWriteIntensity: (n) => ({ vm: n % 2, percent: n }),
      typeText: (n) => ({ vm: n % 2, text: `x${n}`, enter: n % 2 === 0 }),
      vmPaused: none,
      harvested: (n) => ({ pagesWritten: n % 2 === 0 ? n : null, pagesTouched: n }),
      disarmed: none,
      armed: () => ({ technique: "pml" }),
      armRefused: (n) => ({ vm: n % 2, error: "EINVAL", technique: "prl" }),
      intensitySet: none,
      textTyped: none,
    },
  },
  ui: uiCase,
  toolstack: {
    machine: toolstackMachine,
    input: {
      self: 1,
      scheduler: 2,
      trackers: [7],
      technique: "pml",
      harvestCycles: 50,
      deadlineCycles: 900,
      drainsDevices: true,
      live: true,
    },
    events: {
      begin: none,
      harvestBegun: (n) => ({ vm: n % 2 }),
      armed: () => ({ technique: "pml" }),
      armRefused: () => ({ vm: 0, error: "EINVAL", technique: "prl" }),
      disarmed: none,
      vmHalted: (n) => ({ vm: n % 2 }),
      vmPaused: (n) => ({ vm: n % 2 }),
      harvested: (n) => ({ pagesWritten: n, pagesTouched: null, guestPageTables: n % 2 }),
      harvestDue: none,
      deadline: none,
    },
  },
  migration: {
    machine: migrationMachine,
    input: {
      self: 1,
      scheduler: 2,
      sampler: 8,
      throttle: 9,
      sender: 10,
      receiver: 11,
      tracker: 7,
      vm: 0,
      vms: 2,
      technique: "pml",
      policy: {
        kind: "qemu",
        postcopy: { rounds: -1, preempt: false, maxBandwidth: 0 },
        release: "8.2",
        downtimeLimit: 0.3,
        maxRounds: 2,
        autoConverge: {
          initial: 20,
          increment: 10,
          max: 99,
          threshold: 50,
          tailslow: false,
          periodCycles: 1,
        },
      },
      latencyCycles: 3,
      cyclesPerByte: 0.5,
      save: NO_SAVE_WORK,
      batchPages: 4,
      startCycles: 10,
      repeats: 1,
      repeatCycles: 5,
      abortCycles: -1,
      linkFailCycles: 500,
      postcopyCycles: -1,
      recoverCycles: 50,
      settleCycles: 7,
      goOnCycles: -1,
      deadlineCycles: 900,
      drainsDevices: true,
      forgetsCleaned: false,
    },
    events: {
      begin: none,
      migrationDue: none,
      vmPaused: none,
      vmHalted: none,
      armed: none,
      armRefused: () => ({ vm: 0, error: "EINVAL", technique: "prl" }),
      harvested: none,
      disarmed: none,
      ...postcopyEvents,
      batchArrived: (n) => (n % 2 === 0 ? {} : { attempt: 1 }),
      destinationReady: (n) => (n % 2 === 0 ? {} : { attempt: 1 }),
      abortDue: none,
      linkDown: none,
      settled: none,
      deadline: none,
      clock: (n) => ({ now: n * 100_000_000 }),
      queued: (n) => ({ now: n * 100_000_000, found: n, pending: n }),
      stepFinished: none,
      batchTaken: (n) => ({
        now: n * 100_000_000,
        pages: n % 3,
        bytes: 4104 * (n % 3),
        pending: n % 2,
      }),
      compared: (n) => ({ now: n, firstDifference: (n % 3) - 1 }),
    },
    ways: [MIGRATED_TWICE, ABORTED, ABORTED_THEN_MIGRATED, ...POSTCOPY_WAYS],
  },
  throttle: {
    machine: throttleMachine,
    input: { self: 9, scheduler: 2, vm: 0, sliceCycles: 100 },
    events: {
      setThrottle: (n) => ({ percent: [0, 20, 99][n % 3] }),
      throttleSliceEnd: (n) => ({ turn: n % 3 }),
      throttleWake: (n) => ({ turn: n % 3 }),
      vmPaused: none,
    },
  },
  sampler: {
    machine: samplerMachine,
    input: { self: 8, vm: 0, intervalCycles: 50, samplesMax: 6 },
    events: { startSampling: none, sampleDue: none, counted: (n) => ({ accesses: n }) },
  },
  estimation: {
    machine: estimationMachine,
    input: {
      self: 1,
      scheduler: 2,
      estimators: [9, 10],
      pvmCpus: [7, 8],
      loadCycles: 50,
      deadlineCycles: 900,
    },
    events: {
      begin: none,
      estimatorReady: (n) => ({ vm: n % 2 }),
      loadDue: none,
      loadReport: (n) => ({ cpu: 7 + (n % 2), handlerCycles: n, jobCycles: 2 * n }),
      estimate: (n) => ({ vm: n % 2, pages: n }),
      deadline: none,
      vmHalted: (n) => ({ vm: n % 2 }),
      estimationEnded: (n) => ({ vm: n % 2 }),
    },
    ways: [
      [
        ["begin", 0],
        ["estimatorReady", 0],
        ["estimatorReady", 1],
        ["loadDue", 0],
        ["deadline", 0],
        ["estimationEnded", 0],
        ["estimationEnded", 1],
      ],
    ],
  },
  estimator: {
    machine: estimatorMachine,
    input: {
      vm: 1,
      self: 9,
      toolstack: 1,
      scheduler: 2,
      tracker: 6,
      pvmCpu: 7,
      rule: {
        kind: "prl",
        least: 1,
        stableIntervals: 1,
        follow: "none",
        generationIntervals: 1,
        continueWhenStable: false,
      },
      intervalCycles: 100,
      footprintPages: 3,
      bitmapWords: 2,
      wakeCycles: 5,
      scanCycles: 2,
    },
    events: {
      prepareEstimation: () => ({ requester: 1 }),
      begun: (n) => ({ sample: n % 2 === 0 ? null : [n] }),
      armed: () => ({ technique: "prl" }),
      armRefused: () => ({ vm: 0, error: "EINVAL", technique: "pml" }),
      watchVm: none,
      started: none,
      intervalDue: none,
      notDue: (n) => ({ wait: 1 + n }),
      due: (n) => ({
        time: n,
        truthPages: n,
        executedCycles: n,
        ask: [null, "clean", "peek"][n % 3],
        pause: n % 4 === 1,
        sample: n % 5 === 0 ? [n] : null,
      }),
      vmPaused: () => ({ vm: 1 }),
      harvested: (n) => ({
        pagesWritten: n % 2 === 0 ? n : null,
        pagesTouched: n % 2 === 0 ? null : n % 3,
        guestPageTables: n % 3,
        cycles: n,
      }),
      counted: (n) => ({ pages: n % 2, guestPageTables: n % 3, scanned: n }),
      forgotten: none,
      computed: none,
      disarmed: none,
      endEstimation: none,
    },
    ways: [
      [...estimatorBegins, ["due", 0], ["counted", 0], ["computed", 0], ["disarmed", 0]],
      [...estimatorBegins, ["due", 1], ["vmPaused", 0], ["harvested", 1], ["computed", 0]],
      [...estimatorBegins, ["due", 2], ["harvested", 3], ["computed", 0], ["intervalDue", 0]],
    ],
  },
  ...checkpointCases,
  ...overcommitCases,
  ...postcopyCases,
  ...deviceCases,
};
