/**
 * The states of a unit whose full log stops the guest: off, logging, full. While it is full no guest runs on: the one that
 * filled it waits for the index. Each such unit has messages of its own, which its file's state table names.
 */
import { assign, emit, setup } from "xstate";
import type { SendEmission } from "../../src/interconnect/emissions.ts";
import * as kind from "../../src/interconnect/fields.ts";
import { ignored } from "../../src/interconnect/ignored.ts";
import { machineTypes } from "../../src/interconnect/machineTypes.ts";
import type { Message } from "../../src/interconnect/messages.ts";
import type { UnitMessageType } from "../../src/units/messages.ts";
import type { StopsGuest } from "../../src/units/unit.ts";
import { stopGuest } from "./statechart.ts";

/** What it is set up with. */
export const stoppingUnitInput = {
  vcpu: kind.actor,
} as const satisfies kind.Fields;
export type StoppingUnitInput = kind.Values<typeof stoppingUnitInput>;

/** What its state holds besides its input. */
export const stoppingUnitFields = {
  fullEvents: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface StoppingUnitContext
  extends StoppingUnitInput,
    kind.Values<typeof stoppingUnitFields> {}

export type StoppingUnitEvent = Extract<
  Message,
  { type: "enableLog" | "disableLog" | UnitMessageType }
>;

const { types } = machineTypes<
  StoppingUnitContext,
  StoppingUnitEvent,
  StoppingUnitInput,
  SendEmission
>();

/** The machine of a unit. @param id its name, and what its unit says of a full log */
export function stoppingMachine(id: string, { full, emptied, reason }: StopsGuest) {
  return setup({
    types,
    actions: {
      countFull: assign({ fullEvents: ({ context }) => context.fullEvents + 1 }),
      sendLogFull: emit(({ context }) => stopGuest(context.vcpu, reason)),
    },
  }).createMachine({
    id,
    context: ({ input }) => ({ ...input, fullEvents: 0 }),
    initial: "off",
    states: {
      off: {
        on: {
          enableLog: "logging",
          // The walk was under way when logging was turned off: its exit comes all the same.
          [full]: { actions: ["countFull", "sendLogFull"] },
          [emptied]: ignored("logging was turned off before the handler was done"),
        },
      },
      logging: {
        on: {
          [full]: { target: "full", actions: ["countFull", "sendLogFull"] },
          [emptied]: ignored("the index was in range again before"),
          disableLog: "off",
        },
      },
      full: {
        on: {
          [emptied]: "logging",
          disableLog: "off",
        },
      },
    },
  });
}

/** A hole that is said: why no model takes it. */
export function indexBackBefore({ emptied }: StopsGuest): Readonly<Record<string, string>> {
  return {
    [`logging: ${emptied}`]:
      "a VM is paused before it is disarmed, and its exits are handled before it is paused",
  };
}

/** The same of a unit that is turned off in no model: the first one, which does the same then, is in the operator's. */
export function whileOff({ full, emptied }: StopsGuest): Readonly<Record<string, string>> {
  const transitions = [
    `off: ${full}`,
    `off: ${emptied}`,
    "logging: disableLog",
    "full: disableLog",
  ];
  return Object.fromEntries(
    transitions.map((transition) => [transition, "in models of this unit it stays on to the end"]),
  );
}
