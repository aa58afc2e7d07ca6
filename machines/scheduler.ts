/**
 * The scheduler: vCPUs take turns on the physical CPUs, round robin. A CPU is preempted at the end of
 * a timeslice only while somebody waits. CPUs of the pVM are not its business.
 *
 * One state; each event is a question about three lists: who runs where, who waits, which VMs are
 * paused. `plan` answers it, as a pure function of context and event; the actions apply the plan.
 *
 *   event        | effect
 *   -------------|-------------------------------------------------------------------------
 *   startVm      | its vCPUs wait; free CPUs are filled
 *   descheduled  | the CPU is free, the vCPU waits for a CPU unless halted, or sleeps until its page
 *                | is there; free CPUs are filled; vmPaused or vmHalted when it was the VM's last
 *   wakeVcpu     | the sleeping vCPU waits for a CPU; free CPUs are filled
 *   timesliceEnd | preempt to the dispatcher, if it is still that slice and somebody waits
 *   pauseVm      | its waiting vCPUs are held; preempt to the dispatchers of the running ones
 *   unpauseVm    | the held vCPUs wait again, if it was the last pause; free CPUs are filled; preempt to
 *                | the dispatchers of vCPUs that were given a CPU while one ahead of them was held
 *   pauseVcpu    | the vCPU is held; preempt to the dispatcher of its CPU if it runs
 *   unpauseVcpu  | as unpauseVm, for one vCPU
 *
 * VMs that are let go one after the other would else always run in the order of their numbers, and with pauses
 * more often than timeslices the last would never run (Xen's csched_vcpu_wake: a vCPU that has a better claim
 * than the one that runs preempts it, __runq_tickle).
 *
 * Pauses nest: a VM runs again when every pause is undone (Xen's domain_pause and its pause_count).
 */

import { assign, emit, setup } from "xstate";
import {
  actorAt,
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import { itemAt } from "../src/lookup.ts";

/** What it is set up with. */
export const schedulerInput = {
  self: kind.actor,
  toolstack: kind.actor,
  timesliceCycles: kind.cycles,
  mmus: kind.listBy("pcpu", kind.actor),
  dispatchers: kind.listBy("pcpu", kind.actor),
  // The VM of each vCPU.
  vmOfVcpu: kind.listBy("vcpu", kind.vm),
} as const satisfies kind.Fields;
export type SchedulerInput = kind.Values<typeof schedulerInput>;

const cpuSlot = {
  // The vCPU that runs here, or -1.
  vcpu: kind.vcpuOrNone,
  // Counts assignments, so that the timer of an earlier one is recognised.
  slice: kind.turn,
  // Its vCPU has been asked to leave it, for one that began to wait earlier.
  wanted: kind.flag,
} as const satisfies kind.Fields;
export type CpuSlot = kind.Values<typeof cpuSlot>;

/** What its state holds besides its input. */
export const schedulerFields = {
  cpus: kind.listBy("pcpu", kind.record(cpuSlot)),
  // vCPUs that wait for a CPU, first come first.
  waiting: kind.list(kind.vcpu),
  // Where there are not enough CPUs for all: vCPUs that run or wait, in the order in which they began to wait.
  turns: kind.list(kind.vcpu),
  halted: kind.list(kind.vcpu),
  // vCPUs that sleep until a page is there; and those that were woken before they had left their CPU.
  sleeping: kind.list(kind.vcpu),
  wokenEarly: kind.list(kind.vcpu),
  // Who asked for the pauses of a VM that hold now, by VM; empty = not paused.
  pausedBy: kind.listBy("vm", kind.list(kind.actor)),
  // vCPUs that the operator holds, one by one (Xen's vcpu_pause, for what a debugger does).
  held: kind.list(kind.vcpu),
} as const satisfies kind.Fields;

export interface SchedulerContext extends SchedulerInput, kind.Values<typeof schedulerFields> {}

type SchedulerEvent = Extract<
  Message,
  {
    type:
      | "startVm"
      | "descheduled"
      | "timesliceEnd"
      | "pauseVm"
      | "unpauseVm"
      | "pauseVcpu"
      | "unpauseVcpu"
      | "wakeVcpu";
  }
>;

type Changes = Partial<
  Pick<
    SchedulerContext,
    "cpus" | "waiting" | "turns" | "halted" | "sleeping" | "wokenEarly" | "pausedBy" | "held"
  >
>;

interface Plan {
  readonly changes: Changes;
  readonly sends: readonly SendEmission[];
}

function vcpusOf(context: SchedulerContext, vm: number): number[] {
  return context.vmOfVcpu.flatMap((owner, vcpu) => (owner === vm ? [vcpu] : []));
}

function isPaused(context: SchedulerContext, vcpu: number): boolean {
  return (
    context.held.includes(vcpu) ||
    itemAt(context.pausedBy, itemAt(context.vmOfVcpu, vcpu)).length > 0
  );
}

function isCrowded({ vmOfVcpu, cpus }: SchedulerContext): boolean {
  return vmOfVcpu.length > cpus.length;
}

/** These vCPUs begin to wait; the others, whatever they do, do so no more. */
function turnsAfter(
  context: SchedulerContext,
  beginning: readonly number[],
  ending: readonly number[] = [],
): readonly number[] {
  if (!isCrowded(context)) return context.turns;
  const others = context.turns.filter(
    (vcpu) => !beginning.includes(vcpu) && !ending.includes(vcpu),
  );
  return [...others, ...beginning];
}

/** Preempts vCPUs for those that began to wait before them, and were held when the CPU was given away. */
function preemptForPassedOver(context: SchedulerContext, before: Plan): Plan {
  if (!isCrowded(context)) return before;
  const current = { ...context, ...before.changes };
  const { turns, dispatchers } = current;
  const placeOf = (vcpu: number): number => turns.indexOf(vcpu);
  const later = current.cpus
    .flatMap(({ vcpu, wanted }, pcpu) =>
      vcpu < 0 || wanted || isPaused(current, vcpu) ? [] : [{ vcpu, pcpu }],
    )
    .sort((one, other) => placeOf(other.vcpu) - placeOf(one.vcpu));
  const sends = [...before.sends];
  const cpus = [...current.cpus];
  for (const waiting of current.waiting) {
    const [last] = later;
    if (last === undefined || isPaused(current, waiting)) continue;
    if (placeOf(last.vcpu) < placeOf(waiting)) continue;
    later.shift();
    cpus[last.pcpu] = { ...itemAt(cpus, last.pcpu), wanted: true };
    sends.push(send(actorAt(dispatchers, last.pcpu), { type: "preempt" }));
  }
  return { changes: { ...before.changes, cpus }, sends };
}

/** Gives free CPUs to waiting vCPUs of VMs that are not paused. */
function fillCpus(context: SchedulerContext, before: Plan): Plan {
  const current = { ...context, ...before.changes };
  const cpus = [...current.cpus];
  const waiting = [...current.waiting];
  const sends = [...before.sends];
  const crowded = isCrowded(context);
  for (let pcpu = 0; pcpu < cpus.length; pcpu++) {
    if (itemAt(cpus, pcpu).vcpu >= 0) continue;
    const next = waiting.findIndex((vcpu) => !isPaused(current, vcpu));
    if (next < 0) break;
    const vcpu = itemAt(waiting.splice(next, 1), 0);
    const slice = itemAt(cpus, pcpu).slice + 1;
    cpus[pcpu] = { vcpu, slice, wanted: false };
    const mmu = actorAt(context.mmus, pcpu);
    const dispatcher = actorAt(context.dispatchers, pcpu);
    sends.push(send(dispatcher, { type: "schedule", vcpu, pcpu, mmu, dispatcher }));
    if (crowded) {
      sends.push(
        send(context.self, { type: "timesliceEnd", pcpu, slice }, context.timesliceCycles),
      );
    }
  }
  return { changes: { ...before.changes, cpus, waiting }, sends };
}

function planDescheduled(
  context: SchedulerContext,
  { vcpu, halted, waits }: Extract<SchedulerEvent, { type: "descheduled" }>,
): Plan {
  const vm = itemAt(context.vmOfVcpu, vcpu);
  const cpus = context.cpus.map((slot) =>
    slot.vcpu === vcpu ? { ...slot, vcpu: -1, wanted: false } : slot,
  );
  const next = afterTurn(context, vcpu, halted, waits);
  const changes = { cpus, ...next, ...inTurn(context, vcpu, next) };
  const after = { ...context, ...changes };
  const sends: SendEmission[] = [];
  const members = vcpusOf(context, vm);
  if (halted && members.every((member) => after.halted.includes(member))) {
    sends.push(send(context.toolstack, { type: "vmHalted", vm }));
  }
  const stillRuns = cpus.some((slot) => members.includes(slot.vcpu));
  // As the VM ran until now, nobody who asked has been answered yet.
  const paused = stillRuns ? [] : itemAt(context.pausedBy, vm);
  for (const requester of paused) sends.push(send(requester, { type: "vmPaused", vm }));
  return fillCpus(context, { changes, sends });
}

/** The order of those who run or wait, once a vCPU has left its CPU. One that has made way for another keeps its place. */
function inTurn(context: SchedulerContext, vcpu: number, { waiting }: Changes): Changes {
  if (waiting === undefined) return { turns: turnsAfter(context, [], [vcpu]) };
  const { turns, cpus } = context;
  const hasMadeWay = cpus.some((slot) => slot.vcpu === vcpu && slot.wanted);
  if (!hasMadeWay) return { turns: turnsAfter(context, [vcpu]) };
  return { waiting: waiting.toSorted((one, other) => turns.indexOf(one) - turns.indexOf(other)) };
}

/** Where a vCPU goes that has left its CPU. */
function afterTurn(
  context: SchedulerContext,
  vcpu: number,
  halted: boolean,
  waits: boolean,
): Changes {
  if (halted) return { halted: [...context.halted, vcpu] };
  const wokenEarly = context.wokenEarly.filter((woken) => woken !== vcpu);
  if (waits && wokenEarly.length === context.wokenEarly.length) {
    return { sleeping: [...context.sleeping, vcpu] };
  }
  return { wokenEarly, waiting: [...context.waiting, vcpu] };
}

function planWake(
  context: SchedulerContext,
  { vcpu }: Extract<SchedulerEvent, { type: "wakeVcpu" }>,
): Plan {
  if (!context.sleeping.includes(vcpu)) {
    return { changes: { wokenEarly: [...context.wokenEarly, vcpu] }, sends: [] };
  }
  const sleeping = context.sleeping.filter((sleeper) => sleeper !== vcpu);
  return fillCpus(context, {
    changes: { sleeping, waiting: [...context.waiting, vcpu], turns: turnsAfter(context, [vcpu]) },
    sends: [],
  });
}

function planPause(
  context: SchedulerContext,
  { vm, requester }: Extract<SchedulerEvent, { type: "pauseVm" }>,
): Plan {
  const before = itemAt(context.pausedBy, vm);
  const pausedBy = context.pausedBy.with(vm, [...before, requester]);
  const members = vcpusOf(context, vm);
  const running = context.cpus.flatMap(({ vcpu }, pcpu) => (members.includes(vcpu) ? [pcpu] : []));
  const sends =
    running.length === 0
      ? [send(requester, { type: "vmPaused", vm })]
      : running
          .filter(() => before.length === 0)
          .map((pcpu) => send(actorAt(context.dispatchers, pcpu), { type: "preempt" }));
  return { changes: { pausedBy }, sends };
}

/** vCPUs that were held may run again. */
function planLetGo(context: SchedulerContext, changes: Changes): Plan {
  return preemptForPassedOver(context, fillCpus(context, { changes, sends: [] }));
}

function planPauseVcpu(context: SchedulerContext, vcpu: number): Plan {
  if (context.held.includes(vcpu)) return { changes: {}, sends: [] };
  const pcpu = context.cpus.findIndex((slot) => slot.vcpu === vcpu);
  const sends = pcpu < 0 ? [] : [send(actorAt(context.dispatchers, pcpu), { type: "preempt" })];
  return { changes: { held: [...context.held, vcpu] }, sends };
}

function planTimesliceEnd(
  context: SchedulerContext,
  { pcpu, slice }: Extract<SchedulerEvent, { type: "timesliceEnd" }>,
): Plan {
  const slot = itemAt(context.cpus, pcpu);
  if (slot.vcpu < 0 || slot.slice !== slice) return { changes: {}, sends: [] };
  if (context.waiting.some((vcpu) => !isPaused(context, vcpu))) {
    return { changes: {}, sends: [send(actorAt(context.dispatchers, pcpu), { type: "preempt" })] };
  }
  const again = { type: "timesliceEnd", pcpu, slice } as const;
  return { changes: {}, sends: [send(context.self, again, context.timesliceCycles)] };
}

function plan(context: SchedulerContext, event: SchedulerEvent): Plan {
  switch (event.type) {
    case "startVm": {
      const starting = vcpusOf(context, event.vm);
      const waiting = [...context.waiting, ...starting];
      const turns = turnsAfter(context, starting);
      return fillCpus(context, { changes: { waiting, turns }, sends: [] });
    }
    case "unpauseVm": {
      const left = itemAt(context.pausedBy, event.vm).slice(1);
      return planLetGo(context, { pausedBy: context.pausedBy.with(event.vm, left) });
    }
    case "descheduled":
      return planDescheduled(context, event);
    case "pauseVm":
      return planPause(context, event);
    case "pauseVcpu":
      return planPauseVcpu(context, event.vcpu);
    case "unpauseVcpu": {
      const held = context.held.filter((vcpu) => vcpu !== event.vcpu);
      return planLetGo(context, { held });
    }
    case "timesliceEnd":
      return planTimesliceEnd(context, event);
    case "wakeVcpu":
      return planWake(context, event);
  }
}

const { types } = machineTypes<SchedulerContext, SchedulerEvent, SchedulerInput, SendAllEmission>();

export const schedulerMachine = setup({
  types,
  actions: {
    // The sends come first: they and the changes follow from the same context.
    sendPlan: emit(({ context, event }) => sendAll(plan(context, event).sends)),
    applyPlan: assign(({ context, event }) => plan(context, event).changes),
  },
}).createMachine({
  id: "scheduler",
  context: ({ input }) => ({
    ...input,
    cpus: input.mmus.map(() => ({ vcpu: -1, slice: 0, wanted: false })),
    waiting: [],
    turns: [],
    halted: [],
    held: [],
    sleeping: [],
    wokenEarly: [],
    pausedBy: Array.from({ length: Math.max(-1, ...input.vmOfVcpu) + 1 }, () => []),
  }),
  initial: "scheduling",
  states: {
    scheduling: {
      on: {
        startVm: { actions: ["sendPlan", "applyPlan"] },
        descheduled: { actions: ["sendPlan", "applyPlan"] },
        timesliceEnd: { actions: ["sendPlan", "applyPlan"] },
        pauseVm: { actions: ["sendPlan", "applyPlan"] },
        pauseVcpu: { actions: ["sendPlan", "applyPlan"] },
        unpauseVcpu: { actions: ["sendPlan", "applyPlan"] },
        unpauseVm: { actions: ["sendPlan", "applyPlan"] },
        wakeVcpu: { actions: ["sendPlan", "applyPlan"] },
      },
    },
  },
});
