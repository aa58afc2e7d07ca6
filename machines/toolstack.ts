/**
 * The toolstack in the pVM, running one measurement: arm the trackers, start the VMs, harvest at an
 * interval (as Xen does it: pause, harvest, unpause), and at the end harvest once more.
 *
 * Or live, as KVM does it: the VMs run when they are armed, and are let go when a harvest has drained their logs
 * (KVM kicks the vCPUs out of the guest for that, kvm_arch_sync_dirty_log). They stand still for the last one alone.
 *
 *   state      | event                 | next       | emits
 *   -----------|-----------------------|------------|----------------------------------------
 *   created    | begin                 | arming     | arm to every tracker
 *   created    | begin, live           | arming     | startVm for every VM, deadline; arm to every tracker
 *   arming     | armed                 | arming     | -
 *   arming     | armRefused            | arming     | disarm to that tracker, if none is being switched off
 *   arming     | disarmed              | arming     | arm to that tracker; disarm to the next that refused
 *   arming     | armed, last           | running    | startVm for every VM, timers
 *   arming     | armed, last, live     | running    | harvestDue to itself
 *   arming     | armed, last, ending   | harvesting | harvest to every tracker; the VMs never ran
 *   arming     | armed, last, ending, live | pausing | pauseVm for every VM
 *   running    | harvestDue            | pausing    | pauseVm for every VM
 *   running    | deadline              | pausing    | pauseVm for every VM
 *   running    | vmHalted              | running    | -
 *   running    | vmHalted, last        | pausing    | pauseVm for every VM
 *   pausing    | vmPaused              | pausing    | -
 *   pausing    | vmPaused, last        | harvesting | harvest to every tracker
 *   harvesting | harvestBegun          | harvesting | unpauseVm for that VM
 *   harvesting | harvested             | harvesting | -
 *   harvesting | harvested, last       | running    | unpauseVm for every VM, harvestDue to itself
 *   harvesting | harvested, last, of VMs that run | running | harvestDue to itself
 *   harvesting | harvested, last, ending | done     | -
 *   harvesting | harvested, last, ending, of VMs that run or whose devices do | pausing | pauseVm for every VM
 *   any        | deadline; vmHalted, last | -       | -: the round under way becomes the last
 *   pausing, harvesting, done | harvestDue | -      | ignored: the last harvest has begun
 */
import { assign, emit, setup } from "xstate";
import {
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import { type Message, technique } from "../src/interconnect/messages.ts";
import { switchOff, switchOn } from "./armAgain.ts";
import { stopAll } from "./everyVm.ts";

/** What it is set up with. */
export const toolstackInput = {
  self: kind.actor,
  scheduler: kind.actor,
  trackers: kind.listBy("vm", kind.actor),
  technique: technique,
  // Cycles between harvests; 0 = only at the end.
  harvestCycles: kind.cycles,
  // Whether the VMs run while they are armed and harvested.
  live: kind.flag,
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
  // Whether devices are drained where the VMs stop; absent: there are none.
  drainsDevices: kind.flag.exactOptional(),
} as const satisfies kind.Fields;
export type ToolstackInput = kind.Values<typeof toolstackInput>;

const round = {
  pagesWritten: kind.list(kind.count.nullable()),
  pagesTouched: kind.list(kind.count.nullable()),
  guestPageTables: kind.list(kind.count),
} as const satisfies kind.Fields;
/** What the trackers reported in one round, VM by VM in the order of their answers. */
export type Round = kind.Values<typeof round>;

const EMPTY_ROUND: Round = { pagesWritten: [], pagesTouched: [], guestPageTables: [] };

/** What its state holds besides its input. */
export const toolstackFields = {
  // Answers still missing in the present step.
  missing: kind.count,
  // Whether the harvest under way lets the VMs run, and how many of them it has let go.
  letsRun: kind.flag,
  begun: kind.count,
  // VMs whose trackers somebody else has armed: see armAgain.ts.
  refused: kind.list(kind.vm),
  halted: kind.count,
  ending: kind.flag,
  // Whether the present pause is one that drains devices; absent: there are none.
  drained: kind.flag.exactOptional(),
  round: kind.statistic(kind.record(round)),
  rounds: kind.statistic(kind.list(kind.record(round))),
} as const satisfies kind.Fields;

export interface ToolstackContext extends ToolstackInput, kind.Values<typeof toolstackFields> {}

type ToolstackEvent = Extract<
  Message,
  {
    type:
      | "begin"
      | "armed"
      | "armRefused"
      | "disarmed"
      | "vmHalted"
      | "vmPaused"
      | "harvestBegun"
      | "harvested"
      | "harvestDue"
      | "deadline";
  }
>;

const { types, on } = machineTypes<
  ToolstackContext,
  ToolstackEvent,
  ToolstackInput,
  SendEmission | SendAllEmission
>();

export const toolstackMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.trackers.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteEnding: assign({ ending: true }),
    noteDrained: assign(({ context: { drainsDevices, ending } }) =>
      drainsDevices === true ? { drained: ending } : {},
    ),
    beginRound: assign(({ context }) => ({
      round: EMPTY_ROUND,
      letsRun: context.live && !context.ending,
      begun: 0,
    })),
    noteBegun: assign({ begun: ({ context }) => context.begun + 1 }),
    noteHarvest: assign(
      on("harvested", ({ context, event }) => {
        const { round } = context;

        return {
          missing: context.missing - 1,
          round: {
            pagesWritten: [...round.pagesWritten, event.pagesWritten],
            pagesTouched: [...round.pagesTouched, event.pagesTouched],
            guestPageTables: [...round.guestPageTables, event.guestPageTables],
          },
        };
      }),
    ),
    endRound: assign({ rounds: ({ context }) => [...context.rounds, context.round] }),
    sendArms: emit(({ context }) => {
      const message = {
        type: "arm",
        technique: context.technique,
        requester: context.self,
      } as const;
      return sendAll(context.trackers.map((tracker) => send(tracker, message)));
    }),
    sendOff: emit(
      on("armRefused", ({ context, event: { vm } }) => sendAll(switchOff(context, vm))),
    ),
    sendOn: emit(({ context }) => sendAll(switchOn(context))),
    noteRefused: assign(
      on("armRefused", ({ context, event: { vm } }) => ({ refused: [...context.refused, vm] })),
    ),
    forgetRefused: assign({ refused: ({ context }) => context.refused.slice(1) }),
    sendStarts: emit(({ context }) =>
      sendAll([
        ...context.trackers.map((_, vm) => send(context.scheduler, { type: "startVm", vm })),
        ...(context.deadlineCycles > 0
          ? [send(context.self, { type: "deadline" }, context.deadlineCycles)]
          : []),
        ...(context.live ? [] : harvestTimer(context)),
      ]),
    ),
    sendHarvestDue: emit(({ context }) => sendAll(harvestTimer(context))),
    sendUnpause: emit(
      on("harvestBegun", ({ context, event: { vm } }) =>
        send(context.scheduler, { type: "unpauseVm", vm }),
      ),
    ),
    // The last harvest is that of a VM whose devices have stopped too.
    sendPauses: emit(({ context }) => {
      const { ending, drainsDevices = false } = context;
      return stopAll({ ...context, drainsDevices: drainsDevices && ending });
    }),
    sendHarvests: emit(({ context }) => {
      const { self: requester, letsRun } = context;
      const message = {
        type: "harvest",
        mode: "clean",
        requester,
        ...(letsRun ? { live: true } : {}),
      } as const;
      return sendAll(context.trackers.map((tracker) => send(tracker, message)));
    }),
    sendUnpauses: emit(({ context }) =>
      sendAll([
        ...context.trackers.map((_, vm) => send(context.scheduler, { type: "unpauseVm", vm })),
        ...harvestTimer(context),
      ]),
    ),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isLastOfAll: ({ context }) => context.missing === 1 && context.ending,
    isLive: ({ context }) => context.live,
    isLastLive: ({ context }) => context.missing === 1 && context.live,
    isLastOfAllLive: ({ context }) => context.missing === 1 && context.ending && context.live,
    isLastRunning: ({ context }) => context.missing === 1 && context.letsRun,
    isLastOfAllRunning: ({ context: { missing, ending, letsRun, drained } }) =>
      missing === 1 && ending && (letsRun || drained === false),
    allHalted: ({ context }) => context.halted + 1 === context.trackers.length,
  },
}).createMachine({
  id: "toolstack",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    letsRun: false,
    begun: 0,
    refused: [],
    halted: 0,
    ending: false,
    round: EMPTY_ROUND,
    rounds: [],
    ...(input.drainsDevices === undefined ? {} : { drained: false }),
  }),
  initial: "created",
  on: {
    // Wherever the run is: when the time is up, the round under way becomes the last.
    deadline: { actions: "noteEnding" },
    vmHalted: [
      { guard: "allHalted", actions: ["noteHalted", "noteEnding"] },
      { actions: "noteHalted" },
    ],
  },
  states: {
    created: {
      on: {
        begin: [
          { guard: "isLive", target: "arming", actions: ["expectAll", "sendStarts", "sendArms"] },
          { target: "arming", actions: ["expectAll", "sendArms"] },
        ],
      },
    },
    arming: {
      on: {
        armed: [
          {
            guard: "isLastOfAllLive",
            target: "pausing",
            actions: ["expectAll", "noteDrained", "sendPauses"],
          },
          { guard: "isLastLive", target: "running", actions: ["noteAnswer", "sendHarvestDue"] },
          {
            guard: "isLastOfAll",
            target: "harvesting",
            actions: ["expectAll", "beginRound", "sendHarvests"],
          },
          { guard: "isLast", target: "running", actions: ["noteAnswer", "sendStarts"] },
          { actions: "noteAnswer" },
        ],
        armRefused: { actions: ["sendOff", "noteRefused"] },
        disarmed: { actions: ["sendOn", "forgetRefused"] },
      },
    },
    running: {
      on: {
        harvestDue: { target: "pausing", actions: ["expectAll", "noteDrained", "sendPauses"] },
        deadline: {
          target: "pausing",
          actions: ["noteEnding", "expectAll", "noteDrained", "sendPauses"],
        },
        vmHalted: [
          {
            guard: "allHalted",
            target: "pausing",
            actions: ["noteHalted", "noteEnding", "expectAll", "noteDrained", "sendPauses"],
          },
          { actions: "noteHalted" },
        ],
      },
    },
    pausing: {
      on: {
        harvestDue: ignored("the last harvest has begun"),
        vmPaused: [
          {
            guard: "isLast",
            target: "harvesting",
            actions: ["expectAll", "beginRound", "sendHarvests"],
          },
          { actions: "noteAnswer" },
        ],
      },
    },
    harvesting: {
      on: {
        harvestDue: ignored("the last harvest has begun"),
        harvestBegun: { actions: ["noteBegun", "sendUnpause"] },
        harvested: [
          {
            guard: "isLastOfAllRunning",
            target: "pausing",
            actions: ["noteHarvest", "endRound", "expectAll", "noteDrained", "sendPauses"],
          },
          {
            guard: "isLastRunning",
            target: "running",
            actions: ["noteHarvest", "endRound", "sendHarvestDue"],
          },
          { guard: "isLastOfAll", target: "done", actions: ["noteHarvest", "endRound"] },
          {
            guard: "isLast",
            target: "running",
            actions: ["noteHarvest", "endRound", "sendUnpauses"],
          },
          { actions: "noteHarvest" },
        ],
      },
    },
    done: {
      on: { harvestDue: ignored("the last harvest has begun") },
    },
  },
});

function harvestTimer(context: ToolstackContext): SendEmission[] {
  const { harvestCycles, self } = context;
  return harvestCycles > 0 ? [send(self, { type: "harvestDue" }, harvestCycles)] : [];
}
