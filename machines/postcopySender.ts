/**
 * The source of a VM in post-copy (QEMU, migration.c postcopy_start and ram.c ram_find_and_save_block): the guest runs at the
 * destination, and what its bitmap still has is sent, pages that were requested before all others. What is written to the
 * socket is behind one another: a request waits for the batch before it, unless it has a channel of its own.
 *
 *   state    | event                        | next     | emits
 *   ---------|------------------------------|----------|----------------------------------------------
 *   idle     | startPostcopy                | sending  | device: take
 *   any      | pageRequested                | -        | device: request
 *   any      | requested, taken             | -        | urgentArrives to the receiver, by the link
 *   any      | requested                    | -        | ignored: it is sent in its turn, or was sent before
 *   sending  | taken                        | sending  | wireFree to itself, when the pages are on the wire
 *   sending  | wireFree                     | sending  | pagesArrive to the receiver, by the link; device: take
 *   sending  | wireFree, the quota is used  | sleeping | pagesArrive to the receiver; wireFree to itself, at the window's end
 *   sending  | taken, nothing               | drained  | -
 *   sleeping | wireFree                     | sending  | device: take
 *   sleeping | requested, queued            | sending  | device: take
 *   sleeping | requested, taken             | sleeping | urgentArrives to the receiver, by the link
 *   sending, sleeping, drained | linkLost | broken | -
 *   broken   | linkBack                     | broken   | bitmapAsked to the receiver, by the link
 *   broken   | receivedBitmap               | broken   | device: reload
 *   broken   | reloaded                     | sending  | device: take
 *   broken   | pageRequested                | broken   | ignored: the link it came by has failed
 *   any      | wireFree                     | -        | ignored: the timer of an earlier turn
 */
import { assign, emit, setup } from "xstate";
import { quotaOfWindow, windowAfter, windowRest } from "../src/hypervisor/migration/quota.ts";
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
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const postcopySenderInput = {
  self: kind.actor,
  receiver: kind.actor,
  latencyCycles: kind.cycles,
  cyclesPerByte: kind.cycles,
  batchPages: kind.count,
  // Bytes a second of pages that nobody has requested; 0 = unlimited.
  maxBandwidth: kind.count,
  // postcopy-preempt.
  preempt: kind.flag,
} as const satisfies kind.Fields;
export type PostcopySenderInput = kind.Values<typeof postcopySenderInput>;

/** What its state holds besides its input. */
export const postcopySenderFields = {
  // Which link; they are counted.
  link: kind.count,
  turn: kind.turn,
  // Pages of this turn.
  onWire: kind.count,
  // The window of the quota.
  windowStart: kind.cycles,
  windowBytes: kind.count,
  // What is left of the window when the pages are on the wire, if its quota is used.
  restCycles: kind.cycles,
  // What pages with a channel of their own have taken from the link, and the next batch waits for.
  owedCycles: kind.cycles,
  pagesSent: kind.statistic(kind.count),
  bytesSent: kind.statistic(kind.count),
  requests: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface PostcopySenderContext
  extends PostcopySenderInput,
    kind.Values<typeof postcopySenderFields> {}

export type PostcopySenderRequest =
  | { readonly op: "take"; readonly pages: number }
  // `atOnce`: out of its turn, if it is still to be sent.
  | { readonly op: "request"; readonly page: number; readonly atOnce: boolean }
  | { readonly op: "reload" };

export type PostcopySenderReply =
  // `bytes` that no limit is for are in none of its windows.
  | {
      readonly type: "taken";
      readonly now: number;
      readonly pages: number;
      readonly bytes: number;
      readonly unlimited: number;
    }
  // Bytes of a page that was taken at once, else 0; whether it was queued.
  | {
      readonly type: "requested";
      readonly page: number;
      readonly bytes: number;
      readonly queued: boolean;
    }
  | { readonly type: "reloaded" };

type PostcopySenderEvent =
  | EventOf<
      Message,
      "startPostcopy" | "pageRequested" | "wireFree" | "linkLost" | "linkBack" | "receivedBitmap"
    >
  | PostcopySenderReply;

function wire({ cyclesPerByte }: PostcopySenderContext, bytes: number): number {
  return Math.ceil(bytes * cyclesPerByte);
}

/** The pages of the turn that is over, by the link. */
function arrival({ receiver, onWire, link, latencyCycles }: PostcopySenderContext): SendEmission {
  return send(receiver, { type: "pagesArrive", pages: onWire, link }, latencyCycles);
}

const { types, on } = machineTypes<
  PostcopySenderContext,
  PostcopySenderEvent,
  PostcopySenderInput,
  SendEmission | SendAllEmission | DeviceEmission<PostcopySenderRequest>
>();

export const postcopySenderMachine = setup({
  types,
  actions: {
    noteTaken: assign(
      on("taken", ({ context, event: { now, pages, bytes, unlimited } }) => {
        const window = windowAfter(context, bytes - unlimited, now);
        const end = now + wire(context, bytes) + context.owedCycles;
        return {
          ...window,
          onWire: pages,
          restCycles: windowRest(context.maxBandwidth, window, end),
          owedCycles: 0,
          pagesSent: context.pagesSent + pages,
          bytesSent: context.bytesSent + bytes,
        };
      }),
    ),
    noteRequest: assign({ requests: ({ context }) => context.requests + 1 }),
    noteUrgent: assign(
      on("requested", ({ context, event: { bytes } }) => ({
        owedCycles: context.owedCycles + wire(context, bytes),
        pagesSent: context.pagesSent + 1,
        bytesSent: context.bytesSent + bytes,
      })),
    ),
    nextTurn: assign({ turn: ({ context }) => context.turn + 1, onWire: 0 }),
    noteLink: assign({ link: on("linkBack", ({ event }) => event.link) }),
    askTake: emit(({ context }) => {
      const { maxBandwidth, batchPages } = context;
      return request({ op: "take", pages: quotaOfWindow(maxBandwidth, context, batchPages) });
    }),
    askRequest: emit(
      on("pageRequested", ({ context, event: { page } }) =>
        request({ op: "request", page, atOnce: context.preempt }),
      ),
    ),
    askReload: emit(() => request({ op: "reload" })),
    sendWireFree: emit(
      on("taken", ({ context, event: { bytes } }) =>
        send(
          context.self,
          { type: "wireFree", turn: context.turn },
          wire(context, bytes) + context.owedCycles,
        ),
      ),
    ),
    sendPages: emit(({ context }) => arrival(context)),
    sendPagesAndSleep: emit(({ context }) => {
      const { self, turn, restCycles } = context;
      const wake = send(self, { type: "wireFree", turn: turn + 1 }, restCycles);
      return sendAll([arrival(context), wake]);
    }),
    sendUrgent: emit(
      on("requested", ({ context, event: { page, bytes } }) => {
        const { receiver, link, latencyCycles } = context;
        const message = { type: "urgentArrives", page, link } as const;
        return send(receiver, message, wire(context, bytes) + latencyCycles);
      }),
    ),
    sendBitmapAsked: emit(
      on("linkBack", ({ context, event: { link } }) =>
        send(context.receiver, { type: "bitmapAsked", link }, context.latencyCycles),
      ),
    ),
  },
  guards: {
    isOfThisTurn: on("wireFree", ({ context, event }) => event.turn === context.turn),
    endsWindow: on(
      "wireFree",
      ({ context, event }) => event.turn === context.turn && context.restCycles > 0,
    ),
    isNothing: on("taken", ({ event }) => event.pages === 0),
    isTaken: on("requested", ({ event }) => event.bytes > 0),
    isQueued: on("requested", ({ event }) => event.queued),
  },
}).createMachine({
  id: "postcopySender",
  context: ({ input }) => ({
    ...input,
    link: 0,
    turn: 0,
    onWire: 0,
    windowStart: 0,
    windowBytes: 0,
    restCycles: 0,
    owedCycles: 0,
    pagesSent: 0,
    bytesSent: 0,
    requests: 0,
  }),
  initial: "idle",
  on: {
    pageRequested: { actions: ["noteRequest", "askRequest"] },
    requested: [
      { guard: "isTaken", actions: ["noteUrgent", "sendUrgent"] },
      ignored("it is sent in its turn, or was sent before"),
    ],
    wireFree: ignored("the timer of an earlier turn"),
  },
  states: {
    idle: {
      on: {
        startPostcopy: { target: "sending", actions: "askTake" },
      },
    },
    sending: {
      on: {
        taken: [
          { guard: "isNothing", target: "drained" },
          { actions: ["sendWireFree", "noteTaken"] },
        ],
        wireFree: [
          { guard: "endsWindow", target: "sleeping", actions: ["sendPagesAndSleep", "nextTurn"] },
          { guard: "isOfThisTurn", actions: ["sendPages", "nextTurn", "askTake"] },
        ],
        linkLost: { target: "broken", actions: "nextTurn" },
      },
    },
    sleeping: {
      on: {
        wireFree: [{ guard: "isOfThisTurn", target: "sending", actions: ["nextTurn", "askTake"] }],
        requested: [
          { guard: "isTaken", actions: ["noteUrgent", "sendUrgent"] },
          { guard: "isQueued", target: "sending", actions: ["nextTurn", "askTake"] },
          ignored("it is sent in its turn, or was sent before"),
        ],
        linkLost: { target: "broken", actions: "nextTurn" },
      },
    },
    drained: {
      on: { linkLost: { target: "broken", actions: "nextTurn" } },
    },
    broken: {
      on: {
        pageRequested: ignored("the link it came by has failed"),
        linkBack: { actions: ["noteLink", "sendBitmapAsked"] },
        receivedBitmap: { actions: "askReload" },
        reloaded: { target: "sending", actions: "askTake" },
      },
    },
  },
});
