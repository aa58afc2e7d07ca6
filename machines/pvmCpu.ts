/**
 * A CPU of the privileged VM, with external-interrupt exiting on, so that the log-full interrupt lands
 * in VMX root (VEE21 3.3). While the handler runs the vector is masked: interrupts that arrive set its
 * pending bit, once, however many there are. Its processes take turns, first come first served; the
 * handler preempts them.
 *
 * A guest that fills its log again while the handler works would keep it for ever. So it serves so many
 * times in a row, and then leaves the CPU to the processes for as long as it has taken, with the vector
 * masked: what Linux does with softirqs (kernel/softirq.c: MAX_SOFTIRQ_RESTART, then ksoftirqd, a thread
 * like others) and with a device that is polled (net/core/dev.c: net_rx_action's budget; the interrupt
 * stays off until a poll finds less than its weight).
 *
 * Where a unit leaves counting to a process (VEE21 figure 5: step 5, after the reset), what was copied becomes a job of this
 * CPU's own: logging goes on meanwhile. What is copied while such a job waits is counted in it.
 *
 *   state    | event        | next     | emits
 *   ---------|--------------|----------|--------------------------------------------------
 *   guest    | ipi          | handling | device: drain (a: mask, b: copy every full log)
 *   handling | ipi          | handling | -
 *   handling | logsDrained  | handling | logsCopied to itself, after the handler's time
 *   handling | logsCopied   | handling | device: reset (c: indexes in the VMCS regions)
 *   handling | indexesReset | guest    | remoteReload to each unit (d); (e: unmask); jobDue of a
 *            |              |          | job that waits, here and below
 *   handling | indexesReset, pending | handling | remoteReload to each, device: drain
 *   handling | indexesReset, pending, budget spent | deferred | remoteReload to each; handlerDue to itself,
 *            |              |          | after as long as the handler has taken
 *   deferred | ipi          | deferred | -
 *   deferred | handlerDue   | handling | device: drain
 *   guest, deferred | compute | -      | jobDue to itself, after the job's time; if busy, nothing
 *   handling | compute      | handling | -: the job begins when the handler leaves the CPU
 *   any      | jobDue       | -        | computed to its process; jobDue of the next job
 *   any      | jobDue, preempted | -   | jobDue to itself, after the time that the handler took
 *   any      | jobDue of counting | -  | jobDue of the next job
 *   any      | loadQuery    | -        | loadReport to the toolstack
 */

import { assign, emit, setup } from "xstate";
import {
  actorAt,
  type DeviceEmission,
  request,
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import { itemAt } from "../src/lookup.ts";

/** What it is set up with. */
export const pvmCpuInput = {
  self: kind.actor,
  // The vCPUs' page-logging units that interrupt it, those of each sort by vCPU.
  units: kind.list(kind.listBy("vcpu", kind.actor)),
  // Exit and entry around the handler, and its own fixed part, in cycles.
  interruptCycles: kind.cycles,
  // Until a remote processor has reloaded, in cycles.
  reloadCycles: kind.cycles,
  // How often the handler serves in a row before processes get the CPU, at least 1.
  handlerBudget: kind.count,
} as const satisfies kind.Fields;
export type PvmCpuInput = kind.Values<typeof pvmCpuInput>;

const job = {
  requester: kind.actor,
  cycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;
export type Job = kind.Values<typeof job>;

const drainedLog = { vcpu: kind.vcpu, logs: kind.count } as const satisfies kind.Fields;
export type DrainedLog = kind.Values<typeof drainedLog>;

/** Of a number of cycles: whether there are any. */
const SOME_OR_NONE = {
  of: (cycles: number) => Math.min(cycles, 1),
  alike: (cycles: number, more: number) => (cycles > 0 ? cycles + more : 0),
};

/** What its state holds besides its input. */
export const pvmCpuFields = {
  // The log-full vector's pending bit.
  pending: kind.flag,
  // vCPUs whose logs the handler is copying, and which of their logs (a bit each).
  drained: kind.deadIn(kind.setBy("vcpu", kind.record(drainedLog)), "guest", "deferred"),
  ipis: kind.statistic(kind.count),
  // Interrupts that found the pending bit already set.
  coalesced: kind.statistic(kind.count),
  handlerRuns: kind.statistic(kind.count),
  // How often the handler has served since processes had the CPU, and the cycles that it has taken.
  inARow: kind.count,
  rowCycles: kind.statistic(kind.cycles),
  logsServed: kind.statistic(kind.count),
  handlerCycles: kind.statistic(kind.cycles),
  // What counting will take of what the handler is copying: whether anything.
  uncountedCycles: kind.deadIn(kind.mattersAs(kind.cycles, SOME_OR_NONE), "guest", "deferred"),
  // Processes' work, the one under way first. Whose requester is this CPU counts what was copied.
  jobs: kind.list(kind.record(job)),
  // Whether the first has begun: one that comes while the handler runs has not.
  working: kind.flag,
  // What the handler has taken from the job under way: whether anything.
  preemptedCycles: kind.mattersAs(kind.cycles, SOME_OR_NONE),
  // Work of processes since the start, hypercalls included; and the hypercalls alone.
  jobCycles: kind.statistic(kind.cycles),
  hypercallCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface PvmCpuContext extends PvmCpuInput, kind.Values<typeof pvmCpuFields> {}

export type PvmCpuRequest =
  | { readonly op: "drain" }
  | { readonly op: "reset"; readonly drained: readonly DrainedLog[] };

export type PvmCpuReply =
  | {
      readonly type: "logsDrained";
      readonly drained: readonly DrainedLog[];
      /** Of copying their entries; and of counting them, where a process does it after the reset. */
      readonly cycles: number;
      readonly uncounted: number;
    }
  | { readonly type: "indexesReset" };

type PvmCpuEvent =
  | Extract<
      Message,
      { type: "ipi" | "logsCopied" | "handlerDue" | "compute" | "jobDue" | "loadQuery" }
    >
  | PvmCpuReply;
type Drained = EventOf<PvmCpuEvent, "logsDrained">;

function handlerCycles(context: PvmCpuContext, { cycles }: Drained): number {
  return context.interruptCycles + cycles;
}

function reloads({ drained, units, reloadCycles }: PvmCpuContext): SendEmission[] {
  return drained.flatMap(({ vcpu }) =>
    units.map((sort) => send(actorAt(sort, vcpu), { type: "remoteReload" }, reloadCycles)),
  );
}

/** With what was copied: in the job of counting that waits, else in a new one. */
function withCounting({ self, jobs, working, uncountedCycles }: PvmCpuContext): readonly Job[] {
  if (uncountedCycles === 0) return jobs;
  const last = jobs.findLastIndex(({ requester }) => requester === self);
  const begun = working ? 0 : -1;
  if (last <= begun) return [...jobs, { requester: self, cycles: uncountedCycles }];
  return jobs.map((one, at) =>
    at === last ? { ...one, cycles: one.cycles + uncountedCycles } : one,
  );
}

const { types, on } = machineTypes<
  PvmCpuContext,
  PvmCpuEvent,
  PvmCpuInput,
  SendEmission | SendAllEmission | DeviceEmission<PvmCpuRequest>
>();

export const pvmCpuMachine = setup({
  types,
  actions: {
    countIpi: assign({ ipis: ({ context }) => context.ipis + 1 }),
    setPending: assign(({ context }) => ({
      pending: true,
      coalesced: context.coalesced + (context.pending ? 1 : 0),
    })),
    clearPending: assign({ pending: false }),
    noteDrained: assign(
      on("logsDrained", ({ context, event }) => {
        const { drained } = event;
        const stolen = context.working ? handlerCycles(context, event) : 0;
        return {
          drained,
          uncountedCycles: event.uncounted,
          preemptedCycles: context.preemptedCycles + stolen,
          handlerRuns: context.handlerRuns + 1,
          inARow: context.inARow + 1,
          rowCycles: context.rowCycles + handlerCycles(context, event),
          logsServed: context.logsServed + drained.length,
          handlerCycles: context.handlerCycles + handlerCycles(context, event),
        };
      }),
    ),
    endRow: assign({ inARow: 0, rowCycles: 0 }),
    noteCounting: assign(({ context }) => ({
      jobs: withCounting(context),
      jobCycles: context.jobCycles + context.uncountedCycles,
      uncountedCycles: 0,
    })),
    noteJob: assign(
      on("compute", ({ context, event: { requester, cycles, spent } }) => ({
        jobs: [...context.jobs, { requester, cycles }],
        jobCycles: context.jobCycles + cycles + spent,
        hypercallCycles: context.hypercallCycles + spent,
      })),
    ),
    beginWork: assign({ working: ({ context }) => context.jobs.length > 0 }),
    // The next begins at once.
    forgetJob: assign(({ context }) => ({
      jobs: context.jobs.slice(1),
      working: context.jobs.length > 1,
    })),
    forgetPreemption: assign({ preemptedCycles: 0 }),
    sendJobDue: emit(
      on("compute", ({ context, event }) => send(context.self, { type: "jobDue" }, event.cycles)),
    ),
    sendRestDue: emit(({ context }) =>
      send(context.self, { type: "jobDue" }, context.preemptedCycles),
    ),
    sendComputed: emit(({ context: { self, jobs } }) => {
      const { requester } = itemAt(jobs, 0);
      // Nobody waits for counting.
      return requester === self ? sendAll([]) : send(requester, { type: "computed" });
    }),
    sendNextDue: emit(({ context }) =>
      send(context.self, { type: "jobDue" }, itemAt(context.jobs, 0).cycles),
    ),
    sendLoad: emit(
      on("loadQuery", ({ context, event }) => {
        const { self: cpu, handlerCycles, jobCycles } = context;
        const { requester } = event;
        return send(requester, { type: "loadReport", cpu, handlerCycles, jobCycles });
      }),
    ),
    askDrain: emit(() => request({ op: "drain" })),
    askReset: emit(({ context }) => request({ op: "reset", drained: context.drained })),
    sendCopied: emit(
      on("logsDrained", ({ context, event }) =>
        send(context.self, { type: "logsCopied" }, handlerCycles(context, event)),
      ),
    ),
    sendReloads: emit(({ context }) => sendAll(reloads(context))),
    sendReloadsAndDue: emit(({ context }) => {
      const { self, rowCycles } = context;
      return sendAll([...reloads(context), send(self, { type: "handlerDue" }, rowCycles)]);
    }),
    sendWaitingDue: emit(({ context: { self, jobs, working } }) =>
      sendAll(
        jobs.slice(0, working ? 0 : 1).map(({ cycles }) => send(self, { type: "jobDue" }, cycles)),
      ),
    ),
  },
  guards: {
    isPending: ({ context }) => context.pending,
    hasSpentBudget: ({ context }) => context.pending && context.inARow >= context.handlerBudget,
    isIdle: ({ context }) => context.jobs.length === 0,
    wasPreempted: ({ context }) => context.preemptedCycles > 0,
    hasNext: ({ context }) => context.jobs.length > 1,
    hasJob: ({ context }) => context.jobs.length === 1,
  },
}).createMachine({
  id: "pvmCpu",
  context: ({ input }) => ({
    ...input,
    pending: false,
    drained: [],
    ipis: 0,
    coalesced: 0,
    handlerRuns: 0,
    inARow: 0,
    rowCycles: 0,
    logsServed: 0,
    handlerCycles: 0,
    uncountedCycles: 0,
    jobs: [],
    working: false,
    preemptedCycles: 0,
    jobCycles: 0,
    hypercallCycles: 0,
  }),
  initial: "guest",
  on: {
    compute: [
      { guard: "isIdle", actions: ["noteJob", "beginWork", "sendJobDue"] },
      { actions: "noteJob" },
    ],
    jobDue: [
      { guard: "wasPreempted", actions: ["sendRestDue", "forgetPreemption"] },
      { guard: "hasNext", actions: ["sendComputed", "forgetJob", "sendNextDue"] },
      { guard: "hasJob", actions: ["sendComputed", "forgetJob"] },
    ],
    loadQuery: { actions: "sendLoad" },
  },
  states: {
    guest: {
      on: { ipi: { target: "handling", actions: ["countIpi", "askDrain"] } },
    },
    handling: {
      on: {
        compute: { actions: "noteJob" },
        ipi: { actions: ["countIpi", "setPending"] },
        logsDrained: { actions: ["noteDrained", "sendCopied"] },
        logsCopied: { actions: "askReset" },
        indexesReset: [
          {
            guard: "hasSpentBudget",
            target: "deferred",
            actions: ["noteCounting", "sendReloadsAndDue", "endRow", "sendWaitingDue", "beginWork"],
          },
          {
            guard: "isPending",
            actions: ["noteCounting", "sendReloads", "clearPending", "askDrain"],
          },
          {
            target: "guest",
            actions: ["noteCounting", "sendReloads", "endRow", "sendWaitingDue", "beginWork"],
          },
        ],
      },
    },
    // Masked, and not at work: what is pending waits.
    deferred: {
      on: {
        ipi: { actions: ["countIpi", "setPending"] },
        handlerDue: { target: "handling", actions: ["clearPending", "askDrain"] },
      },
    },
  },
});
