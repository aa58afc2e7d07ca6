/**
 * The PRL unit of one vCPU in PAML mode (VEE21 3.2 and 3.3): a full log interrupts a CPU of the pVM,
 * never the guest; logging resumes when the processor reloads its log state from memory.
 *
 *   state     | event        | next      | emits
 *   ----------|--------------|-----------|------------------------------------------------
 *   off       | enableLog    | logging   | -
 *   logging   | prlLogFilled | suspended | ipi (log-full vector) to the log-full handler CPU
 *   suspended | prlLogFilled | suspended | ipi: the second of two logs filled (double-buffered)
 *   suspended | remoteReload | suspended | device: reload
 *   suspended | reloaded     | logging   | -
 *   logging   | remoteReload | logging   | device: reload: the handler served two logs one by one
 *   off       | remoteReload | off       | device: reload: PRL was disarmed while the handler worked
 *   logging   | reloaded     | logging   | ignored: nothing was suspended
 *   off       | reloaded     | off       | ignored: nothing was suspended
 *   off       | prlLogFilled | off       | ignored: who turned logging off has collected the full log
 *   logging   | disableLog   | off       | -
 *   suspended | disableLog   | off       | -
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
import {
  interruptHandler,
  type UnitReply,
  type UnitRequest,
  type UnitStatechart,
} from "./statechart.ts";

/** What it is set up with. */
export const prlUnitInput = {
  vcpu: kind.vcpu,
  // The log full handler CPU and vector of the VMCS's host state.
  handlerCpu: kind.actor,
  vector: kind.count,
  // Cycles from the LAPIC's send to the arrival.
  ipiCycles: kind.cycles,
} as const satisfies kind.Fields;
export type PrlUnitInput = kind.Values<typeof prlUnitInput>;

/** What its state holds besides its input. */
export const prlUnitFields = {
  ipis: kind.statistic(kind.count),
} as const satisfies kind.Fields;

export interface PrlUnitContext extends PrlUnitInput, kind.Values<typeof prlUnitFields> {}

type PrlUnitEvent =
  | Extract<Message, { type: "enableLog" | "disableLog" | "prlLogFilled" | "remoteReload" }>
  | UnitReply;

const { types } = machineTypes<
  PrlUnitContext,
  PrlUnitEvent,
  PrlUnitInput,
  SendEmission | DeviceEmission<UnitRequest>
>();

export const prlUnitMachine = setup({
  types,
  actions: {
    countIpi: assign({ ipis: ({ context }) => context.ipis + 1 }),
    sendIpi: emit(({ context }) => interruptHandler(context, context.vcpu)),
    askReload: emit(({ context }) => request({ op: "reload", vcpu: context.vcpu })),
  },
}).createMachine({
  id: "prlUnit",
  context: ({ input }) => ({ ...input, ipis: 0 }),
  initial: "off",
  states: {
    off: {
      on: {
        enableLog: "logging",
        remoteReload: { actions: "askReload" },
        reloaded: ignored("nothing was suspended"),
        prlLogFilled: ignored("who turned logging off has collected the full log"),
      },
    },
    logging: {
      on: {
        prlLogFilled: { target: "suspended", actions: ["countIpi", "sendIpi"] },
        remoteReload: { actions: "askReload" },
        reloaded: ignored("nothing was suspended"),
        disableLog: "off",
      },
    },
    suspended: {
      on: {
        prlLogFilled: { actions: ["countIpi", "sendIpi"] },
        remoteReload: { actions: "askReload" },
        reloaded: "logging",
        disableLog: "off",
      },
    },
  },
});

export const prlStatechart: UnitStatechart = {
  machine: prlUnitMachine,
  fields: { ...prlUnitInput, ...prlUnitFields },
  atRest: ["off", "logging"],
  input: ({ number, handlerCpu, vector, ipiCycles }) => ({
    vcpu: number,
    handlerCpu,
    vector,
    ipiCycles,
  }),
};
