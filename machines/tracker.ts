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
 *   any        | eptMisconfiguration | -       | device: resolveTypes
 *   any        | typesResolved     | -         | handled to the dispatcher; not fixed if nothing was to be resolved
 *   any        | pvWritten         | -         | device: markPv, which answers as an exit's
 *   any        | exitServed        | -         | handled to the dispatcher, after T_h; the unit is told of its index
 *   any        | pageMissing       | -         | pageFault to the pager
 *   any        | ringFull          | -         | reapDue to itself, after T_h
 *   off, logging | setRegion       | preparing | device: setRegion
 *   preparing  | regionKept        | off, logging | -; whichever it was
 *   preparing  | regionBegun       | changing  | inveptRequest to every dispatcher
 *   changing   | inveptDone        | changing  | -
 *   changing   | inveptDone, last  | changing  | device: commitRegion
 *   changing   | regionCommitted   | off, logging | what was put off comes to itself again
 *   preparing, flushing, changing | setRegion | - | -; the request comes to itself again after the answer
 *   changing   | arm, harvest, disarm | changing | -; the request comes to itself again after the change
 *   any        | reapDue           | -         | the unit is told of its index; device: reapRings
 *   any        | ringsReaped       | -         | inveptRequest to every dispatcher
 *   off, preparing, logging | inveptDone      | - | -
 *   off, preparing, logging | inveptDone, last | - | handled to the dispatchers whose vCPUs were held back
 *
 * Arming, harvesting and disarming are done in pieces (src/hypervisor/tableWork.ts): between two of them whatever else
 * comes has its turn. The whole is one piece, unless a scenario says otherwise.
 *
 * A change of a memory slot is one of KVM's: under its slots_lock nothing else is done to slots and logs; what moves or goes
 * maps nothing from its first half on, and the second comes when no processor goes through an old translation any more
 * (kvm_set_memslot).
 *
 * Where types change lazily (src/hypervisor/lazyTypes.ts) a misconfiguration that finds nothing to do is accepted once of each
 * vCPU behind one that found something (Xen's ept_spurious_misconfig); any other is a fault of the hypervisor, and the vCPU's end.
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
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import { NO_UNIT } from "../src/units/all.ts";
import type {
  TrackerContext,
  TrackerEvent,
  TrackerInput,
  TrackerRequest,
} from "./trackerContext.ts";
import { indexReset, inveptRequests, units } from "./trackerMessages.ts";

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
  setRegion: { actions: "noteDeferred" },
} as const;

const { types, on } = machineTypes<
  TrackerContext,
  TrackerEvent,
  TrackerInput,
  SendEmission | SendAllEmission | DeviceEmission<TrackerRequest>
>();

export const trackerMachine = setup({
  types,
  actions: {
    noteRequester: assign({
      requester: on(["arm", "harvest", "disarm"], ({ event }) => event.requester),
    }),
    noteLetsRun: assign({ letsRun: on("harvest", ({ event }) => event.live === true) }),
    // Not what was asked: without memory for logs it is write protection.
    noteTechnique: assign(
      on(["tablesChanged", "pieceDone"], ({ event: { answer } }) =>
        answer?.type === "armed" ? { technique: answer.technique } : {},
      ),
    ),
    notePiece: assign({
      controlCycles: on("pieceDone", ({ context, event }) => context.controlCycles + event.cycles),
    }),
    forgetLetsRun: assign({ letsRun: false }),
    noteFlush: assign(
      on("tablesChanged", ({ context, event: { answer, cycles } }) => {
        const controlCycles = context.controlCycles + cycles;
        return { answer, controlCycles, awaited: context.awaited + context.dispatchers.length };
      }),
    ),
    notePeek: assign({
      controlCycles: on(
        "harvestPeeked",
        ({ context, event }) => context.controlCycles + event.cycles,
      ),
    }),
    noteDeferred: assign({
      deferred: on(["arm", "harvest", "disarm", "setRegion"], ({ context, event }) => [
        ...context.deferred,
        event,
      ]),
    }),
    forgetDeferred: assign({ deferred: [] }),
    noteDone: assign({ awaited: ({ context }) => context.awaited - 1 }),
    noteServed: assign(
      on(["exitServed", "ringFull"], ({ context, event: { cycles, drainedVcpu, loading } }) => {
        const drained = drainedVcpu >= 0 ? 1 : 0;
        return {
          drains: context.drains + drained,
          violations: context.violations + (loading ? 0 : 1) - drained,
          handlerCycles: context.handlerCycles + cycles,
        };
      }),
    ),
    noteHeldBack: assign({
      heldBack: on("reapDue", ({ context, event }) => [...context.heldBack, event.dispatcher]),
    }),
    awaitReaped: assign(
      on("ringsReaped", ({ context, event }) => ({
        awaited: context.awaited + context.dispatchers.length,
        handlerCycles: context.handlerCycles + event.cycles,
      })),
    ),
    awaitFlush: assign(
      on("regionBegun", ({ context, event }) => ({
        awaited: context.awaited + context.dispatchers.length,
        controlCycles: context.controlCycles + event.cycles,
      })),
    ),
    forgetHeldBack: assign({ heldBack: [] }),
    forgetTechnique: assign({ technique: "none" }),
    askArm: emit(
      on("arm", ({ event: { technique, pages } }) =>
        request({ op: "arm", technique, pages: pages ?? null }),
      ),
    ),
    askHarvest: emit(
      on("harvest", ({ event: { mode, pages } }) =>
        request({ op: "harvest", mode, pages: pages ?? null }),
      ),
    ),
    askDisarm: emit(() => request({ op: "disarm" })),
    askServeLogFull: emit(
      on("logFullExit", ({ event: { vcpu, dispatcher } }) =>
        request({ op: "serveLogFull", vcpu, dispatcher }),
      ),
    ),
    askServeViolation: emit(
      on("eptViolation", ({ event: { vcpu, page, qualification, dispatcher } }) =>
        request({ op: "serveViolation", vcpu, page, qualification, dispatcher }),
      ),
    ),
    askResolve: emit(
      on("eptMisconfiguration", ({ event: { vcpu, page, dispatcher } }) =>
        request({ op: "resolveTypes", vcpu, page, dispatcher }),
      ),
    ),
    // Behind one that found something each other vCPU may find nothing, once (Xen ept_handle_misconfig).
    noteResolved: assign(
      on("typesResolved", ({ context, event: { entries, vcpu, vcpus, cycles } }) => ({
        misconfigurations: context.misconfigurations + 1,
        handlerCycles: context.handlerCycles + cycles,
        spurious: (entries > 0 ? vcpus : context.spurious).filter((one) => one !== vcpu),
      })),
    ),
    sendResolved: emit(
      on("typesResolved", ({ context, event: { entries, vcpu, dispatcher, cycles } }) => {
        const fixed = entries > 0 || context.spurious.includes(vcpu);
        return send(dispatcher, { type: "handled", fixed }, cycles);
      }),
    ),
    askMarkPv: emit(
      on("pvWritten", ({ event: { vcpu, dispatcher } }) =>
        request({ op: "markPv", vcpu, dispatcher }),
      ),
    ),
    askSetRegion: emit(
      on("setRegion", ({ event: { type: _, ...region } }) => request({ op: "setRegion", region })),
    ),
    askCommit: emit(() => request({ op: "commitRegion" })),
    askReap: emit(() => request({ op: "reapRings" })),
    askFlushed: emit(({ context }) => request({ op: "flushed", after: context.answer.type })),
    askUnflushed: emit(
      on("tablesChanged", ({ event }) => request({ op: "flushed", after: event.answer.type })),
    ),
    askGoOn: emit(() => request({ op: "goOn" })),
    sendPieceDue: emit(
      on("pieceDone", ({ context, event }) =>
        send(context.self, { type: "pieceDue" }, event.cycles),
      ),
    ),
    sendBegun: emit(
      on(["tablesChanged", "pieceDone"], ({ context, event: { cycles } }) => {
        const { letsRun, requester, vm } = context;
        return sendAll(letsRun ? [send(requester, { type: "harvestBegun", vm }, cycles)] : []);
      }),
    ),
    sendInvepts: emit(
      on(["tablesChanged", "ringsReaped", "regionBegun"], ({ context, event }) =>
        sendAll(inveptRequests(context, event.cycles)),
      ),
    ),
    sendEnable: emit(
      on(["tablesChanged", "pieceDone"], ({ context, event }) =>
        sendAll(units(context, event).map((unit) => send(unit, { type: "enableLog" }))),
      ),
    ),
    sendDisable: emit(
      on(["tablesChanged", "pieceDone"], ({ context, event }) =>
        sendAll(units(context, event).map((unit) => send(unit, { type: "disableLog" }))),
      ),
    ),
    sendArmed: emit(
      on("arm", ({ context, event: { technique } }) =>
        send(context.requester, { type: "armed", technique }),
      ),
    ),
    sendArmedAlready: emit(
      on("arm", ({ context, event }) =>
        send(event.requester, { type: "armed", technique: context.technique }),
      ),
    ),
    sendArmRefused: emit(
      on("arm", ({ context: { vm, technique }, event }) =>
        send(event.requester, {
          type: "armRefused",
          vm,
          error: "EINVAL",
          technique,
        }),
      ),
    ),
    sendDeferred: emit(({ context }) =>
      sendAll(context.deferred.map((message) => send(context.self, message))),
    ),
    sendDisarmed: emit(({ context }) => send(context.requester, { type: "disarmed" })),
    sendNothing: emit(
      on("harvest", ({ context: { requester, vm }, event }) => {
        const harvested = {
          type: "harvested",
          pagesWritten: null,
          pagesTouched: null,
          guestPageTables: 0,
          cycles: 0,
        } as const;
        if (event.live !== true) return send(requester, harvested);
        return sendAll([send(requester, { type: "harvestBegun", vm }), send(requester, harvested)]);
      }),
    ),
    sendAnswer: emit(({ context }) => send(context.requester, context.answer)),
    sendPeeked: emit(
      on("harvestPeeked", ({ context, event: { answer, cycles } }) =>
        send(context.requester, answer, cycles),
      ),
    ),
    sendHandled: emit(
      on("exitServed", ({ context, event: { dispatcher, fixed, cycles, drainedVcpu } }) => {
        const handled = send(dispatcher, { type: "handled", fixed }, cycles);
        if (drainedVcpu < 0) return handled;
        return sendAll([...indexReset(context, drainedVcpu, cycles), handled]);
      }),
    ),
    sendPageFault: emit(
      on("pageMissing", ({ context, event: { vcpu, page, dispatcher } }) =>
        send(context.pager, { type: "pageFault", vm: context.vm, vcpu, page, dispatcher }),
      ),
    ),
    sendNotFixed: emit(
      on("pageMissing", ({ event }) => send(event.dispatcher, { type: "handled", fixed: false })),
    ),
    // The drain takes its time; user space, which resets the ring, has its turn after it.
    sendReapDue: emit(
      on("ringFull", ({ context, event: { cycles, drainedVcpu, dispatcher } }) =>
        send(context.self, { type: "reapDue", drainedVcpu, dispatcher }, cycles),
      ),
    ),
    sendIndexReset: emit(
      on("reapDue", ({ context, event }) => sendAll(indexReset(context, event.drainedVcpu, 0))),
    ),
    sendHeldBack: emit(({ context }) =>
      sendAll(
        context.heldBack.map((dispatcher) => send(dispatcher, { type: "handled", fixed: true })),
      ),
    ),
    sendAnswerUnflushed: emit(
      on("tablesChanged", ({ context, event: { answer, cycles } }) =>
        send(context.requester, answer, cycles),
      ),
    ),
  },
  guards: {
    hasPager: ({ context }) => context.pager !== 0,
    answersLikeKvm: ({ context }) => context.armedTwice === "kvm",
    isOff: ({ context }) => context.technique === "none",
    isNone: on("arm", ({ event }) => event.technique === "none"),
    isLast: ({ context }) => context.awaited === 1,
    isLastOfDisarm: ({ context }) => context.awaited === 1 && context.answer.type === "disarmed",
    armsUnflushed: on(
      "tablesChanged",
      ({ context, event }) => context.skipInvept && event.answer.type === "armed",
    ),
    harvestsUnflushed: on(
      "tablesChanged",
      ({ context, event }) => context.skipInvept && event.answer.type === "harvested",
    ),
    isArmingPiece: on("pieceDone", ({ event }) => event.answer !== null),
    beginsDisarming: on("pieceDone", ({ event }) => event.unit !== NO_UNIT),
    isArming: on("tablesChanged", ({ event }) => event.answer.type === "armed"),
    isDisarming: on("tablesChanged", ({ event }) => event.answer.type === "disarmed"),
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
    spurious: [],
    violations: 0,
    misconfigurations: 0,
    drains: 0,
    handlerCycles: 0,
    controlCycles: 0,
  }),
  initial: "off",
  on: {
    logFullExit: { actions: "askServeLogFull" },
    eptViolation: { actions: "askServeViolation" },
    eptMisconfiguration: { actions: "askResolve" },
    typesResolved: { actions: ["sendResolved", "noteResolved"] },
    pvWritten: { actions: "askMarkPv" },
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
        setRegion: { target: "preparing", actions: "askSetRegion" },
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
        regionKept: [{ guard: "isOff", target: "off" }, { target: "logging" }],
        regionBegun: { target: "changing", actions: ["awaitFlush", "sendInvepts"] },
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
    changing: {
      on: {
        inveptDone: [
          { guard: "isLast", actions: ["noteDone", "askCommit"] },
          { actions: "noteDone" },
        ],
        regionCommitted: [
          { guard: "isOff", target: "off", actions: ["sendDeferred", "forgetDeferred"] },
          { target: "logging", actions: ["sendDeferred", "forgetDeferred"] },
        ],
        ...DEFERRED,
      },
    },
    logging: {
      on: {
        harvest: { target: "preparing", actions: ["noteRequester", "noteLetsRun", "askHarvest"] },
        disarm: { target: "preparing", actions: ["noteRequester", "askDisarm"] },
        setRegion: { target: "preparing", actions: "askSetRegion" },
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
