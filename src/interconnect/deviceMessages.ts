/** Messages that let VMs run, and of devices that write their memory, for the table (messages.ts). */
import { actor, count, flag, page, turn, vcpu, vm } from "./fields.ts";
import type { MessageRow } from "./messageRow.ts";

/** Who has VMs paused; and whom they tell: where VMs have devices, their run state stands before the scheduler. */
const PAUSERS = ["toolstack", "estimator", "operator", "throttle"] as const;
const RUNNERS = ["scheduler", "runState"] as const;

export const DEVICE_MESSAGES = {
  startVm: { from: ["toolstack", "runState"], to: RUNNERS, fields: { vm }, kind: "schedule" },
  // `drain`: answered when its devices are drained too, and not only when its vCPUs have left the guest.
  pauseVm: {
    from: [...PAUSERS, "runState"],
    to: RUNNERS,
    fields: { vm, requester: actor, drain: flag.exactOptional() },
    kind: "schedule",
  },
  vmPaused: { from: RUNNERS, to: [...PAUSERS, "runState"], fields: { vm }, kind: "schedule" },
  unpauseVm: { from: [...PAUSERS, "runState"], to: RUNNERS, fields: { vm }, kind: "schedule" },
  // Take requests; take no more of them, and answer when all that was written is marked.
  runDevice: { from: "runState", to: "ioDevice", fields: {}, kind: "operation" },
  drainDevice: { from: "runState", to: "ioDevice", fields: {}, kind: "operation" },
  deviceDrained: { from: "ioDevice", to: "runState", fields: { vm }, kind: "operation" },
  // The data of a request are written to memory; they are marked.
  dmaDue: {
    from: "ioDevice",
    to: "itself",
    fields: { turn },
    kind: "operation",
    timer: "atWill",
    twice: "turn",
    idle: true,
  },
  // What the hypervisor has written for a vCPU that it loads is marked by it.
  pvWritten: {
    from: "dispatcher",
    to: "tracker",
    fields: { vcpu, dispatcher: actor },
    kind: "track",
    after: "endOfWork",
  },
  markDue: {
    from: "ioDevice",
    to: "itself",
    fields: { page, pages: count },
    kind: "track",
  },
} as const satisfies Readonly<Record<string, MessageRow>>;
