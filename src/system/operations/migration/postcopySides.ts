/** The actors of both hosts of a VM in post-copy. */
import {
  type PostcopyReceiverInput,
  postcopyReceiverMachine,
} from "../../../../machines/postcopyReceiver.ts";
import {
  type PostcopySenderInput,
  postcopySenderMachine,
} from "../../../../machines/postcopySender.ts";
import type { Moving, PostcopyRule } from "../../../hypervisor/migration/postcopy.ts";
import { bytesOf } from "../../../hypervisor/migration/stats.ts";
import type { OperationHelper } from "../../operation.ts";
import { ReceiverDevice, SenderDevice } from "./postcopyDevices.ts";

export interface PostcopySides {
  readonly rule: PostcopyRule;
  readonly moving: Moving;
  /** Number of the VM that moves. */
  readonly vm: number;
  readonly link: Pick<PostcopySenderInput, "latencyCycles" | "cyclesPerByte" | "batchPages">;
  readonly findsZeroPages: boolean;
  /** Of an EPT violation. */
  readonly handlerCycles: number;
  readonly now: () => number;
}

/** The sender, and the receiver after it: the last two of a migration's helpers. */
export function postcopySides(sides: PostcopySides): OperationHelper[] {
  const { rule, moving, vm, link, findsZeroPages, handlerCycles, now } = sides;
  const { preempt, maxBandwidth } = rule;
  const memory = { moving, bytesOf: bytesOf(findsZeroPages), findsZeroPages };
  const { latencyCycles, cyclesPerByte } = link;
  return [
    {
      role: { kind: "helper", helper: "sender" },
      machine: postcopySenderMachine,
      device: new SenderDevice(memory, vm, now),
      input: ({ self, helpers }): PostcopySenderInput => {
        return { self, receiver: helpers.at(-1) ?? 0, ...link, maxBandwidth, preempt };
      },
    },
    {
      role: { kind: "helper", helper: "receiver" },
      machine: postcopyReceiverMachine,
      device: new ReceiverDevice(moving, vm, handlerCycles, now),
      input: ({ toolstack, scheduler, helpers }): PostcopyReceiverInput => {
        return { toolstack, scheduler, sender: helpers.at(-2) ?? 0, latencyCycles, cyclesPerByte };
      },
    },
  ];
}
