/**
 * The toolstack in the pVM, taking stop-and-copy checkpoints at given times: the VMs stop, all their
 * pages are copied and written, the VMs go on (xl save with its option -c). No page is tracked. A time
 * that comes while a checkpoint is being taken is served by that one: the VMs do not change meanwhile.
 *
 *   state   | event                   | next    | emits
 *   --------|-------------------------|---------|--------------------------------------------------
 *   created | begin                   | running | startVm for every VM; checkpointDue to itself for
 *           |                         |         | each time, deadline to itself
 *   running | checkpointDue           | pausing | pauseVm for every VM; device: notePause
 *   running | deadline                | done    | -
 *   running | vmHalted, last          | done    | -
 *   pausing | vmPaused                | pausing | -
 *   pausing | vmPaused, last          | writing | device: copy (all pages)
 *   writing | pagesCopied             | writing | checkpointWritten to itself; device: keepState
 *   writing | checkpointWritten       | writing | device: commit
 *   writing | committed               | closing | device: release
 *   writing | writeFailed             | closing | device: release
 *   closing | noted, ending           | done    | -
 *   closing | noted                   | running | unpauseVm for every VM
 *   any     | checkpointDue           | -       | -: counted; see above
 *   any     | deadline; vmHalted, last | -      | -: the checkpoint under way is the last
 *   other than closing | noted        | -       | ignored: nothing waits for it
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
import type { Message } from "../src/interconnect/messages.ts";
import type { CheckpointReply, CheckpointRequest } from "./checkpointLive.ts";
import { stopVm } from "./everyVm.ts";

/** What it is set up with. */
export const checkpointStopInput = {
  self: kind.actor,
  scheduler: kind.actor,
  vms: kind.count,
  // When to take checkpoints, from the start, ascending.
  times: kind.list(kind.cycles),
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
  // Whether devices are drained where the VMs stop; absent: there are none.
  drainsDevices: kind.flag.exactOptional(),
} as const satisfies kind.Fields;
export type CheckpointStopInput = kind.Values<typeof checkpointStopInput>;

/** What its state holds besides its input. */
export const checkpointStopFields = {
  // Answers still missing in the present step.
  missing: kind.count,
  halted: kind.count,
  ending: kind.flag,
  // Times that have come.
  dueSoFar: kind.statistic(kind.count),
  // Why a checkpoint could not be written, one sentence each.
  failures: kind.statistic(kind.list(kind.text)),
} as const satisfies kind.Fields;

export interface CheckpointStopContext
  extends CheckpointStopInput,
    kind.Values<typeof checkpointStopFields> {}

type CheckpointStopEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "vmHalted"
          | "vmPaused"
          | "deadline"
          | "checkpointDue"
          | "checkpointWritten";
      }
    >
  | CheckpointReply;

const { types, on } = machineTypes<
  CheckpointStopContext,
  CheckpointStopEvent,
  CheckpointStopInput,
  SendEmission | SendAllEmission | DeviceEmission<CheckpointRequest>
>();

export const checkpointStopMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.vms }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteEnding: assign({ ending: true }),
    countDue: assign({ dueSoFar: ({ context }) => context.dueSoFar + 1 }),
    noteFailure: assign({
      failures: on("writeFailed", ({ context, event }) => [...context.failures, event.failure]),
    }),
    sendStarts: emit(({ context }) => {
      const { self, deadlineCycles } = context;
      return sendAll([
        ...forEachVm(context, (vm) => send(context.scheduler, { type: "startVm", vm })),
        ...context.times.map((time) => send(self, { type: "checkpointDue" }, time)),
        ...(deadlineCycles > 0 ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
      ]);
    }),
    sendPauses: emit(({ context }) => sendAll(forEachVm(context, (vm) => stopVm(context, vm)))),
    sendUnpauses: emit(({ context }) =>
      sendAll(forEachVm(context, (vm) => send(context.scheduler, { type: "unpauseVm", vm }))),
    ),
    sendWritten: emit(
      on("pagesCopied", ({ context, event: { copyCycles, writeCycles } }) =>
        send(context.self, { type: "checkpointWritten" }, copyCycles + writeCycles),
      ),
    ),
    askNotePause: emit(() => request({ op: "notePause" })),
    askRelease: emit(() => request({ op: "release" })),
    askCopyAll: emit(() => request({ op: "copy", all: true })),
    askKeepState: emit(() => request({ op: "keepState" })),
    askCommit: emit(() => request({ op: "commit" })),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isEnding: ({ context }) => context.ending,
    allHalted: ({ context }) => context.halted + 1 === context.vms,
  },
}).createMachine({
  id: "checkpointStop",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    halted: 0,
    ending: false,
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
      on: { begin: { target: "running", actions: "sendStarts" } },
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
          { guard: "isLast", target: "writing", actions: ["noteAnswer", "askCopyAll"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    writing: {
      on: {
        // The message goes first: the state that is kept has it in its queue.
        pagesCopied: { actions: ["sendWritten", "askKeepState"] },
        checkpointWritten: { actions: "askCommit" },
        committed: { target: "closing", actions: "askRelease" },
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

function forEachVm<Result>(
  context: CheckpointStopContext,
  make: (vm: number) => Result,
): readonly Result[] {
  return Array.from({ length: context.vms }, (_, vm) => make(vm));
}
