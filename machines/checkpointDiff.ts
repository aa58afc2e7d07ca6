/**
 * The toolstack in the pVM, taking differential checkpoints at given times: the VMs stop, what was written since the
 * last checkpoint on the storage is copied and written, the VMs go on. The first holds all pages, and so does each
 * whose turn it is. One that cannot be written leaves its pages owed: the next has them, too (Firecracker's
 * snapshot_memory, which keeps the bits that it took out of KVM's log: its issue 4545).
 *
 *   state      | event                   | next       | emits
 *   -----------|-------------------------|------------|--------------------------------------------------
 *   created    | begin                   | arming     | arm to every tracker
 *   arming     | armed                   | arming     | -
 *   arming     | armed, last             | running    | startVm for every VM; checkpointDue to itself for
 *              |                         |            | each time, deadline to itself
 *   arming     | armRefused              | arming     | disarm to that tracker, if none is being switched off
 *   arming     | disarmed                | arming     | arm to that tracker; disarm to the next that refused
 *   running    | checkpointDue           | pausing    | pauseVm for every VM; device: notePause
 *   running    | deadline                | done       | -
 *   running    | vmHalted, last          | done       | -
 *   pausing    | vmPaused                | pausing    | -
 *   pausing    | vmPaused, last          | pausing    | device: finishStep
 *   pausing    | stepFinished            | harvesting | harvest to every tracker
 *   harvesting | harvested               | harvesting | -
 *   harvesting | harvested, last         | writing    | device: copy (all pages, if it is their turn; else
 *              |                         |            | those that are owed)
 *   writing    | pagesCopied             | writing    | checkpointWritten to itself; device: keepState
 *   writing    | checkpointWritten       | writing    | device: commit
 *   writing    | committed               | closing    | device: release
 *   writing    | writeFailed             | closing    | device: release
 *   closing    | noted, ending           | done       | -
 *   closing    | noted                   | running    | unpauseVm for every VM
 *   any        | checkpointDue           | -          | -: counted; the one under way serves it
 *   any        | deadline; vmHalted, last | -         | -: the checkpoint under way is the last
 *   other than closing | noted           | -          | ignored: nothing waits for it
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
import type { CheckpointReply, CheckpointRequest } from "./checkpointLive.ts";
import { armAll, cleanAll, stopAll, unpauseAll } from "./everyVm.ts";

/** What it is set up with. */
export const checkpointDiffInput = {
  self: kind.actor,
  scheduler: kind.actor,
  trackers: kind.listBy("vm", kind.actor),
  technique: technique,
  // When to take checkpoints, from the start, ascending.
  times: kind.list(kind.cycles),
  // Checkpoints from one with all pages to the next; 0 = the first alone has them.
  fullEvery: kind.count,
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
  // Whether devices are drained where the VMs stop; absent: there are none.
  drainsDevices: kind.flag.exactOptional(),
} as const satisfies kind.Fields;
export type CheckpointDiffInput = kind.Values<typeof checkpointDiffInput>;

/** What its state holds besides its input. */
export const checkpointDiffFields = {
  // Answers still missing in the present step.
  missing: kind.count,
  // VMs whose trackers somebody else has armed: see armAgain.ts.
  refused: kind.list(kind.vm),
  halted: kind.count,
  ending: kind.flag,
  // Checkpoints on the storage from the last one with all pages on, that one included; 0: there is none.
  chain: kind.count,
  // Times that have come.
  dueSoFar: kind.statistic(kind.count),
  // Why a checkpoint could not be written, one sentence each.
  failures: kind.statistic(kind.list(kind.text)),
} as const satisfies kind.Fields;

export interface CheckpointDiffContext
  extends CheckpointDiffInput,
    kind.Values<typeof checkpointDiffFields> {}

type CheckpointDiffEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "armed"
          | "armRefused"
          | "disarmed"
          | "vmHalted"
          | "vmPaused"
          | "harvested"
          | "deadline"
          | "checkpointDue"
          | "checkpointWritten";
      }
    >
  | CheckpointReply;

const { types, on } = machineTypes<
  CheckpointDiffContext,
  CheckpointDiffEvent,
  CheckpointDiffInput,
  SendEmission | SendAllEmission | DeviceEmission<CheckpointRequest>
>();

/** A chain has one with all pages at its beginning. */
function isFullsTurn({ chain, fullEvery }: CheckpointDiffContext): boolean {
  return chain === 0 || (fullEvery > 0 && chain >= fullEvery);
}

export const checkpointDiffMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.trackers.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteEnding: assign({ ending: true }),
    countDue: assign({ dueSoFar: ({ context }) => context.dueSoFar + 1 }),
    noteCommitted: assign({
      chain: ({ context }) => (isFullsTurn(context) ? 1 : context.chain + 1),
    }),
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
    sendStarts: emit(({ context }) => {
      const { self, scheduler, deadlineCycles } = context;
      return sendAll([
        ...context.trackers.map((_, vm) => send(scheduler, { type: "startVm", vm })),
        ...context.times.map((time) => send(self, { type: "checkpointDue" }, time)),
        ...(deadlineCycles > 0 ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
      ]);
    }),
    sendPauses: emit(({ context }) => stopAll(context)),
    sendHarvests: emit(({ context }) => cleanAll(context)),
    sendUnpauses: emit(({ context }) => unpauseAll(context)),
    sendWritten: emit(
      on("pagesCopied", ({ context, event: { copyCycles, writeCycles } }) =>
        send(context.self, { type: "checkpointWritten" }, copyCycles + writeCycles),
      ),
    ),
    askNotePause: emit(() => request({ op: "notePause" })),
    askFinishStep: emit(() => request({ op: "finishStep" })),
    askRelease: emit(() => request({ op: "release" })),
    askCopy: emit(({ context }) => request({ op: "copy", all: isFullsTurn(context) })),
    askKeepState: emit(() => request({ op: "keepState" })),
    askCommit: emit(() => request({ op: "commit" })),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isEnding: ({ context }) => context.ending,
    allHalted: ({ context }) => context.halted + 1 === context.trackers.length,
  },
}).createMachine({
  id: "checkpointDiff",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    refused: [],
    halted: 0,
    ending: false,
    chain: 0,
    dueSoFar: 0,
    failures: [],
  }),
  initial: "created",
  on: {
    // While a checkpoint is taken: it is finished first.
    deadline: { actions: "noteEnding" },
    vmHalted: [
      { guard: "allHalted", actions: ["noteHalted", "noteEnding"] },
      { actions: "noteHalted" },
    ],
    checkpointDue: { actions: "countDue" },
    noted: ignored("nothing waits for it"),
  },
  states: {
    created: {
      on: { begin: { target: "arming", actions: ["expectAll", "sendArms"] } },
    },
    arming: {
      on: {
        armed: [
          { guard: "isLast", target: "running", actions: ["noteAnswer", "sendStarts"] },
          { actions: "noteAnswer" },
        ],
        armRefused: { actions: ["sendOff", "noteRefused"] },
        disarmed: { actions: ["sendOn", "forgetRefused"] },
      },
    },
    running: {
      on: {
        checkpointDue: {
          target: "pausing",
          actions: ["countDue", "expectAll", "sendPauses", "askNotePause"],
        },
        deadline: { target: "done" },
        vmHalted: [
          { guard: "allHalted", target: "done", actions: "noteHalted" },
          { actions: "noteHalted" },
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
          { guard: "isLast", target: "writing", actions: ["noteAnswer", "askCopy"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    writing: {
      on: {
        // The message goes first: the state that is kept has it in its queue.
        pagesCopied: { actions: ["sendWritten", "askKeepState"] },
        checkpointWritten: { actions: "askCommit" },
        committed: { target: "closing", actions: ["noteCommitted", "askRelease"] },
        writeFailed: { target: "closing", actions: ["noteFailure", "askRelease"] },
      },
    },
    closing: {
      on: {
        noted: [
          { guard: "isEnding", target: "done" },
          { target: "running", actions: "sendUnpauses" },
        ],
      },
    },
    done: {},
  },
});
