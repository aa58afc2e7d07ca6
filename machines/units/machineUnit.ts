/**
 * The unit of one vCPU that a scenario designs (src/units/machineUnit). Its full log stops the guest, as PML's, or interrupts
 * a CPU of the pVM, as PRL's: the MMU says which by the message that it sends, or tells nobody.
 *
 *   state     | event              | next      | emits
 *   ----------|--------------------|-----------|----------------------------------------------------
 *   off       | enableLog          | logging   | -
 *   off       | machineUnitFull    | off       | guestStopped to the vCPU
 *   off       | machineUnitEmptied | off       | ignored: logging was turned off before the handler was done
 *   off       | machineUnitFilled  | off       | ignored: who turned logging off has collected the full log
 *   off       | remoteReload       | off       | device: reload
 *   off       | reloaded           | off       | ignored: nothing was suspended
 *   logging   | machineUnitFull    | full      | guestStopped to the vCPU
 *   logging   | machineUnitEmptied | logging   | ignored: the index was in range again before
 *   logging   | machineUnitFilled  | suspended | ipi (log-full vector) to the log-full handler CPU
 *   logging   | remoteReload       | logging   | device: reload
 *   logging   | reloaded           | logging   | ignored: nothing was suspended
 *   full      | machineUnitEmptied | logging   | -
 *   suspended | machineUnitFilled  | suspended | ipi: the second of two logs filled
 *   suspended | remoteReload       | suspended | device: reload
 *   suspended | reloaded           | logging   | -
 *   logging, full, suspended | disableLog | off | -
 */
import { assign, emit, setup } from "xstate";
import {
  type DeviceEmission,
  request,
  type SendEmission,
} from "../../src/interconnect/emissions.ts";
import * as kind from "../../src/interconnect/fields.ts";
import { ignored } from "../../src/interconnect/ignored.ts";
import { machineTypes } from "../../src/interconnect/machineTypes.ts";
import type { Message } from "../../src/interconnect/messages.ts";
import { machineUnit } from "../../src/units/machineUnit/declaration.ts";
import {
  interruptHandler,
  stopGuest,
  type UnitReply,
  type UnitRequest,
  type UnitStatechart,
} from "./statechart.ts";

/** What it is set up with. */
export const machineUnitInput = {
  number: kind.vcpu,
  vcpu: kind.actor,
  // The log full handler CPU and vector of the VMCS's host state.
  handlerCpu: kind.actor,
  vector: kind.count,
  // Cycles from the LAPIC's send to the arrival.
  ipiCycles: kind.cycles,
} as const satisfies kind.Fields;
export type MachineUnitInput = kind.Values<typeof machineUnitInput>;

/** What its state holds besides its input. */
export const machineUnitFields = {
  fullEvents: kind.statistic(kind.count),
  ipis: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface MachineUnitContext
  extends MachineUnitInput,
    kind.Values<typeof machineUnitFields> {}

type MachineUnitEvent =
  | Extract<
      Message,
      {
        type:
          | "enableLog"
          | "disableLog"
          | "machineUnitFull"
          | "machineUnitFilled"
          | "machineUnitEmptied"
          | "remoteReload";
      }
    >
  | UnitReply;

const { types } = machineTypes<
  MachineUnitContext,
  MachineUnitEvent,
  MachineUnitInput,
  SendEmission | DeviceEmission<UnitRequest>
>();

export const machineUnitMachine = setup({
  types,
  actions: {
    countFull: assign({ fullEvents: ({ context }) => context.fullEvents + 1 }),
    sendLogFull: emit(({ context }) => stopGuest(context.vcpu, machineUnit.whenFull.reason)),
    countIpi: assign({ ipis: ({ context }) => context.ipis + 1 }),
    sendIpi: emit(({ context }) => interruptHandler(context, context.number)),
    askReload: emit(({ context }) => request({ op: "reload", vcpu: context.number })),
  },
}).createMachine({
  id: "machineUnit",
  context: ({ input }) => ({ ...input, fullEvents: 0, ipis: 0 }),
  initial: "off",
  states: {
    off: {
      on: {
        enableLog: "logging",
        // The walk was under way when logging was turned off: its exit comes all the same.
        machineUnitFull: { actions: ["countFull", "sendLogFull"] },
        machineUnitEmptied: ignored("logging was turned off before the handler was done"),
        machineUnitFilled: ignored("who turned logging off has collected the full log"),
        remoteReload: { actions: "askReload" },
        reloaded: ignored("nothing was suspended"),
      },
    },
    logging: {
      on: {
        machineUnitFull: { target: "full", actions: ["countFull", "sendLogFull"] },
        machineUnitEmptied: ignored("the index was in range again before"),
        machineUnitFilled: { target: "suspended", actions: ["countIpi", "sendIpi"] },
        remoteReload: { actions: "askReload" },
        reloaded: ignored("nothing was suspended"),
        disableLog: "off",
      },
    },
    full: {
      on: {
        machineUnitEmptied: "logging",
        disableLog: "off",
      },
    },
    suspended: {
      on: {
        machineUnitFilled: { actions: ["countIpi", "sendIpi"] },
        remoteReload: { actions: "askReload" },
        reloaded: "logging",
        disableLog: "off",
      },
    },
  },
});

/** A hole that is said: pmlUnit and prlUnit, which do the same then, are turned off in the operator's models. */
const ON_TO_THE_END = "in models of a designed unit it stays on to the end";
const TURNED_OFF = [
  "off: machineUnitFull",
  "off: machineUnitEmptied",
  "off: machineUnitFilled",
  "off: remoteReload",
  "off: reloaded",
  "logging: disableLog",
  "full: disableLog",
  "suspended: disableLog",
];

export const machineUnitStatechart: UnitStatechart = {
  machine: machineUnitMachine,
  fields: { ...machineUnitInput, ...machineUnitFields },
  atRest: ["off", "logging"],
  neverTaken: {
    "logging: machineUnitEmptied":
      "a VM is paused before it is disarmed, and its exits are handled before it is paused",
    ...Object.fromEntries(TURNED_OFF.map((transition) => [transition, ON_TO_THE_END])),
  },
  input: ({ number, vcpu, handlerCpu, vector, ipiCycles }) => ({
    number,
    vcpu,
    handlerCpu,
    vector,
    ipiCycles,
  }),
};
