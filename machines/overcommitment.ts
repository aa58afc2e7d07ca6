/**
 * The controller of an overcommitted host, a process in the pVM: has each VM's working set estimated,
 * and each interval decides how large each VM shall be and tells the balloons. Its decisions are jobs
 * of a CPU of the pVM.
 *
 *   state     | event                 | next      | emits
 *   ----------|-----------------------|-----------|------------------------------------------
 *   created   | begin                 | preparing | prepareEstimation to every estimator
 *   preparing | estimatorReady        | preparing | -
 *   preparing | estimatorReady, last  | running   | startVm, watchVm for every VM; timers; device: start
 *   running   | controlDue            | deciding  | compute to the pVM CPU; controlDue to itself
 *   deciding  | computed              | deciding  | device: decide
 *   deciding  | decided               | running   | setTarget to every balloon
 *   deciding  | controlDue            | deciding  | controlDue to itself: the decision is lost
 *   running   | deadline              | ending    | device: end; endEstimation to every estimator
 *   running   | vmHalted              | running   | device: halt
 *   running   | vmHalted, last        | ending    | device: halt, end; endEstimation to every estimator
 *   ending    | estimationEnded       | ending    | -
 *   ending    | estimationEnded, last | done      | -
 *   any       | estimate              | -         | -
 *   any       | started, haltNoted    | -         | ignored: nothing waits for it
 *   ending    | controlDue, computed  | -         | ignored: nothing more is decided
 *   ending    | deadline              | -         | ignored: the end has begun
 *
 * deadline and vmHalted do in "deciding" what they do in "running".
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
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const overcommitmentInput = {
  self: kind.actor,
  scheduler: kind.actor,
  estimators: kind.listBy("vm", kind.actor),
  balloons: kind.listBy("vm", kind.actor),
  pvmCpu: kind.actor,
  // Between two decisions.
  intervalCycles: kind.cycles,
  // Of one decision.
  decisionCycles: kind.cycles,
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
} as const satisfies kind.Fields;
export type OvercommitmentInput = kind.Values<typeof overcommitmentInput>;

const vmPoint = {
  // Pages that it has in hand, and those of them that have frames.
  size: kind.count,
  resident: kind.count,
  // What the controller asks for from here on.
  target: kind.count,
  // The newest estimate, and what the controller makes of it; null before the first.
  estimate: kind.count.nullable(),
  used: kind.count.nullable(),
  guestRefaults: kind.count,
  hostRefaults: kind.count,
  firstTouches: kind.count,
  waitCycles: kind.cycles,
  accesses: kind.count,
} as const satisfies kind.Fields;
/** One VM at a decision, or at the end. Counts are since the start. */
export type VmPoint = kind.Values<typeof vmPoint>;

const controlPoint = {
  // Cycles since the VMs started.
  time: kind.cycles,
  vms: kind.listBy("vm", kind.record(vmPoint)),
  freeFrames: kind.count,
} as const satisfies kind.Fields;
export type ControlPoint = kind.Values<typeof controlPoint>;

/** What its state holds besides its input. */
export const overcommitmentFields = {
  missing: kind.count,
  halted: kind.count,
  // In pages, by VM; -1 before the first.
  estimates: kind.listBy("vm", kind.countOrNone),
  points: kind.statistic(kind.list(kind.record(controlPoint))),
  decisions: kind.statistic(kind.count),
  lost: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface OvercommitmentContext
  extends OvercommitmentInput,
    kind.Values<typeof overcommitmentFields> {}

export type OvercommitmentRequest =
  | { readonly op: "start" }
  | { readonly op: "decide"; readonly estimates: readonly number[] }
  | { readonly op: "halt"; readonly vm: number }
  | { readonly op: "end"; readonly estimates: readonly number[] };

export type OvercommitmentReply =
  | { readonly type: "started" }
  | { readonly type: "decided"; readonly point: ControlPoint }
  | { readonly type: "haltNoted" }
  | { readonly type: "ended"; readonly point: ControlPoint };

type OvercommitmentEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "estimatorReady"
          | "controlDue"
          | "computed"
          | "estimate"
          | "deadline"
          | "vmHalted"
          | "estimationEnded";
      }
    >
  | OvercommitmentReply;

const { types, on } = machineTypes<
  OvercommitmentContext,
  OvercommitmentEvent,
  OvercommitmentInput,
  SendEmission | SendAllEmission | DeviceEmission<OvercommitmentRequest>
>();

export const overcommitmentMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.estimators.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteLost: assign({ lost: ({ context }) => context.lost + 1 }),
    noteEstimate: assign({
      estimates: on("estimate", ({ context, event: { vm, pages } }) =>
        context.estimates.with(vm, pages),
      ),
    }),
    noteDecision: assign(
      on("decided", ({ context, event }) => ({
        decisions: context.decisions + 1,
        points: [...context.points, event.point],
      })),
    ),
    noteEnd: assign(
      on("ended", ({ context, event }) => ({
        points: [...context.points, event.point],
      })),
    ),
    askStart: emit(() => request({ op: "start" })),
    askDecide: emit(({ context }) => request({ op: "decide", estimates: context.estimates })),
    askHalt: emit(on("vmHalted", ({ event }) => request({ op: "halt", vm: event.vm }))),
    askEnd: emit(({ context }) => request({ op: "end", estimates: context.estimates })),
    sendPrepares: emit(({ context }) => {
      const message = { type: "prepareEstimation", requester: context.self } as const;
      return sendAll(context.estimators.map((estimator) => send(estimator, message)));
    }),
    sendStarts: emit(({ context }) => {
      const { estimators, scheduler, self, deadlineCycles, intervalCycles } = context;
      return sendAll([
        ...estimators.map((_, vm) => send(scheduler, { type: "startVm", vm })),
        ...estimators.map((estimator) => send(estimator, { type: "watchVm" })),
        ...(deadlineCycles > 0 ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
        send(self, { type: "controlDue" }, intervalCycles),
      ]);
    }),
    sendDue: emit(({ context }) =>
      send(context.self, { type: "controlDue" }, context.intervalCycles),
    ),
    sendComputeAndDue: emit(({ context }) => {
      const { pvmCpu, self, decisionCycles: cycles, intervalCycles } = context;
      return sendAll([
        send(pvmCpu, { type: "compute", cycles, spent: 0, requester: self }),
        send(self, { type: "controlDue" }, intervalCycles),
      ]);
    }),
    sendTargets: emit(
      on("decided", ({ context, event }) => {
        const { vms } = event.point;
        return sendAll(
          vms.map(({ target }, vm) =>
            send(actorAt(context.balloons, vm), { type: "setTarget", pages: target }),
          ),
        );
      }),
    ),
    sendEnds: emit(({ context }) =>
      sendAll(context.estimators.map((estimator) => send(estimator, { type: "endEstimation" }))),
    ),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    allHalted: ({ context }) => context.halted + 1 === context.estimators.length,
  },
}).createMachine({
  id: "overcommitment",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    halted: 0,
    estimates: input.estimators.map(() => -1),
    points: [],
    decisions: 0,
    lost: 0,
  }),
  initial: "created",
  on: {
    estimate: { actions: "noteEstimate" },
    vmHalted: { actions: ["noteHalted", "askHalt"] },
    ended: { actions: "noteEnd" },
    started: ignored("nothing waits for it"),
    haltNoted: ignored("nothing waits for it"),
  },
  states: {
    created: {
      on: { begin: { target: "preparing", actions: ["expectAll", "sendPrepares"] } },
    },
    preparing: {
      on: {
        estimatorReady: [
          { guard: "isLast", target: "running", actions: ["noteAnswer", "askStart", "sendStarts"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    running: {
      on: {
        controlDue: { target: "deciding", actions: "sendComputeAndDue" },
        deadline: { target: "ending", actions: ["expectAll", "askEnd", "sendEnds"] },
        vmHalted: [
          {
            guard: "allHalted",
            target: "ending",
            actions: ["noteHalted", "askHalt", "expectAll", "askEnd", "sendEnds"],
          },
          { actions: ["noteHalted", "askHalt"] },
        ],
      },
    },
    deciding: {
      on: {
        computed: { actions: "askDecide" },
        decided: { target: "running", actions: ["noteDecision", "sendTargets"] },
        controlDue: { actions: ["noteLost", "sendDue"] },
        deadline: { target: "ending", actions: ["expectAll", "askEnd", "sendEnds"] },
        vmHalted: [
          {
            guard: "allHalted",
            target: "ending",
            actions: ["noteHalted", "askHalt", "expectAll", "askEnd", "sendEnds"],
          },
          { actions: ["noteHalted", "askHalt"] },
        ],
      },
    },
    ending: {
      on: {
        controlDue: ignored("nothing more is decided"),
        computed: ignored("nothing more is decided"),
        deadline: ignored("the end has begun"),
        estimationEnded: [
          { guard: "isLast", target: "done", actions: "noteAnswer" },
          { actions: "noteAnswer" },
        ],
      },
    },
    done: {},
  },
});
