/**
 * QEMU's CPU throttle (softmmu/cpu-throttle.c): after each slice of run the VM sleeps, the longer the
 * higher the percentage. QEMU makes every vCPU sleep by itself; here the VM is paused as a whole.
 *
 *   state    | event                  | next     | emits
 *   ---------|------------------------|----------|--------------------------------------
 *   off      | setThrottle, not 0     | running  | throttleSliceEnd to itself, a slice later
 *   off      | setThrottle 0          | off      | ignored: it is off
 *   running  | setThrottle            | running  | -
 *   running  | setThrottle 0          | off      | -
 *   running  | throttleSliceEnd       | stopping | pauseVm to the scheduler
 *   stopping | setThrottle            | stopping | -
 *   stopping | vmPaused               | sleeping | throttleWake to itself, after the sleep
 *   stopping | vmPaused, throttle 0   | off      | unpauseVm to the scheduler
 *   sleeping | setThrottle            | sleeping | -
 *   sleeping | setThrottle 0          | off      | unpauseVm to the scheduler
 *   sleeping | throttleWake           | running  | unpauseVm, and throttleSliceEnd to itself
 *   any      | throttleSliceEnd       | -        | ignored: the timer of an earlier turn
 *   any      | throttleWake           | -        | ignored: the timer of an earlier turn
 */
import { assign, emit, setup } from "xstate";
import { throttleSleep } from "../src/hypervisor/migration/autoConverge.ts";
import {
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
export const throttleInput = {
  self: kind.actor,
  scheduler: kind.actor,
  vm: kind.vm,
  // CPU_THROTTLE_TIMESLICE_NS, in cycles: 10 ms.
  sliceCycles: kind.cycles,
} as const satisfies kind.Fields;
export type ThrottleInput = kind.Values<typeof throttleInput>;

/** What its state holds besides its input. */
export const throttleFields = {
  percent: kind.count,
  turn: kind.turn,
} as const satisfies kind.Fields;

export interface ThrottleContext extends ThrottleInput, kind.Values<typeof throttleFields> {}

type ThrottleEvent = Extract<
  Message,
  { type: "setThrottle" | "throttleSliceEnd" | "throttleWake" | "vmPaused" }
>;

/** The slice after the present turn. */
function nextSlice({ self, turn, sliceCycles }: ThrottleContext): SendEmission {
  return send(self, { type: "throttleSliceEnd", turn: turn + 1 }, sliceCycles);
}

const { types, on } = machineTypes<
  ThrottleContext,
  ThrottleEvent,
  ThrottleInput,
  SendEmission | SendAllEmission
>();

export const throttleMachine = setup({
  types,
  actions: {
    notePercent: assign({ percent: on("setThrottle", ({ event }) => event.percent) }),
    nextTurn: assign({ turn: ({ context }) => context.turn + 1 }),
    sendSlice: emit(({ context }) => nextSlice(context)),
    sendPause: emit(({ context }) => {
      const { scheduler, vm, self } = context;
      return send(scheduler, { type: "pauseVm", vm, requester: self });
    }),
    sendSleep: emit(({ context }) => {
      const { self, turn, sliceCycles, percent } = context;
      const sleep = throttleSleep(sliceCycles, percent);
      return send(self, { type: "throttleWake", turn: turn + 1 }, sleep);
    }),
    sendUnpause: emit(({ context }) =>
      send(context.scheduler, { type: "unpauseVm", vm: context.vm }),
    ),
    sendUnpauseAndSlice: emit(({ context }) =>
      sendAll([send(context.scheduler, { type: "unpauseVm", vm: context.vm }), nextSlice(context)]),
    ),
  },
  guards: {
    isZero: on("setThrottle", ({ event }) => event.percent === 0),
    isTurnedOff: ({ context }) => context.percent === 0,
    isThisTurn: on(
      ["throttleSliceEnd", "throttleWake"],
      ({ context, event }) => event.turn === context.turn,
    ),
  },
}).createMachine({
  id: "throttle",
  context: ({ input }) => ({ ...input, percent: 0, turn: 0 }),
  initial: "off",
  on: {
    throttleSliceEnd: ignored("the timer of an earlier turn"),
    throttleWake: ignored("the timer of an earlier turn"),
  },
  states: {
    off: {
      on: {
        setThrottle: [
          { guard: "isZero", ...ignored("it is off") },
          { target: "running", actions: ["notePercent", "sendSlice", "nextTurn"] },
        ],
      },
    },
    running: {
      on: {
        setThrottle: [
          { guard: "isZero", target: "off", actions: "notePercent" },
          { actions: "notePercent" },
        ],
        throttleSliceEnd: { guard: "isThisTurn", target: "stopping", actions: "sendPause" },
      },
    },
    stopping: {
      on: {
        setThrottle: { actions: "notePercent" },
        vmPaused: [
          { guard: "isTurnedOff", target: "off", actions: "sendUnpause" },
          { target: "sleeping", actions: ["sendSleep", "nextTurn"] },
        ],
      },
    },
    sleeping: {
      on: {
        setThrottle: [
          { guard: "isZero", target: "off", actions: ["notePercent", "sendUnpause"] },
          { actions: "notePercent" },
        ],
        throttleWake: {
          guard: "isThisTurn",
          target: "running",
          actions: ["sendUnpauseAndSlice", "nextTurn"],
        },
      },
    },
  },
});
