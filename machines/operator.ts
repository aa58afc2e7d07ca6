/**
 * The person at the console, as far as it takes more than one message to do what they ask: a harvest out
 * of turn, another tracker, another mix of reads and writes. Each goes the way of Xen's log-dirty
 * operations, with the VM paused around it; what the old tracker has logged is harvested first.
 *
 *   state      | event                 | next       | emits
 *   -----------|-----------------------|------------|------------------------------------
 *   idle       | harvestNow            | pausing    | pauseVm
 *   idle       | switchTracker         | pausing    | pauseVm
 *   any        | setWriteIntensity     | -          | device: setWriteIntensity
 *   any        | intensitySet          | -          | ignored: nothing waits for it
 *   any        | typeText              | -          | device: typeText
 *   any        | textTyped             | -          | ignored: nothing waits for it
 *   pausing    | vmPaused              | harvesting | harvest to the tracker
 *   harvesting | harvested             | idle       | unpauseVm
 *   harvesting | harvested, to switch  | disarming  | disarm to the tracker
 *   disarming  | disarmed              | arming     | arm to the tracker
 *   arming     | armed                 | idle       | unpauseVm
 *   arming     | armRefused            | idle       | unpauseVm; its error is kept for whoever asked
 *
 *   other than idle | harvestNow, switchTracker | - | ignored: busy; whoever asks looks first
 */

import { assign, emit, setup } from "xstate";
import {
  actorAt,
  type DeviceEmission,
  request,
  type SendEmission,
  send,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import { armError, type Message, TECHNIQUE_NAMES } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const operatorInput = {
  self: kind.actor,
  scheduler: kind.actor,
  trackers: kind.listBy("vm", kind.actor),
} as const satisfies kind.Fields;
export type OperatorInput = kind.Values<typeof operatorInput>;

/** What its state holds besides its input. */
export const operatorFields = {
  vm: kind.deadIn(kind.vm, "idle"),
  // The tracker to come, or "keep" for a harvest alone.
  technique: kind.deadIn(
    kind.knownWord(() => [...TECHNIQUE_NAMES, "keep"]),
    "idle",
  ),
  // What its last harvest reported; null where the tracker cannot know.
  pagesWritten: kind.statistic(kind.count.nullable()),
  pagesTouched: kind.statistic(kind.count.nullable()),
  // Why its last command was not done; "" if it was, or is under way. `technique` is then the tracker that stays.
  error: kind.word(["", ...armError.options]),
} as const satisfies kind.Fields;

export interface OperatorContext extends OperatorInput, kind.Values<typeof operatorFields> {}

export type OperatorRequest =
  | { readonly op: "setWriteIntensity"; readonly vm: number; readonly percent: number }
  | {
      readonly op: "typeText";
      readonly vm: number;
      readonly text: string;
      readonly enter: boolean;
    };
export type OperatorReply = { readonly type: "intensitySet" } | { readonly type: "textTyped" };

type OperatorEvent =
  | Extract<
      Message,
      {
        type:
          | "harvestNow"
          | "switchTracker"
          | "setWriteIntensity"
          | "typeText"
          | "vmPaused"
          | "harvested"
          | "disarmed"
          | "armed"
          | "armRefused";
      }
    >
  | OperatorReply;

const { types, on } = machineTypes<
  OperatorContext,
  OperatorEvent,
  OperatorInput,
  SendEmission | DeviceEmission<OperatorRequest>
>();

export const operatorMachine = setup({
  types,
  actions: {
    noteHarvest: assign(
      on("harvestNow", ({ event }) => ({
        vm: event.vm,
        technique: "keep" as const,
        error: "" as const,
      })),
    ),
    noteSwitch: assign(
      on("switchTracker", ({ event: { vm, technique } }) => ({
        vm,
        technique,
        error: "" as const,
      })),
    ),
    // What is armed now need not be what was asked for.
    noteArmed: assign({ technique: on("armed", ({ event }) => event.technique) }),
    noteRefused: assign(
      on("armRefused", ({ event: { error, technique } }) => ({ error, technique })),
    ),
    noteReport: assign(
      on("harvested", ({ event: { pagesWritten, pagesTouched } }) => ({
        pagesWritten,
        pagesTouched,
      })),
    ),
    askIntensity: emit(
      on("setWriteIntensity", ({ event: { vm, percent } }) =>
        request({ op: "setWriteIntensity", vm, percent }),
      ),
    ),
    askTyping: emit(
      on("typeText", ({ event: { vm, text, enter } }) =>
        request({ op: "typeText", vm, text, enter }),
      ),
    ),
    sendPause: emit(({ context }) =>
      send(context.scheduler, { type: "pauseVm", vm: context.vm, requester: context.self }),
    ),
    sendUnpause: emit(({ context }) =>
      send(context.scheduler, { type: "unpauseVm", vm: context.vm }),
    ),
    sendHarvest: emit(({ context }) =>
      send(actorAt(context.trackers, context.vm), {
        type: "harvest",
        mode: "clean",
        requester: context.self,
      }),
    ),
    sendDisarm: emit(({ context }) =>
      send(actorAt(context.trackers, context.vm), { type: "disarm", requester: context.self }),
    ),
    sendArm: emit(({ context }) => {
      const technique = context.technique === "keep" ? "none" : context.technique;
      return send(actorAt(context.trackers, context.vm), {
        type: "arm",
        technique,
        requester: context.self,
      });
    }),
  },
  guards: {
    keepsTracker: ({ context }) => context.technique === "keep",
  },
}).createMachine({
  id: "operator",
  context: ({ input }) => ({
    ...input,
    vm: 0,
    technique: "keep",
    pagesWritten: null,
    pagesTouched: null,
    error: "",
  }),
  initial: "idle",
  on: {
    setWriteIntensity: { actions: "askIntensity" },
    intensitySet: ignored("nothing waits for it"),
    typeText: { actions: "askTyping" },
    textTyped: ignored("nothing waits for it"),
    harvestNow: ignored("busy; whoever asks looks first"),
    switchTracker: ignored("busy; whoever asks looks first"),
  },
  states: {
    idle: {
      on: {
        harvestNow: { target: "pausing", actions: ["noteHarvest", "sendPause"] },
        switchTracker: { target: "pausing", actions: ["noteSwitch", "sendPause"] },
      },
    },
    pausing: {
      on: { vmPaused: { target: "harvesting", actions: "sendHarvest" } },
    },
    harvesting: {
      on: {
        harvested: [
          { guard: "keepsTracker", target: "idle", actions: ["noteReport", "sendUnpause"] },
          { target: "disarming", actions: ["noteReport", "sendDisarm"] },
        ],
      },
    },
    disarming: {
      on: { disarmed: { target: "arming", actions: "sendArm" } },
    },
    arming: {
      on: {
        armed: { target: "idle", actions: ["noteArmed", "sendUnpause"] },
        armRefused: { target: "idle", actions: ["noteRefused", "sendUnpause"] },
      },
    },
  },
});
