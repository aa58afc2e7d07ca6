/**
 * The run state of VMs that have devices (QEMU's runstate, Xen's suspend of a domain): who starts, pauses and lets go VMs
 * speaks to the scheduler through here. A pause holds the vCPUs alone. One that is to drain (QEMU vm_stop) is answered when
 * the vCPUs have left the guest and then every device is drained: what a device writes is marked before the last harvest.
 *
 * One state; each event is about the VM that it names.
 *
 *   event             | emits
 *   ------------------|------------------------------------------------------------------
 *   startVm           | startVm to the scheduler; runDevice to the VM's devices
 *   pauseVm           | pauseVm to the scheduler, which answers who asked
 *   pauseVm, to drain | pauseVm to the scheduler, which answers here
 *   vmPaused          | drainDevice to the VM's devices
 *   deviceDrained     | -
 *   deviceDrained, last | vmPaused to who asked to drain
 *   unpauseVm         | unpauseVm to the scheduler
 *   unpauseVm, last   | the same; runDevice to the VM's devices, if they were drained
 */
import { assign, emit, setup } from "xstate";
import {
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import { itemAt } from "../src/lookup.ts";

/** What it is set up with. */
export const runStateInput = {
  self: kind.actor,
  scheduler: kind.actor,
  devices: kind.listBy("vm", kind.list(kind.actor)),
} as const satisfies kind.Fields;
export type RunStateInput = kind.Values<typeof runStateInput>;

const vmRunState = {
  // Pauses that hold.
  pauses: kind.count,
  // Who has asked to drain and is not answered yet; 0: nobody. One operation at a time stops a VM.
  asker: kind.actor,
  // Devices that have not answered yet.
  awaited: kind.count,
  // Whether its devices were told to stop, and not yet to go on.
  stopped: kind.flag,
} as const satisfies kind.Fields;
type VmRunState = kind.Values<typeof vmRunState>;

/** What its state holds besides its input. */
export const runStateFields = {
  vms: kind.listBy("vm", kind.record(vmRunState)),
} as const satisfies kind.Fields;

export interface RunStateContext extends RunStateInput, kind.Values<typeof runStateFields> {}

type RunStateEvent = Extract<
  Message,
  { type: "startVm" | "pauseVm" | "unpauseVm" | "vmPaused" | "deviceDrained" }
>;

const RUNS: VmRunState = { pauses: 0, asker: 0, awaited: 0, stopped: false };

function changed(
  { vms }: RunStateContext,
  vm: number,
  change: (before: VmRunState) => Partial<VmRunState>,
): Pick<RunStateContext, "vms"> {
  const before = itemAt(vms, vm);
  return { vms: vms.with(vm, { ...before, ...change(before) }) };
}

function toDevices(
  { devices }: RunStateContext,
  vm: number,
  type: "runDevice" | "drainDevice",
): SendEmission[] {
  return itemAt(devices, vm).map((device) => send(device, { type }));
}

const { types, on } = machineTypes<
  RunStateContext,
  RunStateEvent,
  RunStateInput,
  SendEmission | SendAllEmission
>();

export const runStateMachine = setup({
  types,
  actions: {
    notePause: assign(
      on("pauseVm", ({ context, event: { vm } }) =>
        changed(context, vm, ({ pauses }) => ({ pauses: pauses + 1 })),
      ),
    ),
    noteStop: assign(
      on("pauseVm", ({ context, event: { vm, requester } }) =>
        changed(context, vm, () => ({ asker: requester })),
      ),
    ),
    noteDraining: assign(
      on("vmPaused", ({ context, event: { vm } }) =>
        changed(context, vm, () => ({
          awaited: itemAt(context.devices, vm).length,
          stopped: true,
        })),
      ),
    ),
    noteDrained: assign(
      on("deviceDrained", ({ context, event: { vm } }) =>
        changed(context, vm, ({ awaited }) => ({ awaited: awaited - 1 })),
      ),
    ),
    forgetAsker: assign(
      on("deviceDrained", ({ context, event: { vm } }) =>
        changed(context, vm, () => ({ asker: 0 })),
      ),
    ),
    noteUnpause: assign(
      on("unpauseVm", ({ context, event: { vm } }) =>
        changed(context, vm, ({ pauses }) => ({ pauses: Math.max(0, pauses - 1) })),
      ),
    ),
    noteRuns: assign(
      on("unpauseVm", ({ context, event: { vm } }) =>
        changed(context, vm, () => ({ stopped: false })),
      ),
    ),
    forward: emit(
      on(["pauseVm", "unpauseVm"], ({ context, event }) => send(context.scheduler, event)),
    ),
    sendStart: emit(
      on("startVm", ({ context, event }) =>
        sendAll([send(context.scheduler, event), ...toDevices(context, event.vm, "runDevice")]),
      ),
    ),
    sendPause: emit(
      on("pauseVm", ({ context: { scheduler, self }, event: { vm } }) =>
        send(scheduler, { type: "pauseVm", vm, requester: self }),
      ),
    ),
    sendDrains: emit(
      on("vmPaused", ({ context, event: { vm } }) =>
        sendAll(toDevices(context, vm, "drainDevice")),
      ),
    ),
    sendPaused: emit(
      on("deviceDrained", ({ context: { vms }, event: { vm } }) =>
        send(itemAt(vms, vm).asker, { type: "vmPaused", vm }),
      ),
    ),
    sendRuns: emit(
      on("unpauseVm", ({ context, event: { vm } }) => sendAll(toDevices(context, vm, "runDevice"))),
    ),
  },
  guards: {
    // A VM without devices is stopped when its vCPUs are.
    drains: on(
      "pauseVm",
      ({ context, event }) => event.drain === true && itemAt(context.devices, event.vm).length > 0,
    ),
    isLast: on(
      "deviceDrained",
      ({ context, event }) => itemAt(context.vms, event.vm).awaited === 1,
    ),
    letsDevicesGo: on("unpauseVm", ({ context, event }) => {
      const { pauses, stopped } = itemAt(context.vms, event.vm);
      return stopped && pauses <= 1;
    }),
  },
}).createMachine({
  id: "runState",
  context: ({ input }) => ({ ...input, vms: input.devices.map(() => RUNS) }),
  initial: "controlling",
  states: {
    controlling: {
      on: {
        startVm: { actions: "sendStart" },
        pauseVm: [
          { guard: "drains", actions: ["notePause", "noteStop", "sendPause"] },
          { actions: ["notePause", "forward"] },
        ],
        vmPaused: { actions: ["noteDraining", "sendDrains"] },
        deviceDrained: [
          { guard: "isLast", actions: ["sendPaused", "noteDrained", "forgetAsker"] },
          { actions: "noteDrained" },
        ],
        unpauseVm: [
          { guard: "letsDevicesGo", actions: ["noteUnpause", "noteRuns", "forward", "sendRuns"] },
          { actions: ["noteUnpause", "forward"] },
        ],
      },
    },
  },
});
