/**
 * The log-dirty tracker of one VM, a part of the hypervisor: arms a tracking technique, serves its
 * exits, and answers harvests. What it does to EPT entries, logs and bitmaps is in src/hypervisor.
 * Nothing that changes an entry's rights or flags is answered before every CPU has executed INVEPT.
 *
 *   state      | event         | next       | emits
 *   -----------|---------------|------------|------------------------------------------------
 *   off        | arm, none     | off        | armed to the requester
 *   off        | harvest       | off        | harvested to the requester: nothing is known
 *   off        | arm           | preparing  | device: arm
 *   preparing  | tablesChanged | flushing   | inveptRequest to every dispatcher, enableLog to the units
 *   flushing   | inveptDone    | flushing   | -
 *   flushing   | inveptDone, last | logging | the answer that was waiting
 *   logging    | harvest       | preparing  | device: harvest
 *   preparing  | harvestPeeked | logging    | harvested to the requester
 *   logging    | disarm        | preparing  | device: disarm
 *   flushing   | inveptDone, last, disarming | off | disarmed to the requester
 *   any        | logFullExit   | -          | device: drainLog
 *   any        | eptViolation  | -          | device: fixViolation
 *   any        | exitServed    | -          | handled to the dispatcher, after T_h; pmlIndexReset
 */
import { assign, emit, setup } from "xstate";
import {
  type DeviceEmission,
  request,
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import type { ActorId, HarvestMode, Message, Technique } from "../src/interconnect/messages.ts";

export interface TrackerInput {
  readonly vm: number;
  readonly self: ActorId;
  readonly dispatchers: readonly ActorId[];
  /** Units of this VM's vCPUs, by vCPU number; 0 where the vCPU is another VM's. */
  readonly pmlUnits: readonly ActorId[];
  readonly prlUnits: readonly ActorId[];
}

export interface TrackerContext extends TrackerInput {
  readonly technique: Technique;
  readonly requester: ActorId;
  /** CPUs that have not acknowledged the INVEPT yet. */
  readonly awaited: number;
  /** What the requester is told after the last acknowledgement. */
  readonly answer: Message;
  /** Exits served, by kind, and the cycles of their handlers: T_h. */
  readonly violations: number;
  readonly drains: number;
  readonly handlerCycles: number;
  /** Cycles spent arming, harvesting and disarming. */
  readonly controlCycles: number;
}

export type TrackerRequest =
  | { readonly op: "arm"; readonly technique: Technique }
  | { readonly op: "harvest"; readonly mode: HarvestMode }
  | { readonly op: "disarm" }
  | { readonly op: "drainLog"; readonly vcpu: number; readonly dispatcher: ActorId }
  | {
      readonly op: "fixViolation";
      readonly page: number;
      readonly qualification: number;
      readonly dispatcher: ActorId;
    };

type Harvested = Extract<Message, { type: "harvested" }>;

export type TrackerReply =
  // Entries were changed: every CPU must flush before `answer` is sent.
  | { readonly type: "tablesChanged"; readonly cycles: number; readonly answer: Message }
  | { readonly type: "harvestPeeked"; readonly cycles: number; readonly answer: Harvested }
  | {
      readonly type: "exitServed";
      readonly dispatcher: ActorId;
      readonly fixed: boolean;
      readonly cycles: number;
      /** The vCPU whose PML index was reset, or -1. */
      readonly drainedVcpu: number;
    };

type TrackerEvent =
  | Extract<
      Message,
      { type: "arm" | "harvest" | "disarm" | "inveptDone" | "logFullExit" | "eptViolation" }
    >
  | TrackerReply;
type Of<T extends TrackerEvent["type"]> = Extract<TrackerEvent, { type: T }>;

function units(context: TrackerContext): readonly ActorId[] {
  const all = context.technique === "prl" ? context.prlUnits : context.pmlUnits;
  const used = context.technique === "prl" || context.technique === "pml";
  return used ? all.filter((unit) => unit !== 0) : [];
}

export const trackerMachine = setup({
  types: {
    context: {} as TrackerContext,
    events: {} as TrackerEvent,
    input: {} as TrackerInput,
    emitted: {} as SendEmission | SendAllEmission | DeviceEmission<TrackerRequest>,
  },
  actions: {
    noteRequester: assign({
      requester: ({ event }) => (event as Of<"arm" | "harvest" | "disarm">).requester,
    }),
    noteTechnique: assign({ technique: ({ event }) => (event as Of<"arm">).technique }),
    noteFlush: assign(({ context, event }) => {
      const { answer, cycles } = event as Of<"tablesChanged">;
      const controlCycles = context.controlCycles + cycles;
      return { answer, controlCycles, awaited: context.dispatchers.length };
    }),
    notePeek: assign({
      controlCycles: ({ context, event }) =>
        context.controlCycles + (event as Of<"harvestPeeked">).cycles,
    }),
    noteDone: assign({ awaited: ({ context }) => context.awaited - 1 }),
    noteServed: assign(({ context, event }) => {
      const { cycles, drainedVcpu } = event as Of<"exitServed">;
      const drained = drainedVcpu >= 0 ? 1 : 0;
      return {
        drains: context.drains + drained,
        violations: context.violations + 1 - drained,
        handlerCycles: context.handlerCycles + cycles,
      };
    }),
    forgetTechnique: assign({ technique: "none" }),
    askArm: emit(({ event }) => request({ op: "arm", technique: (event as Of<"arm">).technique })),
    askHarvest: emit(({ event }) =>
      request({ op: "harvest", mode: (event as Of<"harvest">).mode }),
    ),
    askDisarm: emit(() => request({ op: "disarm" })),
    askDrain: emit(({ event }) => {
      const { vcpu, dispatcher } = event as Of<"logFullExit">;
      return request({ op: "drainLog", vcpu, dispatcher });
    }),
    askFix: emit(({ event }) => {
      const { page, qualification, dispatcher } = event as Of<"eptViolation">;
      return request({ op: "fixViolation", page, qualification, dispatcher });
    }),
    sendInvepts: emit(({ context, event }) => {
      const { cycles } = event as Of<"tablesChanged">;
      const message = { type: "inveptRequest", vm: context.vm, tracker: context.self } as const;
      return sendAll(context.dispatchers.map((dispatcher) => send(dispatcher, message, cycles)));
    }),
    sendEnable: emit(({ context }) =>
      sendAll(units(context).map((unit) => send(unit, { type: "enableLog" }))),
    ),
    sendDisable: emit(({ context }) =>
      sendAll(units(context).map((unit) => send(unit, { type: "disableLog" }))),
    ),
    sendArmed: emit(({ context, event }) => {
      const { technique } = event as Of<"arm">;
      return send(context.requester, { type: "armed", technique });
    }),
    sendNothing: emit(({ context }) =>
      send(context.requester, {
        type: "harvested",
        pagesWritten: null,
        pagesTouched: null,
        guestPageTables: 0,
      }),
    ),
    sendAnswer: emit(({ context }) => send(context.requester, context.answer)),
    sendPeeked: emit(({ context, event }) => {
      const { answer, cycles } = event as Of<"harvestPeeked">;
      return send(context.requester, answer, cycles);
    }),
    sendHandled: emit(({ context, event }) => {
      const { dispatcher, fixed, cycles, drainedVcpu } = event as Of<"exitServed">;
      const handled = send(dispatcher, { type: "handled", fixed }, cycles);
      if (drainedVcpu < 0) return handled;
      const unit = context.pmlUnits[drainedVcpu]!;
      return sendAll([send(unit, { type: "pmlIndexReset" }, cycles), handled]);
    }),
  },
  guards: {
    isNone: ({ event }) => (event as Of<"arm">).technique === "none",
    isLast: ({ context }) => context.awaited === 1,
    isLastOfDisarm: ({ context }) => context.awaited === 1 && context.answer.type === "disarmed",
    isArming: ({ event }) => (event as Of<"tablesChanged">).answer.type === "armed",
    isDisarming: ({ event }) => (event as Of<"tablesChanged">).answer.type === "disarmed",
  },
}).createMachine({
  id: "tracker",
  context: ({ input }) => ({
    ...input,
    technique: "none",
    requester: 0,
    awaited: 0,
    answer: { type: "disarmed" },
    violations: 0,
    drains: 0,
    handlerCycles: 0,
    controlCycles: 0,
  }),
  initial: "off",
  on: {
    logFullExit: { actions: "askDrain" },
    eptViolation: { actions: "askFix" },
    exitServed: { actions: ["noteServed", "sendHandled"] },
  },
  states: {
    off: {
      on: {
        arm: [
          { guard: "isNone", actions: ["noteRequester", "sendArmed"] },
          { target: "preparing", actions: ["noteRequester", "noteTechnique", "askArm"] },
        ],
        harvest: { actions: ["noteRequester", "sendNothing"] },
      },
    },
    preparing: {
      on: {
        tablesChanged: [
          {
            guard: "isArming",
            target: "flushing",
            actions: ["noteFlush", "sendEnable", "sendInvepts"],
          },
          {
            guard: "isDisarming",
            target: "flushing",
            actions: ["noteFlush", "sendDisable", "sendInvepts"],
          },
          { target: "flushing", actions: ["noteFlush", "sendInvepts"] },
        ],
        harvestPeeked: { target: "logging", actions: ["notePeek", "sendPeeked"] },
      },
    },
    flushing: {
      on: {
        inveptDone: [
          {
            guard: "isLastOfDisarm",
            target: "off",
            actions: ["noteDone", "forgetTechnique", "sendAnswer"],
          },
          { guard: "isLast", target: "logging", actions: ["noteDone", "sendAnswer"] },
          { actions: "noteDone" },
        ],
      },
    },
    logging: {
      on: {
        harvest: { target: "preparing", actions: ["noteRequester", "askHarvest"] },
        disarm: { target: "preparing", actions: ["noteRequester", "askDisarm"] },
      },
    },
  },
});
