/**
 * Samples how many accesses a VM has completed, at a fixed interval. When there are too many samples
 * every second one is dropped and the interval doubles, so that a run of any length has enough of them.
 *
 *   state    | event         | next     | emits
 *   ---------|---------------|----------|------------------------------------
 *   off      | startSampling | sampling | device: count
 *   sampling | sampleDue     | sampling | device: count
 *   sampling | counted       | sampling | sampleDue to itself, an interval later
 */
import { assign, emit, setup } from "xstate";
import {
  type DeviceEmission,
  request,
  type SendEmission,
  send,
} from "../src/interconnect/emissions.ts";
import type { ActorId, Message } from "../src/interconnect/messages.ts";

export interface SamplerInput {
  readonly self: ActorId;
  readonly vm: number;
  /** The first interval. */
  readonly intervalCycles: number;
  /** Intervals that are kept at most; at least half as many in a long run. */
  readonly samplesMax: number;
}

export interface SamplerContext extends SamplerInput {
  /** Accesses completed since the start, at the start and after each interval. */
  readonly totals: readonly number[];
  /** How often every second sample was dropped. */
  readonly halvings: number;
}

/** The present interval (cycles). */
export const samplerInterval = ({ intervalCycles, halvings }: SamplerContext): number =>
  intervalCycles * 2 ** halvings;

export type SamplerRequest = { readonly op: "count"; readonly vm: number };
export type SamplerReply = { readonly type: "counted"; readonly accesses: number };

type SamplerEvent = Extract<Message, { type: "startSampling" | "sampleDue" }> | SamplerReply;

export const samplerMachine = setup({
  types: {
    context: {} as SamplerContext,
    events: {} as SamplerEvent,
    input: {} as SamplerInput,
    emitted: {} as SendEmission | DeviceEmission<SamplerRequest>,
  },
  actions: {
    askCount: emit(({ context }) => request({ op: "count", vm: context.vm })),
    keepCount: assign(({ context, event }) => {
      const totals = [...context.totals, (event as SamplerReply).accesses];
      if (totals.length <= context.samplesMax) return { totals };
      return {
        totals: totals.filter((_, position) => position % 2 === 0),
        halvings: context.halvings + 1,
      };
    }),
    sendDue: emit(({ context }) =>
      send(context.self, { type: "sampleDue" }, samplerInterval(context)),
    ),
  },
}).createMachine({
  id: "sampler",
  context: ({ input }) => ({ ...input, totals: [], halvings: 0 }),
  initial: "off",
  states: {
    off: {
      on: { startSampling: { target: "sampling", actions: "askCount" } },
    },
    sampling: {
      on: {
        sampleDue: { actions: "askCount" },
        counted: { actions: ["keepCount", "sendDue"] },
      },
    },
  },
});
