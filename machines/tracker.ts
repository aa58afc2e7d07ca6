/**
 * The tracker of one VM, a part of the hypervisor: arms a tracking technique, serves its exits, and
 * answers harvests. What it does to EPT entries, logs and bitmaps is in src/hypervisor. Nothing that
 * takes a right or a flag away is answered before every CPU has executed INVEPT.
 *
 *   state      | event             | next      | emits
 *   -----------|-------------------|-----------|-----------------------------------------------
 *   off        | arm, none         | off       | armed to the requester
 *   off        | harvest           | off       | harvested to the requester: nothing is known; before it harvestBegun, if asked for
 *   off        | disarm            | off       | disarmed to the requester
 *   off        | arm               | preparing | device: arm
 *   preparing  | tablesChanged     | flushing  | inveptRequest to every dispatcher; enableLog or
 *              |                   |           | disableLog to the units that arm or disarm
 *   flushing   | inveptDone        | flushing  | -
 *   flushing   | inveptDone, last  | logging   | the answer that was waiting: armed or harvested; device: flushed
 *   flushing   | inveptDone, last, disarming | off | the answer that was waiting: disarmed; device: flushed
 *   off, logging | flushNoted       | -         | ignored: the answer is sent already
 *   flushing   | arm, harvest, disarm | flushing | -; the request comes to itself again after the answer
 *   logging    | harvest           | preparing | device: harvest
 *   preparing  | harvestPeeked     | logging   | harvested to the requester
 *   preparing  | pieceDone         | preparing | pieceDue to itself; enableLog or disableLog with the first piece
 *   preparing  | pieceDone or tablesChanged, the first of a live harvest | as above | harvestBegun to the requester
 *   preparing  | pieceDue          | preparing | device: goOn
 *   preparing  | arm, harvest, disarm | preparing | -; the request comes to itself again after the answer
 *   logging    | disarm            | preparing | device: disarm
 *   logging    | arm               | logging   | armRefused to the requester (Xen), or armed (KVM): nothing is done
 *   any        | logFullExit       | -         | device: serveLogFull
 *   any        | eptViolation      | -         | device: serveViolation
 *   any        | exitServed        | -         | handled to the dispatcher, after T_h; pmlIndexReset
 *   any        | pageMissing       | -         | pageFault to the pager
 *   any        | ringFull          | -         | reapDue to itself, after T_h
 *   any        | reapDue           | -         | pmlIndexReset; device: reapRings
 *   any        | ringsReaped       | -         | inveptRequest to every dispatcher
 *   off, preparing, logging | inveptDone      | - | -
 *   off, preparing, logging | inveptDone, last | - | handled to the dispatchers whose vCPUs were held back
 *
 * Arming, harvesting and disarming are done in pieces (src/hypervisor/tableWork.ts): between two of them whatever else
 * comes has its turn. The whole is one piece, unless a scenario says otherwise.
 *
 * "last": of all INVEPTs that were asked for, be it for an answer or for a ring. Whoever waits waits for all.
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
import { ignored } from "../src/interconnect/ignored.ts";
import type { ActorId } from "../src/interconnect/messages.ts";
import type {
  Of,
  TrackerContext,
  TrackerEvent,
  TrackerInput,
  TrackerRequest,
} from "./trackerContext.ts";

/** The units of this VM's vCPUs that take part in the change. */
function units(context: TrackerContext, event: TrackerEvent): readonly ActorId[] {
  const { unit } = event as Of<"tablesChanged" | "pieceDone">;
  if (unit === "none") return [];
  return (unit === "prl" ? context.prlUnits : context.pmlUnits).filter((id) => id !== 0);
}

function inveptRequests(context: TrackerContext, delay: number): SendEmission[] {
  const message = { type: "inveptRequest", vm: context.vm, tracker: context.self } as const;
  return context.dispatchers.map((dispatcher) => send(dispatcher, message, delay));
}

function indexReset(context: TrackerContext, vcpu: number, delay: number): SendEmission[] {
  return vcpu < 0 ? [] : [send(context.pmlUnits[vcpu]!, { type: "pmlIndexReset" }, delay)];
}

/** An INVEPT for a ring's reset. */
const REAPED = [
  { guard: "isLast", actions: ["noteDone", "sendHeldBack", "forgetHeldBack"] },
  { actions: "noteDone" },
] as const;

/** In the middle of another request. */
const DEFERRED = {
  arm: { actions: "noteDeferred" },
  harvest: { actions: "noteDeferred" },
  disarm: { actions: "noteDeferred" },
} as const;

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
    noteLetsRun: assign({ letsRun: ({ event }) => (event as Of<"harvest">).live === true }),
    // Not what was asked: without memory for logs it is write protection.
    noteTechnique: assign(({ event }) => {
      const { answer } = event as Of<"tablesChanged" | "pieceDone">;
      return answer?.type === "armed" ? { technique: answer.technique } : {};
    }),
    notePiece: assign({
      controlCycles: ({ context, event }) =>
        context.controlCycles + (event as Of<"pieceDone">).cycles,
    }),
    forgetLetsRun: assign({ letsRun: false }),
    noteFlush: assign(({ context, event }) => {
      const { answer, cycles } = event as Of<"tablesChanged">;
      const controlCycles = context.controlCycles + cycles;
      return { answer, controlCycles, awaited: context.awaited + context.dispatchers.length };
    }),
    notePeek: assign({
      controlCycles: ({ context, event }) =>
        context.controlCycles + (event as Of<"harvestPeeked">).cycles,
    }),
    noteDeferred: assign({
      deferred: ({ context, event }) => [
        ...context.deferred,
        event as Of<"arm" | "harvest" | "disarm">,
      ],
    }),
    forgetDeferred: assign({ deferred: [] }),
    noteDone: assign({ awaited: ({ context }) => context.awaited - 1 }),
    noteServed: assign(({ context, event }) => {
      const { cycles, drainedVcpu } = event as Of<"exitServed" | "ringFull">;
      const drained = drainedVcpu >= 0 ? 1 : 0;
      return {
        drains: context.drains + drained,
        violations: context.violations + 1 - drained,
        handlerCycles: context.handlerCycles + cycles,
      };
    }),
    noteHeldBack: assign({
      heldBack: ({ context, event }) => [...context.heldBack, (event as Of<"reapDue">).dispatcher],
    }),
    awaitReaped: assign(({ context, event }) => ({
      awaited: context.awaited + context.dispatchers.length,
      handlerCycles: context.handlerCycles + (event as Of<"ringsReaped">).cycles,
    })),
    forgetHeldBack: assign({ heldBack: [] }),
    forgetTechnique: assign({ technique: "none" }),
    askArm: emit(({ event }) => {
      const { technique, pages } = event as Of<"arm">;
      return request({ op: "arm", technique, pages: pages ?? null });
    }),
    askHarvest: emit(({ event }) => {
      const { mode, pages } = event as Of<"harvest">;
      return request({ op: "harvest", mode, pages: pages ?? null });
    }),
    askDisarm: emit(() => request({ op: "disarm" })),
    askServeLogFull: emit(({ event }) => {
      const { vcpu, dispatcher } = event as Of<"logFullExit">;
      return request({ op: "serveLogFull", vcpu, dispatcher });
    }),
    askServeViolation: emit(({ event }) => {
      const { vcpu, page, qualification, dispatcher } = event as Of<"eptViolation">;
      return request({ op: "serveViolation", vcpu, page, qualification, dispatcher });
    }),
    askReap: emit(() => request({ op: "reapRings" })),
    askFlushed: emit(({ context }) => request({ op: "flushed", after: context.answer.type })),
    askUnflushed: emit(({ event }) =>
      request({ op: "flushed", after: (event as Of<"tablesChanged">).answer.type }),
    ),
    askGoOn: emit(() => request({ op: "goOn" })),
    sendPieceDue: emit(({ context, event }) =>
      send(context.self, { type: "pieceDue" }, (event as Of<"pieceDone">).cycles),
    ),
    sendBegun: emit(({ context, event }) => {
      const { letsRun, requester, vm } = context;
      const { cycles } = event as Of<"tablesChanged" | "pieceDone">;
      return sendAll(letsRun ? [send(requester, { type: "harvestBegun", vm }, cycles)] : []);
    }),
    sendInvepts: emit(({ context, event }) =>
      sendAll(inveptRequests(context, (event as Of<"tablesChanged" | "ringsReaped">).cycles)),
    ),
    sendEnable: emit(({ context, event }) =>
      sendAll(units(context, event).map((unit) => send(unit, { type: "enableLog" }))),
    ),
    sendDisable: emit(({ context, event }) =>
      sendAll(units(context, event).map((unit) => send(unit, { type: "disableLog" }))),
    ),
    sendArmed: emit(({ context, event }) => {
      const { technique } = event as Of<"arm">;
      return send(context.requester, { type: "armed", technique });
    }),
    sendArmedAlready: emit(({ context, event }) =>
      send((event as Of<"arm">).requester, { type: "armed", technique: context.technique }),
    ),
    sendArmRefused: emit(({ context: { vm, technique }, event }) =>
      send((event as Of<"arm">).requester, {
        type: "armRefused",
        vm,
        error: "EINVAL",
        technique,
      }),
    ),
    sendDeferred: emit(({ context }) =>
      sendAll(context.deferred.map((message) => send(context.self, message))),
    ),
    sendDisarmed: emit(({ context }) => send(context.requester, { type: "disarmed" })),
    sendNothing: emit(({ context: { requester, vm }, event }) => {
      const harvested = {
        type: "harvested",
        pagesWritten: null,
        pagesTouched: null,
        guestPageTables: 0,
        cycles: 0,
      } as const;
      if ((event as Of<"harvest">).live !== true) return send(requester, harvested);
      return sendAll([send(requester, { type: "harvestBegun", vm }), send(requester, harvested)]);
    }),
    sendAnswer: emit(({ context }) => send(context.requester, context.answer)),
    sendPeeked: emit(({ context, event }) => {
      const { answer, cycles } = event as Of<"harvestPeeked">;
      return send(context.requester, answer, cycles);
    }),
    sendHandled: emit(({ context, event }) => {
      const { dispatcher, fixed, cycles, drainedVcpu } = event as Of<"exitServed">;
      const handled = send(dispatcher, { type: "handled", fixed }, cycles);
      if (drainedVcpu < 0) return handled;
      return sendAll([...indexReset(context, drainedVcpu, cycles), handled]);
    }),
    sendPageFault: emit(({ context, event }) => {
      const { vcpu, page, dispatcher } = event as Of<"pageMissing">;
      return send(context.pager, { type: "pageFault", vm: context.vm, vcpu, page, dispatcher });
    }),
    sendNotFixed: emit(({ event }) =>
      send((event as Of<"pageMissing">).dispatcher, { type: "handled", fixed: false }),
    ),
    // The drain takes its time; user space, which resets the ring, has its turn after it.
    sendReapDue: emit(({ context, event }) => {
      const { cycles, drainedVcpu, dispatcher } = event as Of<"ringFull">;
      return send(context.self, { type: "reapDue", drainedVcpu, dispatcher }, cycles);
    }),
    sendIndexReset: emit(({ context, event }) =>
      sendAll(indexReset(context, (event as Of<"reapDue">).drainedVcpu, 0)),
    ),
    sendHeldBack: emit(({ context }) =>
      sendAll(
        context.heldBack.map((dispatcher) => send(dispatcher, { type: "handled", fixed: true })),
      ),
    ),
    sendAnswerUnflushed: emit(({ context, event }) => {
      const { answer, cycles } = event as Of<"tablesChanged">;
      return send(context.requester, answer, cycles);
    }),
  },
  guards: {
    hasPager: ({ context }) => context.pager !== 0,
    answersLikeKvm: ({ context }) => context.armedTwice === "kvm",
    isNone: ({ event }) => (event as Of<"arm">).technique === "none",
    isLast: ({ context }) => context.awaited === 1,
    isLastOfDisarm: ({ context }) => context.awaited === 1 && context.answer.type === "disarmed",
    armsUnflushed: ({ context, event }) =>
      context.skipInvept && (event as Of<"tablesChanged">).answer.type === "armed",
    harvestsUnflushed: ({ context, event }) =>
      context.skipInvept && (event as Of<"tablesChanged">).answer.type === "harvested",
    isArmingPiece: ({ event }) => (event as Of<"pieceDone">).answer !== null,
    beginsDisarming: ({ event }) => (event as Of<"pieceDone">).unit !== "none",
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
    deferred: [],
    letsRun: false,
    heldBack: [],
    violations: 0,
    drains: 0,
    handlerCycles: 0,
    controlCycles: 0,
  }),
  initial: "off",
  on: {
    logFullExit: { actions: "askServeLogFull" },
    eptViolation: { actions: "askServeViolation" },
    exitServed: { actions: ["noteServed", "sendHandled"] },
    pageMissing: [{ guard: "hasPager", actions: "sendPageFault" }, { actions: "sendNotFixed" }],
    ringFull: { actions: ["noteServed", "sendReapDue"] },
    reapDue: { actions: ["noteHeldBack", "sendIndexReset", "askReap"] },
    ringsReaped: { actions: ["awaitReaped", "sendInvepts"] },
  },
  states: {
    off: {
      on: {
        arm: [
          { guard: "isNone", actions: ["noteRequester", "sendArmed"] },
          { target: "preparing", actions: ["noteRequester", "askArm"] },
        ],
        harvest: { actions: ["noteRequester", "sendNothing"] },
        disarm: { actions: ["noteRequester", "sendDisarmed"] },
        inveptDone: REAPED,
        flushNoted: ignored("the answer is sent already"),
      },
    },
    preparing: {
      on: {
        tablesChanged: [
          {
            guard: "armsUnflushed",
            target: "logging",
            actions: ["noteTechnique", "sendEnable", "sendAnswerUnflushed", "askUnflushed"],
          },
          {
            guard: "harvestsUnflushed",
            target: "logging",
            actions: ["sendBegun", "forgetLetsRun", "sendAnswerUnflushed", "askUnflushed"],
          },
          {
            guard: "isArming",
            target: "flushing",
            actions: ["noteTechnique", "noteFlush", "sendEnable", "sendInvepts"],
          },
          {
            guard: "isDisarming",
            target: "flushing",
            actions: ["noteFlush", "forgetTechnique", "sendDisable", "sendInvepts"],
          },
          {
            target: "flushing",
            actions: ["noteFlush", "sendBegun", "forgetLetsRun", "sendInvepts"],
          },
        ],
        pieceDone: [
          {
            guard: "isArmingPiece",
            actions: ["noteTechnique", "notePiece", "sendEnable", "sendPieceDue"],
          },
          { guard: "beginsDisarming", actions: ["notePiece", "sendDisable", "sendPieceDue"] },
          { actions: ["notePiece", "sendBegun", "forgetLetsRun", "sendPieceDue"] },
        ],
        pieceDue: { actions: "askGoOn" },
        inveptDone: REAPED,
        ...DEFERRED,
        harvestPeeked: {
          target: "logging",
          actions: ["notePeek", "forgetLetsRun", "sendPeeked"],
        },
      },
    },
    flushing: {
      on: {
        inveptDone: [
          {
            guard: "isLastOfDisarm",
            target: "off",
            actions: [
              "noteDone",
              "sendAnswer",
              "sendHeldBack",
              "forgetHeldBack",
              "sendDeferred",
              "forgetDeferred",
              "askFlushed",
            ],
          },
          {
            guard: "isLast",
            target: "logging",
            actions: [
              "noteDone",
              "sendAnswer",
              "sendHeldBack",
              "forgetHeldBack",
              "sendDeferred",
              "forgetDeferred",
              "askFlushed",
            ],
          },
          { actions: "noteDone" },
        ],
        ...DEFERRED,
      },
    },
    logging: {
      on: {
        harvest: { target: "preparing", actions: ["noteRequester", "noteLetsRun", "askHarvest"] },
        disarm: { target: "preparing", actions: ["noteRequester", "askDisarm"] },
        arm: [
          { guard: "answersLikeKvm", actions: "sendArmedAlready" },
          { actions: "sendArmRefused" },
        ],
        inveptDone: REAPED,
        flushNoted: ignored("the answer is sent already"),
      },
    },
  },
});
