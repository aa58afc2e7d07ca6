/**
 * The balloon driver in one guest (Waldspurger, OSDI'02 3.2): told how large the VM shall be, it takes
 * pages from the guest, some at a time, and gives them to the hypervisor. Getting smaller costs it
 * nothing: the guest may use the pages again, and gets frames when it touches them.
 *
 *   state     | event                | next      | emits
 *   ----------|----------------------|-----------|---------------------------------------------
 *   any       | setTarget            | -         | device: setTarget
 *   resting   | targetSet, too large | inflating | inflateDue to itself, after the guest's work
 *   resting   | targetSet            | resting   | -
 *   inflating | targetSet            | inflating | -
 *   inflating | inflateDue           | giving    | giveBack to the pager
 *   inflating | inflateDue, not too large | resting | -
 *   giving    | targetSet            | giving    | -
 *   giving    | gaveBack, too large  | inflating | inflateDue to itself
 *   giving    | gaveBack             | resting   | -
 */
import { assign, emit, setup } from "xstate";
import {
  type DeviceEmission,
  request,
  type SendEmission,
  send,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const balloonInput = {
  vm: kind.vm,
  self: kind.actor,
  pager: kind.actor,
  // Pages given at a time, and the guest's work for each of them in cycles.
  chunkPages: kind.count,
  pageCycles: kind.cycles,
} as const satisfies kind.Fields;
export type BalloonInput = kind.Values<typeof balloonInput>;

/** What its state holds besides its input. */
export const balloonFields = {
  // Pages that the VM has above its target.
  surplus: kind.count,
  // Pages asked of the guest since the start, and cycles of its work.
  asked: kind.statistic(kind.count),
  guestCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface BalloonContext extends BalloonInput, kind.Values<typeof balloonFields> {}

export type BalloonRequest = {
  readonly op: "setTarget";
  readonly vm: number;
  readonly pages: number;
};
export type BalloonReply = { readonly type: "targetSet"; readonly surplus: number };

type BalloonEvent =
  | Extract<Message, { type: "setTarget" | "inflateDue" | "gaveBack" }>
  | BalloonReply;

function chunk({ chunkPages }: BalloonContext, surplus: number): number {
  return Math.min(chunkPages, surplus);
}

const { types, on } = machineTypes<
  BalloonContext,
  BalloonEvent,
  BalloonInput,
  SendEmission | DeviceEmission<BalloonRequest>
>();

export const balloonMachine = setup({
  types,
  actions: {
    noteSurplus: assign({
      surplus: on(["targetSet", "gaveBack"], ({ event }) => event.surplus),
    }),
    noteAsked: assign(({ context }) => {
      const pages = chunk(context, context.surplus);
      return {
        asked: context.asked + pages,
        guestCycles: context.guestCycles + pages * context.pageCycles,
      };
    }),
    askTarget: emit(
      on("setTarget", ({ context, event: { pages } }) =>
        request({ op: "setTarget", vm: context.vm, pages }),
      ),
    ),
    sendDue: emit(
      on(["targetSet", "gaveBack"], ({ context, event: { surplus } }) => {
        const work = chunk(context, surplus) * context.pageCycles;
        return send(context.self, { type: "inflateDue" }, work);
      }),
    ),
    sendGiveBack: emit(({ context }) => {
      const pages = chunk(context, context.surplus);
      return send(context.pager, { type: "giveBack", vm: context.vm, pages });
    }),
  },
  guards: {
    isTooLarge: on("targetSet", ({ event }) => event.surplus > 0),
    hasSurplus: ({ context }) => context.surplus > 0,
    goesOn: on("gaveBack", ({ event: { surplus, stuck } }) => surplus > 0 && !stuck),
  },
}).createMachine({
  id: "balloon",
  context: ({ input }) => ({ ...input, surplus: 0, asked: 0, guestCycles: 0 }),
  initial: "resting",
  on: {
    setTarget: { actions: "askTarget" },
    targetSet: { actions: "noteSurplus" },
  },
  states: {
    resting: {
      on: {
        targetSet: [
          { guard: "isTooLarge", target: "inflating", actions: ["noteSurplus", "sendDue"] },
          { actions: "noteSurplus" },
        ],
      },
    },
    inflating: {
      on: {
        inflateDue: [
          { guard: "hasSurplus", target: "giving", actions: ["noteAsked", "sendGiveBack"] },
          { target: "resting" },
        ],
      },
    },
    giving: {
      on: {
        gaveBack: [
          { guard: "goesOn", target: "inflating", actions: ["noteSurplus", "sendDue"] },
          { target: "resting", actions: "noteSurplus" },
        ],
      },
    },
  },
});
