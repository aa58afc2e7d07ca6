/**
 * A device of a VM that writes its memory by DMA, such as a disk whose reads go to pages of the guest. Its data is written
 * first and marked dirty some time later, when the request is completed (QEMU: address_space_unmap, and
 * invalidate_and_set_dirty in it, after the I/O; vhost: the data, smp_wmb, then the bit of the log). A mark before the write
 * would lose the page: a harvest between them takes the mark and copies the old data.
 *
 * A pause of the vCPUs is none of the device's: it goes on (Xen domain_pause). When the VM is stopped for good, it takes no
 * more requests, and is drained when all that it has written is marked (QEMU do_vm_stop: vCPUs, devices, bdrv_drain_all).
 * With nobody to mark what it writes, or with an IOMMU that notes it, a request is over when its data is there.
 *
 *   state    | event                      | next     | emits
 *   ---------|----------------------------|----------|-------------------------------------------
 *   stopped  | runDevice                  | running  | dmaDue to itself
 *   stopped  | drainDevice                | stopped  | deviceDrained
 *   running  | dmaDue, of this turn       | running  | device: write
 *   running  | written                    | running  | dmaDue to itself; markDue to itself, if it is to be marked
 *   running  | written, queue full        | full     | the same without dmaDue
 *   running  | markDue                    | running  | device: mark
 *   running  | marked                     | running  | -
 *   running  | drainDevice                | draining | -
 *   running  | drainDevice, none to mark  | stopped  | deviceDrained
 *   full     | markDue                    | full     | device: mark
 *   full     | marked                     | running  | dmaDue to itself
 *   full     | drainDevice                | draining | -
 *   draining | markDue                    | draining | device: mark
 *   draining | marked                     | draining | -
 *   draining | marked, last               | stopped  | deviceDrained
 *   any      | dmaDue                     | -        | ignored: the timer of an earlier turn
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

/** What it is set up with. */
export const ioDeviceInput = {
  self: kind.actor,
  runState: kind.actor,
  vm: kind.vm,
  // From one request to the next.
  intervalCycles: kind.cycles,
  // From the write of a request's data to their mark.
  latencyCycles: kind.cycles,
  // Requests whose data are written and not marked, at most.
  depth: kind.count,
  // Whether software marks what it writes.
  isMarked: kind.flag,
} as const satisfies kind.Fields;
export type IoDeviceInput = kind.Values<typeof ioDeviceInput>;

/** What its state holds besides its input. */
export const ioDeviceFields = {
  // Requests whose data are written and not marked.
  unmarked: kind.count,
  turn: kind.turn,
  // Pages of all requests so far.
  pagesWritten: kind.statistic(kind.count),
  pagesMarked: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface IoDeviceContext extends IoDeviceInput, kind.Values<typeof ioDeviceFields> {}

export type IoDeviceRequest =
  | { readonly op: "write" }
  | { readonly op: "mark"; readonly page: number; readonly pages: number };
export type IoDeviceReply =
  | { readonly type: "written"; readonly page: number; readonly pages: number }
  | { readonly type: "marked"; readonly pages: number };

type IoDeviceEvent =
  | Extract<Message, { type: "runDevice" | "drainDevice" | "dmaDue" | "markDue" }>
  | IoDeviceReply;

const { types, on } = machineTypes<
  IoDeviceContext,
  IoDeviceEvent,
  IoDeviceInput,
  SendEmission | SendAllEmission | DeviceEmission<IoDeviceRequest>
>();

/** The next request. */
function nextDma({ self, turn, intervalCycles }: IoDeviceContext): SendEmission {
  return send(self, { type: "dmaDue", turn }, intervalCycles);
}

/** The mark of what has been written. */
function markOf(
  { self, latencyCycles, isMarked }: IoDeviceContext,
  page: number,
  pages: number,
): SendEmission[] {
  return isMarked ? [send(self, { type: "markDue", page, pages }, latencyCycles)] : [];
}

export const ioDeviceMachine = setup({
  types,
  actions: {
    nextTurn: assign({ turn: ({ context }) => context.turn + 1 }),
    noteWritten: assign(
      on("written", ({ context, event: { pages } }) => ({
        pagesWritten: context.pagesWritten + pages,
        unmarked: context.unmarked + (context.isMarked ? 1 : 0),
      })),
    ),
    noteMarked: assign(
      on("marked", ({ context, event: { pages } }) => ({
        pagesMarked: context.pagesMarked + pages,
        unmarked: context.unmarked - 1,
      })),
    ),
    askWrite: emit(() => request({ op: "write" })),
    askMark: emit(
      on("markDue", ({ event: { page, pages } }) => request({ op: "mark", page, pages })),
    ),
    sendDma: emit(({ context }) => nextDma(context)),
    sendMark: emit(
      on("written", ({ context, event: { page, pages } }) => sendAll(markOf(context, page, pages))),
    ),
    sendMarkAndDma: emit(
      on("written", ({ context, event: { page, pages } }) =>
        sendAll([...markOf(context, page, pages), nextDma(context)]),
      ),
    ),
    sendDrained: emit(({ context: { runState, vm } }) =>
      send(runState, { type: "deviceDrained", vm }),
    ),
  },
  guards: {
    isThisTurn: on("dmaDue", ({ context, event }) => event.turn === context.turn),
    fillsQueue: ({ context: { isMarked, unmarked, depth } }) => isMarked && unmarked + 1 >= depth,
    isQuiet: ({ context }) => context.unmarked === 0,
    isLast: ({ context }) => context.unmarked === 1,
  },
}).createMachine({
  id: "ioDevice",
  context: ({ input }) => ({ ...input, unmarked: 0, turn: 0, pagesWritten: 0, pagesMarked: 0 }),
  initial: "stopped",
  on: { dmaDue: ignored("the timer of an earlier turn") },
  states: {
    stopped: {
      on: {
        runDevice: { target: "running", actions: ["nextTurn", "sendDma"] },
        drainDevice: { actions: "sendDrained" },
      },
    },
    running: {
      on: {
        dmaDue: { guard: "isThisTurn", actions: "askWrite" },
        written: [
          { guard: "fillsQueue", target: "full", actions: ["noteWritten", "sendMark"] },
          { actions: ["noteWritten", "sendMarkAndDma"] },
        ],
        markDue: { actions: "askMark" },
        marked: { actions: "noteMarked" },
        drainDevice: [
          { guard: "isQuiet", target: "stopped", actions: "sendDrained" },
          { target: "draining" },
        ],
      },
    },
    full: {
      on: {
        markDue: { actions: "askMark" },
        marked: { target: "running", actions: ["noteMarked", "sendDma"] },
        drainDevice: "draining",
      },
    },
    draining: {
      on: {
        markDue: { actions: "askMark" },
        marked: [
          { guard: "isLast", target: "stopped", actions: ["noteMarked", "sendDrained"] },
          { actions: "noteMarked" },
        ],
      },
    },
  },
});
