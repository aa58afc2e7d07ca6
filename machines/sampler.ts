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
import * as kind from "../src/interconnect/fields.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const samplerInput = {
  self: kind.actor,
  vm: kind.vm,
  // The first interval.
  intervalCycles: kind.cycles,
  // Intervals that are kept at most; at least half as many in a long run.
  samplesMax: kind.count,
} as const satisfies kind.Fields;
export type SamplerInput = kind.Values<typeof samplerInput>;

/** What its state holds besides its input. */
export const samplerFields = {
  // Accesses completed since the start, at the start and after each interval.
  totals: kind.statistic(kind.list(kind.count)),
  // How often every second sample was dropped.
  halvings: kind.count,
} as const satisfies kind.Fields;

export interface SamplerContext extends SamplerInput, kind.Values<typeof samplerFields> {}

/** The present interval (cycles). */
export const samplerInterval = ({ intervalCycles, halvings }: SamplerContext): number =>
  intervalCycles * 2 ** halvings;

export type SamplerRequest = { readonly op: "count"; readonly vm: number };
export type SamplerReply = { readonly type: "counted"; readonly accesses: number };

type SamplerEvent = Extract<Message, { type: "startSampling" | "sampleDue" }> | SamplerReply;

const { types, on } = machineTypes<
  SamplerContext,
  SamplerEvent,
  SamplerInput,
  SendEmission | DeviceEmission<SamplerRequest>
>();

export const samplerMachine = setup({
  types,
  actions: {
    askCount: emit(({ context }) => request({ op: "count", vm: context.vm })),
    keepCount: assign(
      on("counted", ({ context, event }) => {
        const totals = [...context.totals, event.accesses];
        if (totals.length <= context.samplesMax) return { totals };
        return {
          totals: totals.filter((_, position) => position % 2 === 0),
          halvings: context.halvings + 1,
        };
      }),
    ),
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
