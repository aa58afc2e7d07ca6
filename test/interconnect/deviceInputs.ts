/** Devices of VMs, and who stops them, for machineInputs.ts. */
import { ioDeviceMachine } from "../../machines/ioDevice.ts";
import { runStateMachine } from "../../machines/runState.ts";
import type { MachineCase, Payload } from "./machineCase.ts";

const none: Payload = () => ({});

export const deviceCases: Readonly<Record<string, MachineCase>> = {
  ioDevice: {
    machine: ioDeviceMachine,
    input: {
      self: 12,
      runState: 13,
      vm: 0,
      intervalCycles: 50,
      latencyCycles: 20,
      depth: 2,
      isMarked: true,
    },
    events: {
      runDevice: none,
      drainDevice: none,
      dmaDue: (n) => ({ turn: n % 3 }),
      markDue: (n) => ({ page: n, pages: 1 + (n % 2) }),
      written: (n) => ({ page: n, pages: 1 + (n % 2) }),
      marked: (n) => ({ pages: 1 + (n % 2) }),
    },
    ways: [
      [
        ["runDevice", 0],
        ["dmaDue", 1],
        ["written", 0],
        ["dmaDue", 1],
        ["written", 1],
        ["markDue", 0],
        ["marked", 0],
        ["drainDevice", 0],
        ["markDue", 1],
        ["marked", 1],
        ["runDevice", 0],
      ],
    ],
  },
  runState: {
    machine: runStateMachine,
    input: { self: 13, scheduler: 2, devices: [[12], []] },
    events: {
      startVm: (n) => ({ vm: n % 2 }),
      pauseVm: (n) => ({ vm: n % 2, requester: 1, ...(n % 3 === 0 ? {} : { drain: true }) }),
      unpauseVm: (n) => ({ vm: n % 2 }),
      vmPaused: () => ({ vm: 0 }),
      deviceDrained: () => ({ vm: 0 }),
    },
    ways: [
      [
        ["startVm", 0],
        ["pauseVm", 2],
        ["vmPaused", 0],
        ["deviceDrained", 0],
        ["unpauseVm", 0],
      ],
    ],
  },
};
