/**
 * The process in the pVM that estimates one VM's working-set size. What differs between estimators is
 * in src/hypervisor/wss/estimation.ts: whether the tracker is asked, and what is made of its answer.
 * The process's own work is a job of its pVM CPU; the estimate is there when the job is done.
 *
 *   state      | event             | next       | emits
 *   -----------|-------------------|------------|----------------------------------------------
 *   created    | prepareEstimation | arming     | device: begin (a first sample is drawn)
 *   arming     | begun             | arming     | arm to the tracker
 *   arming     | begun, truth      | ready      | estimatorReady to the toolstack
 *   arming     | armed             | ready      | estimatorReady to the toolstack
 *   arming     | armRefused        | arming     | disarm to the tracker
 *   arming     | disarmed          | arming     | arm to the tracker
 *   ready      | watchVm           | sleeping   | device: start; intervalDue to itself
 *   sleeping   | intervalDue       | sleeping   | device: look
 *   sleeping   | notDue            | sleeping   | intervalDue to itself, in what the VM still has to run
 *   sleeping   | due               | reading    | device: read; intervalDue to itself
 *   sleeping   | due, asks         | harvesting | harvest to the tracker; intervalDue
 *   sleeping   | due, pauses       | pausing    | pauseVm to the scheduler; intervalDue
 *   pausing    | vmPaused          | harvesting | harvest to the tracker
 *   harvesting | harvested         | computing  | compute to the pVM CPU; unpauseVm if it was paused
 *   reading    | counted           | computing  | compute to the pVM CPU; device: forget
 *   reading    | counted, truth    | sleeping   | estimate to the toolstack
 *   computing  | computed          | sleeping   | estimate to the toolstack
 *   computing  | computed, ends    | closing    | estimate; disarm to the tracker (VEE21 fig. 5, step 6)
 *   computing  | computed, ending  | done       | estimate, estimationEnded to the toolstack
 *   closing    | disarmed          | ended      | -
 *   closing    | disarmed, ending  | done       | estimationEnded to the toolstack
 *   ended      | intervalDue       | ended      | device: look (the truth goes on; the estimate stays)
 *   ended      | due               | ended      | intervalDue to itself
 *   ended      | notDue            | ended      | intervalDue to itself, in what the VM still has to run
 *   resting    | endEstimation     | done       | estimationEnded to the toolstack
 *   busy       | endEstimation     | -          | - (noted: ending)
 *   busy       | intervalDue       | -          | intervalDue to itself: the interval is lost
 *   done       | intervalDue       | done       | ignored: the estimation is over
 *   any        | started, forgotten | -         | ignored: nothing waits for it
 *
 * "resting" stands for ready, sleeping and ended, "busy" for the others.
 */
import { assign, emit, setup } from "xstate";
import {
  endsPeriod,
  isTruth,
  PROGRESS_BEGIN,
  type Step,
  stepOf,
  techniqueOf,
  wordsOf,
} from "../src/hypervisor/wss/estimation.ts";
import {
  type DeviceEmission,
  request,
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import {
  type EstimatorContext,
  type EstimatorInput,
  type EstimatorReply,
  type EstimatorRequest,
  NO_POINT,
} from "./estimatorContext.ts";

type EstimatorEvent =
  | Extract<
      Message,
      {
        type:
          | "prepareEstimation"
          | "armed"
          | "armRefused"
          | "watchVm"
          | "intervalDue"
          | "vmPaused"
          | "harvested"
          | "computed"
          | "disarmed"
          | "endEstimation";
      }
    >
  | EstimatorReply;
/** What was counted: by the tracker, or in the bitmap. */
type Reading = EventOf<EstimatorEvent, "harvested" | "counted">;

function counted(event: Reading): { pages: number; guestPageTables: number } {
  if (event.type === "counted") return event;
  const { pagesTouched, pagesWritten, guestPageTables } = event;
  return { pages: pagesTouched ?? pagesWritten ?? 0, guestPageTables };
}

function stepAfter({ rule, progress, interval }: EstimatorContext, event: Reading): Step {
  return stepOf(rule, progress, { pages: counted(event).pages, interval });
}

function withFootprint(estimate: number | null, footprint: number): number | null {
  return estimate === null ? null : estimate + footprint;
}

const { types, on } = machineTypes<
  EstimatorContext,
  EstimatorEvent,
  EstimatorInput,
  SendEmission | SendAllEmission | DeviceEmission<EstimatorRequest>
>();

export const estimatorMachine = setup({
  types,
  actions: {
    noteSample: assign({ sample: on("begun", ({ event }) => event.sample) }),
    noteDue: assign(
      on("due", ({ context, event: { time, truthPages, executedCycles, ask, pause, sample } }) => ({
        interval: context.interval + 1,
        ask,
        pause,
        sample,
        point: { ...NO_POINT, time, truthPages, executedCycles, pages: context.point.pages },
      })),
    ),
    noteReading: assign(
      on(["harvested", "counted"], ({ context, event }) => {
        const { progress, stable, ends, forget } = stepAfter(context, event);
        const { pages, guestPageTables } = counted(event);
        const estimate = withFootprint(progress.estimate, context.footprintPages);
        const scanned =
          event.type === "counted" ? event.scanned : wordsOf(context.rule, context.bitmapWords);
        const spent = event.type === "harvested" ? event.cycles : 0;
        const emptied = forget === "nothing" ? 0 : scanned;
        const work = context.wakeCycles + (scanned + emptied) * context.scanCycles;
        const pvmCycles = isTruth(context.rule) ? 0 : work + spent;
        const point = { ...context.point, counted: pages, guestPageTables, stable, pvmCycles };
        return { progress, ends, forget, spent, point: { ...point, pages: estimate } };
      }),
    ),
    notePoint: assign(({ context }) => {
      const { point, points, stableAt } = context;
      const first = point.stable && stableAt < 0;
      return { points: [...points, point], stableAt: first ? point.time : stableAt };
    }),
    noteEnding: assign({ ending: true }),
    noteLost: assign({ lost: ({ context }) => context.lost + 1 }),
    askBegin: emit(() => request({ op: "begin" })),
    askStart: emit(() => request({ op: "start" })),
    askLook: emit(({ context }) => {
      const interval = context.interval + 1;
      return request({ op: "look", interval, draw: endsPeriod(context.rule, interval) });
    }),
    askRead: emit(() => request({ op: "read" })),
    askForget: emit(({ context }) => request({ op: "forget", what: context.forget })),
    sendArm: emit(({ context }) => {
      const { rule, self: requester, sample } = context;
      const message = { type: "arm", technique: techniqueOf(rule), requester } as const;
      return send(context.tracker, sample === null ? message : { ...message, pages: sample });
    }),
    sendReady: emit(({ context }) =>
      send(context.toolstack, { type: "estimatorReady", vm: context.vm }),
    ),
    sendTimer: emit(({ context }) =>
      send(context.self, { type: "intervalDue" }, context.intervalCycles),
    ),
    sendRest: emit(
      on("notDue", ({ context, event }) => send(context.self, { type: "intervalDue" }, event.wait)),
    ),
    sendPause: emit(({ context }) => {
      const { vm, self: requester } = context;
      return send(context.scheduler, { type: "pauseVm", vm, requester });
    }),
    sendUnpause: emit(({ context }) =>
      send(context.scheduler, { type: "unpauseVm", vm: context.vm }),
    ),
    sendHarvest: emit(({ context }) => {
      const { self: requester, sample, ask } = context;
      const message = { type: "harvest", mode: ask ?? "peek", requester } as const;
      return send(context.tracker, sample === null ? message : { ...message, pages: sample });
    }),
    sendCompute: emit(({ context }) => {
      const { point, spent, self: requester } = context;
      const cycles = point.pvmCycles - spent;
      return send(context.pvmCpu, { type: "compute", cycles, spent, requester });
    }),
    sendEstimate: emit(({ context }) => {
      const { vm, point } = context;
      const estimate = { type: "estimate", vm, pages: point.pages ?? 0 } as const;
      return sendAll(point.pages === null ? [] : [send(context.toolstack, estimate)]);
    }),
    sendDisarm: emit(({ context }) =>
      send(context.tracker, { type: "disarm", requester: context.self }),
    ),
    sendEnded: emit(({ context }) =>
      send(context.toolstack, { type: "estimationEnded", vm: context.vm }),
    ),
  },
  guards: {
    isTruth: ({ context }) => isTruth(context.rule),
    pauses: on("due", ({ event }) => event.pause),
    asks: on("due", ({ event }) => event.ask !== null),
    hasPaused: ({ context }) => context.pause,
    hasEnded: ({ context }) => context.ends,
    isEnding: ({ context }) => context.ending,
  },
}).createMachine({
  id: "estimator",
  context: ({ input }) => ({
    ...input,
    progress: PROGRESS_BEGIN,
    interval: 0,
    lost: 0,
    sample: null,
    ask: null,
    pause: false,
    point: NO_POINT,
    ends: false,
    forget: "nothing",
    spent: 0,
    ending: false,
    points: [],
    stableAt: -1,
  }),
  initial: "created",
  on: {
    intervalDue: { actions: ["noteLost", "sendTimer"] },
    endEstimation: { actions: "noteEnding" },
    started: ignored("nothing waits for it"),
    forgotten: ignored("nothing waits for it"),
  },
  states: {
    created: {
      on: { prepareEstimation: { target: "arming", actions: "askBegin" } },
    },
    arming: {
      on: {
        begun: [
          { guard: "isTruth", target: "ready", actions: "sendReady" },
          { actions: ["noteSample", "sendArm"] },
        ],
        armed: { target: "ready", actions: "sendReady" },
        // Somebody else has armed it: off, and on again (xg_sr_save.c, enable_logdirty).
        armRefused: { actions: "sendDisarm" },
        disarmed: { actions: "sendArm" },
      },
    },
    ready: {
      on: {
        watchVm: { target: "sleeping", actions: ["askStart", "sendTimer"] },
        endEstimation: { target: "done", actions: "sendEnded" },
      },
    },
    sleeping: {
      on: {
        intervalDue: { actions: "askLook" },
        notDue: { actions: "sendRest" },
        due: [
          { guard: "pauses", target: "pausing", actions: ["noteDue", "sendTimer", "sendPause"] },
          { guard: "asks", target: "harvesting", actions: ["noteDue", "sendTimer", "sendHarvest"] },
          { target: "reading", actions: ["noteDue", "sendTimer", "askRead"] },
        ],
        endEstimation: { target: "done", actions: "sendEnded" },
      },
    },
    pausing: {
      on: { vmPaused: { target: "harvesting", actions: "sendHarvest" } },
    },
    harvesting: {
      on: {
        harvested: [
          {
            guard: "hasPaused",
            target: "computing",
            actions: ["noteReading", "sendUnpause", "sendCompute"],
          },
          { target: "computing", actions: ["noteReading", "sendCompute"] },
        ],
      },
    },
    reading: {
      on: {
        counted: [
          {
            guard: "isTruth",
            target: "sleeping",
            actions: ["noteReading", "notePoint", "sendEstimate"],
          },
          { target: "computing", actions: ["noteReading", "sendCompute", "askForget"] },
        ],
      },
    },
    computing: {
      on: {
        computed: [
          {
            guard: "isEnding",
            target: "done",
            actions: ["notePoint", "sendEstimate", "sendEnded"],
          },
          {
            guard: "hasEnded",
            target: "closing",
            actions: ["notePoint", "sendEstimate", "sendDisarm"],
          },
          { target: "sleeping", actions: ["notePoint", "sendEstimate"] },
        ],
      },
    },
    closing: {
      on: {
        disarmed: [
          { guard: "isEnding", target: "done", actions: "sendEnded" },
          { target: "ended" },
        ],
      },
    },
    ended: {
      on: {
        intervalDue: { actions: "askLook" },
        due: { actions: ["noteDue", "notePoint", "sendTimer"] },
        notDue: { actions: "sendRest" },
        endEstimation: { target: "done", actions: "sendEnded" },
      },
    },
    done: {
      on: { intervalDue: ignored("the estimation is over") },
    },
  },
});
