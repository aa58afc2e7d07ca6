/** The session's events, for machineInputs.ts. */
import { sessionMachine } from "../../machines/session.ts";
import type { MachineCase, Payload } from "./machineCase.ts";

const none: Payload = () => ({});

export const sessionCase: MachineCase = {
  machine: sessionMachine,
  input: {
    self: 1,
    scheduler: 2,
    trackers: [7, 8],
    operations: [
      { actor: 9, end: "deadline" },
      { actor: 10, end: "abortDue" },
    ],
    deadlineCycles: 1000,
  },
  events: {
    begin: none,
    startOperation: (n) => ({ operation: n % 2 }),
    abortOperation: none,
    operationEnded: none,
    vmPaused: none,
    disarmed: none,
    renewed: none,
    startVm: (n) => ({ vm: n % 2 }),
    pauseVm: (n) => ({ vm: n % 2, requester: 9 }),
    unpauseVm: (n) => ({ vm: n % 2 }),
    vmHalted: (n) => ({ vm: n % 2 }),
    deadline: none,
  },
  ways: [
    [
      ["begin", 0],
      ["startVm", 0],
      ["startVm", 1],
      ["startOperation", 1],
      ["operationEnded", 0],
      ["vmPaused", 0],
      ["vmPaused", 1],
      ["disarmed", 0],
      ["disarmed", 0],
    ],
  ],
};
