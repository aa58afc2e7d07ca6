/**
 * The unit of one vCPU whose full log stops the guest: whether it logs. The log and the index are words in memory; the
 * stores happen in the walk. While it is full no guest runs on: the one that filled it waits for the index. `full` and
 * `emptied` are the unit's own messages.
 *
 *   state   | event      | next    | emits
 *   --------|------------|---------|-------------------------------------------
 *   off     | enableLog  | logging | -
 *   off     | full       | off     | guestStopped (the unit's reason) to the vCPU
 *   logging | full       | full    | guestStopped (the unit's reason) to the vCPU
 *   full    | emptied    | logging | -
 *   logging | emptied    | logging | ignored: the index was in range again before
 *   off     | emptied    | off     | ignored: logging was turned off before the handler was done
 *   logging, full | disableLog | off | -
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
type StoppingUnitInput = kind.Values<typeof stoppingUnitInput>;

/** What its state holds besides its input. */
export const stoppingUnitFields = {
  fullEvents: kind.statistic(kind.count),
} as const satisfies kind.Fields;

interface StoppingUnitContext extends StoppingUnitInput, kind.Values<typeof stoppingUnitFields> {}

type StoppingUnitEvent = Extract<Message, { type: "enableLog" | "disableLog" | UnitMessageType }>;

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
