/**
 * The PML unit of one vCPU: whether it logs. The log and the index are words in memory; the stores
 * happen in the walk (src/units/pml/walk.ts). While it is full no guest runs on: the one that
 * filled it waits for the index.
 *
 *   state   | event              | next    | emits
 *   --------|--------------------|---------|-------------------------------------------
 *   off     | enableLog          | logging | -
 *   off     | pmlIndexOutOfRange | off     | guestStopped (reason 62) to the vCPU
 *   logging | pmlIndexOutOfRange | full    | guestStopped (reason 62) to the vCPU
 *   full    | pmlIndexReset      | logging | -
 *   logging | pmlIndexReset      | logging | ignored: the index was in range again before
 *   off     | pmlIndexReset      | off     | ignored: logging was turned off before the handler was done
 *   logging, full | disableLog   | off     | -
 */
import { assign, emit, setup } from "xstate";
import type { SendEmission } from "../../src/interconnect/emissions.ts";
import * as kind from "../../src/interconnect/fields.ts";
import { ignored } from "../../src/interconnect/ignored.ts";
import { machineTypes } from "../../src/interconnect/machineTypes.ts";
import type { Message } from "../../src/interconnect/messages.ts";
import { pml } from "../../src/units/pml/declaration.ts";
import { stopGuest, type UnitStatechart } from "./statechart.ts";

/** What it is set up with. */
export const pmlUnitInput = {
  vcpu: kind.actor,
} as const satisfies kind.Fields;
export type PmlUnitInput = kind.Values<typeof pmlUnitInput>;

/** What its state holds besides its input. */
export const pmlUnitFields = {
  fullEvents: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface PmlUnitContext extends PmlUnitInput, kind.Values<typeof pmlUnitFields> {}

type PmlUnitEvent = Extract<
  Message,
  { type: "enableLog" | "disableLog" | "pmlIndexOutOfRange" | "pmlIndexReset" }
>;

const { types } = machineTypes<PmlUnitContext, PmlUnitEvent, PmlUnitInput, SendEmission>();

export const pmlUnitMachine = setup({
  types,
  actions: {
    countFull: assign({ fullEvents: ({ context }) => context.fullEvents + 1 }),
    sendLogFull: emit(({ context }) => stopGuest(context.vcpu, pml.whenFull.reason)),
  },
}).createMachine({
  id: "pmlUnit",
  context: ({ input }) => ({ ...input, fullEvents: 0 }),
  initial: "off",
  states: {
    off: {
      on: {
        enableLog: "logging",
        // The walk was under way when logging was turned off: its exit comes all the same.
        pmlIndexOutOfRange: { actions: ["countFull", "sendLogFull"] },
        pmlIndexReset: ignored("logging was turned off before the handler was done"),
      },
    },
    logging: {
      on: {
        pmlIndexOutOfRange: { target: "full", actions: ["countFull", "sendLogFull"] },
        pmlIndexReset: ignored("the index was in range again before"),
        disableLog: "off",
      },
    },
    full: {
      on: {
        pmlIndexReset: "logging",
        disableLog: "off",
      },
    },
  },
});

export const pmlStatechart: UnitStatechart = {
  machine: pmlUnitMachine,
  fields: { ...pmlUnitInput, ...pmlUnitFields },
  atRest: ["off", "logging"],
  neverTaken: {
    "logging: pmlIndexReset":
      "a VM is paused before it is disarmed, and its exits are handled before it is paused",
  },
  input: ({ vcpu }) => ({ vcpu }),
};
