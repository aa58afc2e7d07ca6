/**
 * The destination of a VM in post-copy (QEMU, postcopy-ram.c): the guest's accesses to pages that have not come fault, are
 * requested, and wait until they come. When a link has failed the guest runs on with what is there; whoever faults waits.
 *
 *   state     | event                     | next      | emits
 *   ----------|---------------------------|-----------|----------------------------------------------------
 *   any       | pageFault                 | -         | device: fault
 *   receiving | faulted                   | receiving | handled or vcpuMustWait to the dispatcher; pageRequested, if
 *             |                           |           | nobody waits for the page yet
 *   paused    | faulted                   | paused    | handled or vcpuMustWait to the dispatcher
 *   receiving | pagesArrive, urgentArrives | receiving | device: place
 *   receiving | placed                    | receiving | wakeVcpu for those that waited
 *   receiving | placed, the last          | receiving | the same; postcopyEnded to the toolstack
 *   receiving | linkLost                  | paused    | device: lose
 *   any       | bitmapAsked               | receiving | device: answer
 *   receiving | answered                  | receiving | receivedBitmap, and pageRequested for what is waited for
 *   paused    | lost                      | paused    | ignored: nothing is told of it
 *   any       | pagesArrive, urgentArrives | -        | ignored: the link it came by has failed
 *   any       | linkLost                  | -         | ignored: there is another link already
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
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { ActorId, Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const postcopyReceiverInput = {
  toolstack: kind.actor,
  scheduler: kind.actor,
  sender: kind.actor,
  latencyCycles: kind.cycles,
  cyclesPerByte: kind.cycles,
} as const satisfies kind.Fields;
export type PostcopyReceiverInput = kind.Values<typeof postcopyReceiverInput>;

/** What its state holds besides its input. */
export const postcopyReceiverFields = {
  // Which link; they are counted.
  link: kind.count,
  // Cycles of its exit handlers: T_h.
  handlerCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface PostcopyReceiverContext
  extends PostcopyReceiverInput,
    kind.Values<typeof postcopyReceiverFields> {}

export type PostcopyReceiverRequest =
  | ({ readonly op: "fault" } & Omit<EventOf<Message, "pageFault">, "type">)
  // So many of those on their way; or this one, which has come by a channel of its own.
  | { readonly op: "place"; readonly pages: number }
  | { readonly op: "placeUrgent"; readonly page: number }
  | { readonly op: "lose" | "answer" };

export type PostcopyReceiverReply =
  | {
      readonly type: "faulted";
      readonly dispatcher: ActorId;
      readonly cycles: number;
      readonly answer: "there" | "waits" | "nothing";
      /** To be requested; -1: none. */
      readonly page: number;
    }
  // `left`: pages that are still missing.
  | { readonly type: "placed"; readonly woken: readonly number[]; readonly left: number }
  | { readonly type: "lost" }
  // Pages that are waited for, and the bytes of the bitmap.
  | { readonly type: "answered"; readonly pages: readonly number[]; readonly bytes: number };

type PostcopyReceiverEvent =
  | EventOf<Message, "pageFault" | "pagesArrive" | "urgentArrives" | "linkLost" | "bitmapAsked">
  | PostcopyReceiverReply;

/** The answer to the exit, after the handler's time. */
function answered({
  dispatcher,
  cycles,
  answer,
}: EventOf<PostcopyReceiverReply, "faulted">): SendEmission {
  if (answer === "waits") return send(dispatcher, { type: "vcpuMustWait" }, cycles);
  return send(dispatcher, { type: "handled", fixed: answer === "there" }, cycles);
}

const { types, on } = machineTypes<
  PostcopyReceiverContext,
  PostcopyReceiverEvent,
  PostcopyReceiverInput,
  SendEmission | SendAllEmission | DeviceEmission<PostcopyReceiverRequest>
>();

export const postcopyReceiverMachine = setup({
  types,
  actions: {
    noteWork: assign({
      handlerCycles: on("faulted", ({ context, event }) => context.handlerCycles + event.cycles),
    }),
    noteLink: assign({ link: on("bitmapAsked", ({ event }) => event.link) }),
    askFault: emit(
      on("pageFault", ({ event: { vm, vcpu, page, dispatcher } }) =>
        request({ op: "fault", vm, vcpu, page, dispatcher }),
      ),
    ),
    askPlace: emit(on("pagesArrive", ({ event }) => request({ op: "place", pages: event.pages }))),
    askPlaceUrgent: emit(
      on("urgentArrives", ({ event }) => request({ op: "placeUrgent", page: event.page })),
    ),
    askLose: emit(() => request({ op: "lose" })),
    askAnswer: emit(() => request({ op: "answer" })),
    sendAnswer: emit(on("faulted", ({ event }) => answered(event))),
    sendAnswerAndRequest: emit(
      on("faulted", ({ context, event }) => {
        const { sender, latencyCycles } = context;
        const { page, cycles } = event;
        const asked = send(sender, { type: "pageRequested", page }, cycles + latencyCycles);
        return sendAll([answered(event), ...(page < 0 ? [] : [asked])]);
      }),
    ),
    sendWoken: emit(
      on("placed", ({ context: { scheduler }, event }) =>
        sendAll(event.woken.map((vcpu) => send(scheduler, { type: "wakeVcpu", vcpu }))),
      ),
    ),
    sendWokenAndEnd: emit(
      on("placed", ({ context: { scheduler, toolstack }, event }) =>
        sendAll([
          ...event.woken.map((vcpu) => send(scheduler, { type: "wakeVcpu", vcpu })),
          send(toolstack, { type: "postcopyEnded" }),
        ]),
      ),
    ),
    sendBitmap: emit(
      on("answered", ({ context, event: { pages, bytes } }) => {
        const { sender, link, latencyCycles, cyclesPerByte } = context;
        const cycles = latencyCycles + Math.ceil(bytes * cyclesPerByte);
        return sendAll([
          send(sender, { type: "receivedBitmap", link }, cycles),
          ...pages.map((page) => send(sender, { type: "pageRequested", page }, cycles)),
        ]);
      }),
    ),
  },
  guards: {
    isOfThisLink: on(
      ["pagesArrive", "urgentArrives", "linkLost"],
      ({ context, event }) => event.link === context.link,
    ),
    isLast: on("placed", ({ event }) => event.left === 0),
  },
}).createMachine({
  id: "postcopyReceiver",
  context: ({ input }) => ({ ...input, link: 0, handlerCycles: 0 }),
  initial: "receiving",
  on: {
    pageFault: { actions: "askFault" },
    pagesArrive: ignored("the link it came by has failed"),
    urgentArrives: ignored("the link it came by has failed"),
    bitmapAsked: { target: ".receiving", actions: ["noteLink", "askAnswer"] },
  },
  states: {
    receiving: {
      on: {
        faulted: { actions: ["noteWork", "sendAnswerAndRequest"] },
        pagesArrive: [{ guard: "isOfThisLink", actions: "askPlace" }],
        urgentArrives: [{ guard: "isOfThisLink", actions: "askPlaceUrgent" }],
        placed: [{ guard: "isLast", actions: "sendWokenAndEnd" }, { actions: "sendWoken" }],
        linkLost: [
          { guard: "isOfThisLink", target: "paused", actions: "askLose" },
          ignored("there is another link already"),
        ],
        answered: { actions: "sendBitmap" },
      },
    },
    paused: {
      on: {
        faulted: { actions: ["noteWork", "sendAnswer"] },
        lost: ignored("nothing is told of it"),
      },
    },
  },
});
