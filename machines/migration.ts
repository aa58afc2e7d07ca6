/**
 * The toolstack migrating a VM live, by pre-copy: all pages are sent while the VM runs, then those that
 * were written meanwhile, round after round; at last the VM is suspended and the rest is sent. Each
 * harvest is a CLEAN with the VM paused around it (Xen paging_log_dirty_op). When to do what is a
 * policy's decision (src/hypervisor/migration); which pages they are is the device's business.
 *
 *   state           | event                    | next            | emits
 *   ----------------|--------------------------|-----------------|-------------------------------------
 *   created         | begin                    | running         | startVm for every VM, timers
 *   running         | migrationDue             | running         | device: clock
 *   running         | clock                    | pausingToArm    | pauseVm; timers of abort and failure
 *   pausingToArm    | vmPaused                 | arming          | arm
 *   arming          | armed                    | arming          | unpauseVm; device: queueAll
 *   arming          | armRefused               | arming          | disarm
 *   arming          | disarmed                 | arming          | arm
 *   arming          | queued                   | judging         | setThrottle, if save() takes time from the guest
 *   judging         | cancelled, policy aborts | pausingToCancel | pauseVm, throttle off; device: clock
 *   judging         | policy stops             | suspending      | pauseVm, throttle off
 *   judging         | policy sends             | sending         | device: takeBatch
 *   sending         | batchTaken               | sending         | batchArrived to itself, by the link
 *   sending         | batchArrived             | sending         | device: clock
 *   sending         | clock                    | deciding        | -
 *   sending         | abortDue, linkDown       | pausingToCancel | pauseVm, throttle off; device: clock
 *   deciding        | policy sends             | sending         | device: takeBatch
 *   deciding        | policy stops             | suspending      | pauseVm, throttle off
 *   deciding        | policy harvests          | pausing         | pauseVm
 *   pausing         | vmPaused                 | harvesting      | harvest
 *   harvesting      | harvested                | harvesting      | unpauseVm; device: queueHarvest
 *   harvesting      | queued                   | judging         | setThrottle, if auto-converge is on
 *   suspending      | vmPaused                 | suspending      | device: finishStep
 *   suspending      | stepFinished             | harvestingLast  | harvest
 *   harvestingLast  | harvested                | harvestingLast  | device: queueHarvest
 *   harvestingLast  | queued                   | sendingLast     | device: takeBatch
 *   harvestingLast  | queued, cancelled        | cancelling      | disarm; device: clock
 *   sendingLast     | batchTaken               | sendingLast     | batchArrived to itself, by the link
 *   sendingLast     | batchArrived             | sendingLast     | device: clock
 *   sendingLast     | clock                    | sendingLast     | device: takeBatch
 *   sendingLast     | batchTaken, no pages     | sendingLast     | destinationReady to itself, by the link
 *   sendingLast     | destinationReady         | sendingLast     | device: compare
 *   sendingLast     | compared                 | disarming       | disarm
 *   sendingLast     | abortDue, linkDown       | cancelling      | disarm; device: clock
 *   judging, deciding | goes on as post-copy   | suspending      | pauseVm, throttle off
 *   harvestingLast  | queued, post-copy        | packaging       | device: package
 *   packaging, switching, postcopy, paused, comparing: machines/postcopyStates.ts
 *   disarming       | disarmed                 | settling        | unpauseVm: it runs at the destination
 *   disarming       | disarmed, to be repeated | running         | unpauseVm; migrationDue to itself
 *   disarming       | disarmed, enough         | done            | -
 *   pausingToCancel | vmPaused                 | cancelling      | disarm
 *   cancelling      | disarmed                 | settling        | unpauseVm: it runs on at the source
 *   cancelling      | disarmed, to be repeated | running         | unpauseVm; migrationDue to itself
 *   cancelling      | disarmed, all VMs halted | done            | -
 *   settling        | settled; vmHalted, last  | done            | -
 *   any             | deadline                 | done            | -
 *   any             | abortDue, linkDown       | -               | -: noted, where it is not said above
 *   other than running | migrationDue          | -               | ignored: the migration has begun before its time
 *   any             | batchArrived, destinationReady | -         | ignored: the attempt was given up
 *   any             | postcopyDue              | -               | -: it is asked for
 *   any             | packageArrived           | -               | ignored: the attempt was given up
 *   any             | recoverDue               | -               | ignored: no link is down
 *   done            | settled                  | done            | ignored: the run is over
 */
import { assign, emit, setup } from "xstate";
import { convergeAtSync, convergeFrom } from "../src/hypervisor/migration/autoConverge.ts";
import * as progress from "../src/hypervisor/migration/progress.ts";
import { pagesWithin, quotaWait } from "../src/hypervisor/migration/quota.ts";
import { workCycles } from "../src/hypervisor/migration/saveWork.ts";
import { PAGE_BYTES } from "../src/hypervisor/migration/stats.ts";
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
import { stopVm } from "./everyVm.ts";
import {
  answerAfter,
  answerBefore,
  attemptOf,
  begun,
  cancelled,
  firstTimers,
  goesPostcopy,
  isToBeRepeated,
  linkLost,
  type MigrationContext,
  type MigrationEvent,
  type MigrationInput,
  type MigrationRequest,
  pause,
  settling,
  throttle,
  timers,
  unpause,
} from "./migrationContext.ts";
import { POSTCOPY_STATES } from "./postcopyStates.ts";

const { types, on } = machineTypes<
  MigrationContext,
  MigrationEvent,
  MigrationInput,
  SendEmission | SendAllEmission | DeviceEmission<MigrationRequest>
>();

export const migrationMachine = setup({
  types,
  actions: {
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteAbort: assign(({ context }) => cancelled(context, "operator")),
    noteLinkDown: assign(({ context }) => cancelled(context, "link")),
    noteDeadline: assign(({ context }) => cancelled(context, "deadline")),
    noteGivenUp: assign(({ context }) => cancelled(context, "policy")),
    noteStart: assign(on("clock", ({ context, event }) => begun(context, event.now))),
    noteArmed: assign(
      on("queued", ({ context, event: { now } }) => ({
        progress: { ...context.progress, armedTime: now },
        converge: convergeFrom(now),
      })),
    ),
    noteSync: assign(
      on("queued", ({ context, event: { now, found, pending } }) => ({
        progress: progress.synced(context.progress, now, found, pending),
      })),
    ),
    // Before noteSync: what was sent counts from the synchronisation before this one.
    noteConverge: assign(
      on("queued", ({ context, event }) => {
        const { policy, converge, throttleSteps } = context;
        if (policy.kind !== "qemu" || policy.autoConverge === null) return {};
        const { now, found } = event;
        const sent = context.progress.bytesSent - context.progress.bytesAtSync;
        const next = convergeAtSync(policy.autoConverge, converge, now, found * PAGE_BYTES, sent);
        if (next.percent === converge.percent) return { converge: next };
        return {
          converge: next,
          throttleSteps: [...throttleSteps, { time: now, percent: next.percent }],
        };
      }),
    ),
    openRound: assign(({ context }) => ({
      progress: progress.roundOpened(context.progress, true),
      stopsAfterRound: answerBefore(context) === "sendThenStop",
    })),
    openLastRound: assign(({ context }) => ({
      progress: progress.roundOpened(context.progress, false),
    })),
    noteBatch: assign(
      on("batchTaken", ({ context, event: { pages, bytes, pending } }) => ({
        progress: progress.batchTaken(context.progress, pages, bytes, pending),
      })),
    ),
    noteArrival: assign(
      on("clock", ({ context, event }) => ({
        progress: progress.batchArrived(context.progress, event.now),
      })),
    ),
    closeRound: assign(({ context }) => ({ progress: progress.roundClosed(context.progress) })),
    noteSuspend: assign(
      on(["clock", "queued"], ({ context, event: { now } }) => ({
        progress: { ...context.progress, suspendTime: now },
      })),
    ),
    noteCompared: assign(
      on("compared", ({ context, event: { now, firstDifference } }) => ({
        progress: progress.ended(context.progress, now),
        comparison: firstDifference < 0 ? ("equal" as const) : ("different" as const),
        firstDifference,
      })),
    ),
    notePostcopy: assign({ postcopyAsked: true }),
    noteSwitched: assign(
      on("switched", ({ context, event }) => ({
        progress: { ...context.progress, resumeTime: event.now, pendingPages: event.missing },
      })),
    ),
    noteLinkLost: assign({ linkIsDown: true }),
    noteLinkBack: assign({ linkIsDown: false, link: ({ context }) => context.link + 1 }),
    noteCancelTime: assign(
      on("clock", ({ context, event }) => ({
        progress: { ...context.progress, endTime: event.now },
      })),
    ),
    askClock: emit(() => request({ op: "clock" })),
    askQueueAll: emit(() => request({ op: "queueAll" })),
    askQueueHarvest: emit(() => request({ op: "queueHarvest", forget: false })),
    askQueueLast: emit(({ context }) =>
      request({ op: "queueHarvest", forget: context.forgetsCleaned }),
    ),
    askFinishStep: emit(() => request({ op: "finishStep" })),
    askBatch: emit(({ context: { policy, progress, batchPages } }) =>
      request({ op: "takeBatch", pages: pagesWithin(policy, progress, batchPages) }),
    ),
    askCompare: emit(() => request({ op: "compare" })),
    askPackage: emit(() => request({ op: "package" })),
    askSwitch: emit(() => request({ op: "switchOver" })),
    askCompareSent: emit(() => request({ op: "compareSent" })),
    sendStarts: emit(({ context }) => {
      const { scheduler, sampler, vms, startCycles, deadlineCycles } = context;
      return sendAll([
        ...Array.from({ length: vms }, (_, vm) => send(scheduler, { type: "startVm", vm })),
        send(sampler, { type: "startSampling" }),
        ...timers(
          context,
          [{ type: "migrationDue" }, startCycles],
          [{ type: "deadline" }, deadlineCycles > 0 ? deadlineCycles : -1],
        ),
      ]);
    }),
    sendTimers: emit(({ context }) => sendAll(firstTimers(context))),
    sendPause: emit(({ context }) => pause(context)),
    // Tracking ends: what devices have written is marked before.
    sendPauseUnthrottled: emit(({ context }) =>
      sendAll([...throttle(context, 0), stopVm(context, context.vm)]),
    ),
    sendUnpause: emit(({ context }) => unpause(context)),
    sendUnpauseAgain: emit(({ context }) =>
      sendAll([
        unpause(context),
        ...timers(context, [{ type: "migrationDue" }, context.repeatCycles]),
      ]),
    ),
    sendUnpauseSettling: emit(({ context }) => sendAll([unpause(context), ...settling(context)])),
    sendSettling: emit(({ context }) => sendAll(settling(context))),
    sendThrottle: emit(({ context }) =>
      sendAll(context.converge.percent === 0 ? [] : throttle(context, context.converge.percent)),
    ),
    sendInterference: emit(({ context }) => {
      const { interference } = context.save;
      return sendAll(interference === 0 ? [] : throttle(context, interference));
    }),
    sendArm: emit(({ context: { tracker, technique, self } }) =>
      send(tracker, { type: "arm", technique, requester: self }),
    ),
    sendHarvest: emit(({ context: { tracker, self } }) =>
      send(tracker, { type: "harvest", mode: "clean", requester: self }),
    ),
    sendDisarm: emit(({ context: { tracker, self } }) =>
      send(tracker, { type: "disarm", requester: self }),
    ),
    // A batch occupies the link, and the next one is read when it has arrived, and the quota allows it.
    sendArrival: emit(
      on("batchTaken", ({ context, event: { bytes, pages, fresh, now } }) => {
        const { policy, latencyCycles, cyclesPerByte, save } = context;
        const link =
          latencyCycles + Math.ceil(bytes * cyclesPerByte) + workCycles(save, pages, fresh);
        // The batch is noted already.
        const cycles = Math.max(link, quotaWait(policy, context.progress, 0, now));
        return send(context.self, { type: "batchArrived", ...attemptOf(context) }, cycles);
      }),
    ),
    sendPackage: emit(
      on("packaged", ({ context, event: { bytes } }) => {
        const { self, latencyCycles, cyclesPerByte } = context;
        const cycles = latencyCycles + Math.ceil(bytes * cyclesPerByte);
        return send(self, { type: "packageArrived" }, cycles);
      }),
    ),
    // The destination runs the VM, and the source sends on, if there is a link.
    sendPostcopy: emit(({ context }) =>
      sendAll([
        unpause(context),
        send(context.sender, { type: "startPostcopy" }),
        ...(context.linkIsDown ? linkLost(context) : []),
      ]),
    ),
    sendLinkLost: emit(({ context }) => sendAll(linkLost(context))),
    sendLinkBack: emit(({ context: { sender, link } }) => send(sender, { type: "linkBack", link })),
    sendReady: emit(({ context }) => {
      const message = { type: "destinationReady", ...attemptOf(context) } as const;
      return send(context.self, message, context.latencyCycles + context.save.resumeCycles);
    }),
  },
  guards: {
    isCancelled: ({ context }) => context.cancelledBy !== "nobody",
    goesPostcopy: ({ context }) => goesPostcopy(context),
    isSwitched: ({ context }) => context.progress.resumeTime >= 0,
    isNothingMissing: ({ context }) => context.progress.pendingPages === 0,
    isLinkDown: ({ context }) => context.linkIsDown,
    policyAborts: ({ context }) => answerBefore(context) === "abort",
    policyStops: ({ context }) => answerBefore(context) === "stop",
    policySendsOn: ({ context }) => answerAfter(context) === "send",
    policyStopsNow: ({ context }) => answerAfter(context) === "stop",
    isEmpty: on("batchTaken", ({ event }) => event.pages === 0),
    isToBeRepeated: ({ context }) => isToBeRepeated(context),
    isOfThisAttempt: on(
      ["batchArrived", "destinationReady"],
      ({ context, event }) => event.attempt === attemptOf(context).attempt,
    ),
    isEnough: ({ context }) => context.settleCycles === 0 || context.halted === context.vms,
    allAreHalted: ({ context }) => context.halted === context.vms,
    isLastToHalt: ({ context }) => context.halted + 1 === context.vms,
  },
}).createMachine({
  id: "migration",
  context: ({ input }) => ({
    ...input,
    progress: progress.NO_PROGRESS,
    earlier: [],
    converge: convergeFrom(0),
    throttleSteps: [],
    stopsAfterRound: false,
    cancelledBy: "nobody",
    postcopyAsked: false,
    link: 0,
    linkIsDown: false,
    halted: 0,
    comparison: "none",
    firstDifference: -1,
  }),
  initial: "created",
  on: {
    vmHalted: { actions: "noteHalted" },
    abortDue: { actions: "noteAbort" },
    linkDown: { actions: "noteLinkDown" },
    migrationDue: ignored("the migration has begun before its time"),
    batchArrived: ignored("the attempt was given up"),
    destinationReady: ignored("the attempt was given up"),
    packageArrived: ignored("the attempt was given up"),
    postcopyDue: { actions: "notePostcopy" },
    recoverDue: ignored("no link is down"),
    deadline: { target: ".done", actions: "noteDeadline" },
  },
  states: {
    created: {
      on: { begin: { target: "running", actions: "sendStarts" } },
    },
    running: {
      on: {
        migrationDue: { actions: "askClock" },
        clock: { target: "pausingToArm", actions: ["noteStart", "sendPause", "sendTimers"] },
      },
    },
    pausingToArm: {
      on: { vmPaused: { target: "arming", actions: "sendArm" } },
    },
    arming: {
      on: {
        armed: { actions: ["sendUnpause", "askQueueAll"] },
        queued: { target: "judging", actions: ["noteArmed", "noteSync", "sendInterference"] },
        // Somebody else has armed it: off, and on again (xg_sr_save.c, enable_logdirty).
        armRefused: { actions: "sendDisarm" },
        disarmed: { actions: "sendArm" },
      },
    },
    judging: {
      always: [
        {
          guard: "isCancelled",
          target: "pausingToCancel",
          actions: ["sendPauseUnthrottled", "askClock"],
        },
        {
          guard: "goesPostcopy",
          target: "suspending",
          actions: ["noteSuspend", "sendPauseUnthrottled"],
        },
        {
          guard: "policyAborts",
          target: "pausingToCancel",
          actions: ["noteGivenUp", "sendPauseUnthrottled", "askClock"],
        },
        {
          guard: "policyStops",
          target: "suspending",
          actions: ["noteSuspend", "sendPauseUnthrottled"],
        },
        { target: "sending", actions: ["openRound", "askBatch"] },
      ],
    },
    sending: {
      on: {
        batchTaken: { actions: ["noteBatch", "sendArrival"] },
        batchArrived: [
          { guard: "isOfThisAttempt", actions: "askClock" },
          ignored("the attempt was given up"),
        ],
        clock: { target: "deciding", actions: "noteArrival" },
        abortDue: {
          target: "pausingToCancel",
          actions: ["noteAbort", "sendPauseUnthrottled", "askClock"],
        },
        linkDown: {
          target: "pausingToCancel",
          actions: ["noteLinkDown", "sendPauseUnthrottled", "askClock"],
        },
      },
    },
    deciding: {
      always: [
        {
          guard: "goesPostcopy",
          target: "suspending",
          actions: ["closeRound", "noteSuspend", "sendPauseUnthrottled"],
        },
        { guard: "policySendsOn", target: "sending", actions: "askBatch" },
        {
          guard: "policyStopsNow",
          target: "suspending",
          actions: ["closeRound", "noteSuspend", "sendPauseUnthrottled"],
        },
        { target: "pausing", actions: ["closeRound", "sendPause"] },
      ],
    },
    pausing: {
      on: { vmPaused: { target: "harvesting", actions: "sendHarvest" } },
    },
    harvesting: {
      on: {
        harvested: { actions: ["sendUnpause", "askQueueHarvest"] },
        queued: { target: "judging", actions: ["noteConverge", "noteSync", "sendThrottle"] },
      },
    },
    suspending: {
      on: {
        vmPaused: { actions: "askFinishStep" },
        stepFinished: { target: "harvestingLast", actions: "sendHarvest" },
      },
    },
    harvestingLast: {
      on: {
        harvested: { actions: "askQueueLast" },
        queued: [
          { guard: "isCancelled", target: "cancelling", actions: ["sendDisarm", "askClock"] },
          { guard: "goesPostcopy", target: "packaging", actions: ["noteSync", "askPackage"] },
          { target: "sendingLast", actions: ["noteSync", "openLastRound", "askBatch"] },
        ],
      },
    },
    sendingLast: {
      on: {
        batchTaken: [
          { guard: "isEmpty", actions: "sendReady" },
          { actions: ["noteBatch", "sendArrival"] },
        ],
        batchArrived: [
          { guard: "isOfThisAttempt", actions: "askClock" },
          ignored("the attempt was given up"),
        ],
        clock: { actions: ["noteArrival", "askBatch"] },
        destinationReady: [
          { guard: "isOfThisAttempt", actions: "askCompare" },
          ignored("the attempt was given up"),
        ],
        compared: {
          target: "disarming",
          actions: ["closeRound", "noteCompared", "sendDisarm"],
        },
        abortDue: { target: "cancelling", actions: ["noteAbort", "sendDisarm", "askClock"] },
        linkDown: { target: "cancelling", actions: ["noteLinkDown", "sendDisarm", "askClock"] },
      },
    },
    ...POSTCOPY_STATES,
    disarming: {
      on: {
        disarmed: [
          { guard: "isToBeRepeated", target: "running", actions: "sendUnpauseAgain" },
          { guard: "isEnough", target: "done" },
          { target: "settling", actions: "sendUnpauseSettling" },
        ],
      },
    },
    pausingToCancel: {
      on: {
        clock: { actions: "noteCancelTime" },
        vmPaused: { target: "cancelling", actions: "sendDisarm" },
      },
    },
    cancelling: {
      on: {
        clock: { actions: "noteCancelTime" },
        disarmed: [
          { guard: "isToBeRepeated", target: "running", actions: "sendUnpauseAgain" },
          { guard: "allAreHalted", target: "done" },
          { target: "settling", actions: "sendUnpauseSettling" },
        ],
      },
    },
    settling: {
      on: {
        settled: "done",
        vmHalted: [
          { guard: "isLastToHalt", target: "done", actions: "noteHalted" },
          { actions: "noteHalted" },
        ],
      },
    },
    done: {
      on: { settled: ignored("the run is over") },
    },
  },
});
