/**
 * The toolstack in the pVM, checkpointing running VMs in the manner of Remus (NSDI'08): at the end of
 * each epoch the VMs stop for as long as it takes to copy the dirty pages into a staging buffer; the
 * buffer is written while they run on; what they sent out during the epoch is held until the storage
 * has acknowledged it. There is one staging buffer, so an epoch does not end before the last
 * checkpoint is acknowledged. The first checkpoint holds all pages and is taken before the VMs run.
 *
 *   state       | event                      | next        | emits
 *   ------------|----------------------------|-------------|----------------------------------------
 *   created     | begin                      | arming      | arm to every tracker
 *   arming      | armed                      | arming      | -
 *   arming      | armed, last                | copying     | device: copy (all pages)
 *   arming      | armRefused                 | arming      | disarm to that tracker, if none is being switched off
 *   arming      | disarmed                   | arming      | arm to that tracker; disarm to the next that refused
 *   copying     | pagesCopied                | copying     | checkpointCopied to itself; device: keepState
 *   copying     | checkpointCopied           | running     | startVm or unpauseVm for every VM; epochDue and
 *               |                            |             | checkpointWritten to itself; device: release
 *   copying     | checkpointCopied, ending   | finishing   | checkpointWritten to itself; device: release
 *   running     | checkpointWritten          | running     | device: commit
 *   running     | committed                  | running     | -
 *   running     | writeFailed                | stopping    | pauseVm for every VM
 *   running     | epochDue                   | pausing     | pauseVm for every VM; device: notePause
 *   running     | epochDue, not acknowledged | late        | -
 *   running     | deadline; vmHalted, last   | pausing     | as epochDue: the last checkpoint
 *   running     | the same, not acknowledged | late        | -
 *   late        | checkpointWritten          | late        | device: commit
 *   late        | committed                  | pausing     | pauseVm for every VM; device: notePause
 *   late        | writeFailed                | stopping    | pauseVm for every VM
 *   late        | writeFailed, ending        | failed      | -
 *   pausing     | vmPaused                   | pausing     | -
 *   pausing     | vmPaused, last             | pausing     | device: finishStep
 *   pausing     | stepFinished               | harvesting  | harvest to every tracker
 *   harvesting  | harvested                  | harvesting  | -
 *   harvesting  | harvested, last            | copying     | device: copy (the harvested pages)
 *   finishing   | checkpointWritten          | finishing   | device: commit
 *   finishing   | committed                  | done        | -
 *   finishing   | writeFailed                | failed      | -
 *   stopping    | vmPaused                   | stopping    | -
 *   stopping    | vmPaused, last             | disarming   | disarm to every tracker
 *   disarming   | disarmed                   | disarming   | -
 *   disarming   | disarmed, last             | unprotected | unpauseVm for every VM
 *   disarming   | disarmed, last, ending     | failed      | -
 *   unprotected | deadline; vmHalted, last   | failed      | -
 *   any         | deadline; vmHalted, last   | -           | -: the next checkpoint is the last
 *   any         | noted                      | -           | ignored: nothing waits for it
 *   other than running | epochDue            | -           | ignored: no further epoch ends by time
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
import * as kind from "../src/interconnect/fields.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import { type Message, technique } from "../src/interconnect/messages.ts";
import { switchOff, switchOn } from "./armAgain.ts";
import { armAll, cleanAll, stopAll, unpauseAll } from "./everyVm.ts";

/** What it is set up with. */
export const checkpointLiveInput = {
  self: kind.actor,
  scheduler: kind.actor,
  trackers: kind.listBy("vm", kind.actor),
  technique: technique,
  // Shortest time that VMs run between two checkpoints.
  epochCycles: kind.cycles,
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
  // Whether devices are drained where the VMs stop; absent: there are none.
  drainsDevices: kind.flag.exactOptional(),
} as const satisfies kind.Fields;
export type CheckpointLiveInput = kind.Values<typeof checkpointLiveInput>;

/** What its state holds besides its input. */
export const checkpointLiveFields = {
  // Answers still missing in the present step.
  missing: kind.count,
  // VMs whose trackers somebody else has armed: see armAgain.ts.
  refused: kind.list(kind.vm),
  halted: kind.count,
  ending: kind.flag,
  started: kind.flag,
  // A checkpoint is on its way to the storage; its writing takes so many cycles.
  writing: kind.flag,
  writeCycles: kind.statistic(kind.cycles),
  // Epochs that had to wait for the acknowledgement of the checkpoint before.
  lateEpochs: kind.statistic(kind.count),
  // Why a checkpoint could not be written, one sentence each.
  failures: kind.statistic(kind.list(kind.text)),
} as const satisfies kind.Fields;

export interface CheckpointLiveContext
  extends CheckpointLiveInput,
    kind.Values<typeof checkpointLiveFields> {}

/** What the checkpointing machines ask of their device, which has the clock, the buffer and the file. */
export type CheckpointRequest =
  // The VMs are about to stop; they are about to go on, or have ended.
  | { readonly op: "notePause" }
  | { readonly op: "release" }
  // VMs that stand still: what is left of a step of their machines is done by software, before it is asked what was written.
  | { readonly op: "finishStep" }
  // Into the staging buffer, of every VM: all its pages, or those of the last harvest.
  | { readonly op: "copy"; readonly all: boolean }
  // The state of everything that is not memory of the VMs, to go with the checkpoint.
  | { readonly op: "keepState" }
  | { readonly op: "commit" };

export type CheckpointReply =
  | { readonly type: "noted" }
  | { readonly type: "stepFinished" }
  | { readonly type: "pagesCopied"; readonly copyCycles: number; readonly writeCycles: number }
  | { readonly type: "committed" }
  | { readonly type: "writeFailed"; readonly failure: string };

type CheckpointLiveEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "armed"
          | "armRefused"
          | "vmHalted"
          | "vmPaused"
          | "harvested"
          | "disarmed"
          | "deadline"
          | "epochDue"
          | "checkpointCopied"
          | "checkpointWritten";
      }
    >
  | CheckpointReply;

const { types, on } = machineTypes<
  CheckpointLiveContext,
  CheckpointLiveEvent,
  CheckpointLiveInput,
  SendEmission | SendAllEmission | DeviceEmission<CheckpointRequest>
>();

export const checkpointLiveMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.trackers.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteEnding: assign({ ending: true }),
    noteStarted: assign({ started: true }),
    noteLate: assign({ lateEpochs: ({ context }) => context.lateEpochs + 1 }),
    noteCopied: assign({
      writeCycles: on("pagesCopied", ({ event }) => event.writeCycles),
    }),
    noteWriting: assign({ writing: true }),
    noteWritten: assign({ writing: false }),
    noteFailure: assign({
      failures: on("writeFailed", ({ context, event }) => [...context.failures, event.failure]),
    }),
    sendArms: emit(({ context }) => armAll(context)),
    sendOff: emit(
      on("armRefused", ({ context, event: { vm } }) => sendAll(switchOff(context, vm))),
    ),
    sendOn: emit(({ context }) => sendAll(switchOn(context))),
    noteRefused: assign(
      on("armRefused", ({ context, event: { vm } }) => ({ refused: [...context.refused, vm] })),
    ),
    forgetRefused: assign({ refused: ({ context }) => context.refused.slice(1) }),
    sendCopied: emit(
      on("pagesCopied", ({ context, event }) =>
        send(context.self, { type: "checkpointCopied" }, event.copyCycles),
      ),
    ),
    sendWritten: emit(({ context }) =>
      send(context.self, { type: "checkpointWritten" }, context.writeCycles),
    ),
    sendRuns: emit(({ context }) => {
      const type = context.started ? "unpauseVm" : "startVm";
      const { self, deadlineCycles } = context;
      const timed = !context.started && deadlineCycles > 0;
      return sendAll([
        ...context.trackers.map((_, vm) => send(context.scheduler, { type, vm })),
        send(self, { type: "epochDue" }, context.epochCycles),
        ...(timed ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
      ]);
    }),
    sendPauses: emit(({ context }) => stopAll(context)),
    sendHarvests: emit(({ context }) => cleanAll(context)),
    sendDisarms: emit(({ context }) => {
      const message = { type: "disarm", requester: context.self } as const;
      return sendAll(context.trackers.map((tracker) => send(tracker, message)));
    }),
    sendUnpauses: emit(({ context }) => unpauseAll(context)),
    askNotePause: emit(() => request({ op: "notePause" })),
    askFinishStep: emit(() => request({ op: "finishStep" })),
    askRelease: emit(() => request({ op: "release" })),
    askCopyAll: emit(() => request({ op: "copy", all: true })),
    askCopyHarvested: emit(() => request({ op: "copy", all: false })),
    askKeepState: emit(() => request({ op: "keepState" })),
    askCommit: emit(() => request({ op: "commit" })),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isLastOfAll: ({ context }) => context.missing === 1 && context.ending,
    isEnding: ({ context }) => context.ending,
    isWriting: ({ context }) => context.writing,
    allHalted: ({ context }) => context.halted + 1 === context.trackers.length,
    allHaltedAndWriting: ({ context }) =>
      context.halted + 1 === context.trackers.length && context.writing,
  },
}).createMachine({
  id: "checkpointLive",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    refused: [],
    halted: 0,
    ending: false,
    started: false,
    writing: false,
    writeCycles: 0,
    lateEpochs: 0,
    failures: [],
  }),
  initial: "created",
  on: {
    // Wherever the run is: the next checkpoint is the last.
    deadline: { actions: "noteEnding" },
    vmHalted: [
      { guard: "allHalted", actions: ["noteHalted", "noteEnding"] },
      { actions: "noteHalted" },
    ],
    noted: ignored("nothing waits for it"),
    epochDue: ignored("no further epoch ends by time"),
  },
  states: {
    created: {
      on: { begin: { target: "arming", actions: ["expectAll", "sendArms"] } },
    },
    arming: {
      on: {
        armed: [
          { guard: "isLast", target: "copying", actions: ["noteAnswer", "askCopyAll"] },
          { actions: "noteAnswer" },
        ],
        armRefused: { actions: ["sendOff", "noteRefused"] },
        disarmed: { actions: ["sendOn", "forgetRefused"] },
      },
    },
    copying: {
      on: {
        pagesCopied: { actions: ["noteCopied", "sendCopied", "askKeepState"] },
        checkpointCopied: [
          {
            guard: "isEnding",
            target: "finishing",
            actions: ["sendWritten", "askRelease"],
          },
          {
            target: "running",
            actions: ["sendRuns", "noteStarted", "sendWritten", "noteWriting", "askRelease"],
          },
        ],
      },
    },
    running: {
      on: {
        checkpointWritten: { actions: "askCommit" },
        committed: { actions: "noteWritten" },
        writeFailed: {
          target: "stopping",
          actions: ["noteWritten", "noteFailure", "expectAll", "sendPauses"],
        },
        epochDue: [
          { guard: "isWriting", target: "late", actions: "noteLate" },
          { target: "pausing", actions: ["expectAll", "sendPauses", "askNotePause"] },
        ],
        deadline: [
          { guard: "isWriting", target: "late", actions: "noteEnding" },
          { target: "pausing", actions: ["noteEnding", "expectAll", "sendPauses", "askNotePause"] },
        ],
        vmHalted: [
          { guard: "allHaltedAndWriting", target: "late", actions: ["noteHalted", "noteEnding"] },
          {
            guard: "allHalted",
            target: "pausing",
            actions: ["noteHalted", "noteEnding", "expectAll", "sendPauses", "askNotePause"],
          },
          { actions: "noteHalted" },
        ],
      },
    },
    late: {
      on: {
        checkpointWritten: { actions: "askCommit" },
        committed: {
          target: "pausing",
          actions: ["noteWritten", "expectAll", "sendPauses", "askNotePause"],
        },
        writeFailed: [
          { guard: "isEnding", target: "failed", actions: ["noteWritten", "noteFailure"] },
          {
            target: "stopping",
            actions: ["noteWritten", "noteFailure", "expectAll", "sendPauses"],
          },
        ],
      },
    },
    pausing: {
      on: {
        vmPaused: [
          { guard: "isLast", actions: ["noteAnswer", "askFinishStep"] },
          { actions: "noteAnswer" },
        ],
        stepFinished: { target: "harvesting", actions: ["expectAll", "sendHarvests"] },
      },
    },
    harvesting: {
      on: {
        harvested: [
          { guard: "isLast", target: "copying", actions: ["noteAnswer", "askCopyHarvested"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    finishing: {
      on: {
        checkpointWritten: { actions: "askCommit" },
        committed: { target: "done" },
        writeFailed: { target: "failed", actions: "noteFailure" },
      },
    },
    // Without a place to write to, the VMs run on to their end; nothing of their output is held, and nothing of
    // their memory stays protected (Xen's log-dirty mode is switched off with the domain paused, paging_log_dirty_disable).
    stopping: {
      on: {
        vmPaused: [
          { guard: "isLast", target: "disarming", actions: ["expectAll", "sendDisarms"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    disarming: {
      on: {
        disarmed: [
          { guard: "isLastOfAll", target: "failed", actions: "noteAnswer" },
          { guard: "isLast", target: "unprotected", actions: ["noteAnswer", "sendUnpauses"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    unprotected: {
      on: {
        deadline: { target: "failed" },
        vmHalted: [
          { guard: "allHalted", target: "failed", actions: "noteHalted" },
          { actions: "noteHalted" },
        ],
      },
    },
    done: {},
    failed: {},
  },
});
