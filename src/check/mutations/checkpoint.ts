/** Faults in checkpointing: when output goes out, what is copied and when, and where it is written. */

import { assign, emit } from "xstate";
import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { send } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { CheckpointDevice } from "../../system/operations/checkpoint/device.ts";
import type { ActorParts } from "../../system/system.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { EVERY_MESSAGE_TAKEN } from "../hypervisor/systemSteps.ts";
import { NOTHING_LEFT } from "../models/aftermath.ts";
import {
  LAST_ONE_STAYS,
  OUTPUT_WAITS,
  RESTORED_IS_MEMORY,
  STANDS_STILL,
} from "../models/checkpoint.ts";
import { ALL_RIGHTS_BACK } from "../models/untracked.ts";
import {
  around,
  leavesEntriesArmed,
  type Mutation,
  rearmsNothing,
  replaceIn,
  without,
  wrapDevice,
} from "./mutation.ts";

/** Around the checkpointing device: `change` performs the request, or not. */
function aroundDevice(
  change: (
    op: string,
    perform: (op?: "copy") => { readonly type: string },
    device: CheckpointDevice,
  ) => { readonly type: string },
): NonNullable<Mutation["replace"]> {
  return replaceIn("toolstack", ({ machine, device }: ActorParts) => {
    if (!(device instanceof CheckpointDevice)) throw new Error("no checkpointing device");
    const own: CheckpointDevice = device;
    return {
      machine,
      device: wrapDevice(device, ({ op }, perform) =>
        change(
          op,
          (other) => (other === undefined ? perform() : own.perform({ op: other, all: false })),
          own,
        ),
      ),
    };
  });
}

export const checkpointMutations: readonly Mutation[] = [
  {
    name: "output-before-acknowledge",
    mistake: "output goes out when the VM runs on, not when the storage has acknowledged its epoch",
    model: "checkpoint",
    breaks: OUTPUT_WAITS,
    replace: aroundDevice((op, perform, { book }) => {
      const reply = perform();
      if (op === "release") book.releaseOutput(0);
      return reply;
    }),
  },
  {
    name: "copied-while-it-runs",
    mistake: "the pages of an epoch are copied when they are written, and the VM has run on",
    model: "checkpoint",
    breaks: RESTORED_IS_MEMORY,
    replace: aroundDevice((op, perform, { book }) => {
      if (op === "copy" && book.count > 0) {
        book.noteCopy(0, 0, false);
        return { type: "pagesCopied" };
      }
      const { count } = book;
      if (op === "commit" && count > 1) {
        perform("copy");
        book.resize({ records: 6 * count });
      }
      return perform();
    }),
  },
  {
    name: "staging-not-cleared",
    mistake: "an epoch's pages are put behind those of the last one, which are written again",
    model: "checkpoint",
    breaks: RESTORED_IS_MEMORY,
    replace: aroundDevice((op, perform, { staging }) => {
      const before = staging.words.slice(0, staging.length);
      const reply = perform();
      if (op !== "copy" || before.length === 0) return reply;
      const added = staging.words.slice(0, staging.length);
      staging.clear();
      staging.pushAll(before);
      staging.pushAll(added);
      return reply;
    }),
  },
  {
    name: "epoch-does-not-wait",
    mistake: "an epoch ends, and its pages go over a staging buffer that is still being written",
    model: "checkpoint",
    breaks: EVERY_MESSAGE_TAKEN,
    replace: replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        guards: { isWriting: () => false, allHaltedAndWriting: () => false },
      }),
    })),
  },
  {
    name: "acknowledged-before-durable",
    mistake: "a checkpoint counts as acknowledged before it is on the storage",
    model: "checkpoint",
    breaks: RESTORED_IS_MEMORY,
    replace: around("toolstack", ({ op }, perform) =>
      op === "commit" ? { type: "committed" } : perform(),
    ),
  },
  {
    name: "harvested-not-copied",
    mistake: "the harvested bitmap is cleared before the pages that it names are copied",
    model: "checkpoint",
    breaks: RESTORED_IS_MEMORY,
    replace: around("toolstack", ({ op }, perform, { vms }) => {
      if (op === "copy") clearMarks(itemAt(vms, 0).tracked.handedOver);
      return perform();
    }),
  },
  {
    name: "storage-writes-in-place",
    mistake: "each checkpoint is written over the one before, with no copy kept meanwhile",
    model: "checkpoint",
    breaks: LAST_ONE_STAYS,
    storageFault: "writesInPlace",
  },
  {
    name: "protected-after-failure",
    mistake:
      "when the storage has failed the tracker is switched off, and the pages stay protected",
    model: "checkpoint",
    breaks: ALL_RIGHTS_BACK,
    replace: leavesEntriesArmed,
  },
  {
    name: "paused-after-failure",
    mistake: "when the storage has failed the VM is stopped to be untracked, and not let go again",
    model: "checkpoint",
    breaks: NOTHING_LEFT,
    replace: without("toolstack", "sendUnpauses"),
  },
  {
    name: "epoch-not-protected",
    mistake: "the pages of an epoch are copied, and not protected again for the next",
    model: "checkpoint-write-protection",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "failed-checkpoint-forgotten",
    mistake:
      "the pages that a harvest took out of the log for a checkpoint that failed are not in the next (Firecracker issue 4545)",
    model: "checkpoint-diff",
    breaks: RESTORED_IS_MEMORY,
    operationFault: "failedCheckpointForgotten",
  },
  {
    name: "chain-on-failed-full",
    mistake: "a checkpoint with all pages failed, and the next builds on it",
    model: "checkpoint-diff",
    breaks: RESTORED_IS_MEMORY,
    replace: replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { noteFailure: assign({ chain: 1 }) } }),
    })),
  },
  {
    name: "diff-not-protected",
    mistake: "the pages of a differential checkpoint are copied, and not armed again for the next",
    model: "checkpoint-diff",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "diff-harvested-before-pause",
    mistake: "a differential checkpoint harvests while the VM is being stopped, and copies then",
    model: "checkpoint-diff",
    breaks: STANDS_STILL,
    replace: replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendPauses: emit(({ context }) => send(context["self"], { type: "vmPaused", vm: 0 })),
        },
      }),
    })),
  },
  {
    name: "copied-before-pause",
    mistake: "a stop-and-copy checkpoint does not wait until the VM has stopped",
    model: "checkpoint-stop",
    breaks: STANDS_STILL,
    replace: replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendPauses: emit(({ context }) => send(context["self"], { type: "vmPaused", vm: 0 })),
        },
      }),
    })),
  },
  {
    name: "not-resumed-after-checkpoint",
    mistake: "the toolstack forgets to let the VM go on after a stop-and-copy checkpoint",
    model: "checkpoint-stop",
    breaks: "vCPU 0 runs again",
    replace: replaceIn("toolstack", ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { sendUnpauses: assign({}) } }),
    })),
  },
];
