/** Faults in the live rounds of a migration, and in giving one up. */

import { type AnyEventObject, emit } from "xstate";
import type { MigrationContext } from "../../../machines/migrationContext.ts";
import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { Destination } from "../../hypervisor/migration/destination.ts";
import { request, type SendEmission, send, sendAll } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NOTHING_LEFT } from "../models/aftermath.ts";
import { CANCELLED_IS_UNTRACKED, CANCELLED_RUNS_ON, MEMORY_EQUAL } from "../models/migration.ts";
import { HARVEST_STANDS_STILL, NO_STALE_TRANSLATION } from "../models/properties.ts";
import {
  around,
  type Mutation,
  type Replacement,
  rearmsNothing,
  replaceIn,
  without,
  wrapDevice,
} from "./mutation.ts";

const isLive = ({ progress }: MigrationContext): boolean => progress.suspendTime < 0;

/** The toolstack with another action, and a device that goes wrong where the action says so. */
function toolstack(
  action: string,
  emission: (args: { context: MigrationContext; event: AnyEventObject }) => AnyEventObject,
): Replacement {
  return replaceIn("toolstack", ({ machine, device }) => ({
    device,
    machine: machine.provide({ actions: { [action]: emit(emission as never) } }),
  }));
}

/** One replacement after the other. */
function both(first: Replacement, second: Replacement): Replacement {
  return (name, parts, world, operation) =>
    second(name, first(name, parts, world, operation), world, operation);
}

export const migrationMutations: readonly Mutation[] = [
  {
    name: "harvested-not-protected",
    mistake:
      "a harvest between two rounds reports its pages, and writes to them go unnoticed from then on",
    model: "migration-rounds",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "runs-during-live-harvest",
    mistake:
      "between two rounds the VM is let go when the harvest is asked for, not when it is done",
    model: "migration-rounds",
    breaks: HARVEST_STANDS_STILL,
    replace: toolstack("sendHarvest", ({ context }) => {
      const { tracker, scheduler, vm, self } = context;
      const harvest = send(tracker, { type: "harvest", mode: "clean", requester: self });
      return sendAll(
        isLive(context) ? [send(scheduler, { type: "unpauseVm", vm }), harvest] : [harvest],
      );
    }),
  },
  {
    name: "live-harvest-not-queued",
    mistake: "the pages of a harvest between two rounds are not added to what is left to send",
    model: "migration-rounds",
    breaks: MEMORY_EQUAL,
    replace: both(
      toolstack("askQueueHarvest", () =>
        request({ op: "queueHarvest", forget: false, wrong: true }),
      ),
      around("toolstack", ({ wrong }, perform, { vms }) => {
        if (wrong === true) clearMarks(itemAt(vms, 0).tracked.handedOver);
        return perform();
      }),
    ),
  },
  {
    name: "round-sent-from-snapshot",
    mistake:
      "a later live round sends pages as they were when they were sent first, not as they are",
    model: "migration-rounds",
    breaks: MEMORY_EQUAL,
    replace: both(
      toolstack("askBatch", ({ context }) => {
        const wrong = isLive(context) && context.progress.iteration > 0;
        return request({ op: "takeBatch", pages: context.batchPages, wrong });
      }),
      replaceIn("toolstack", ({ machine, device }, _world, operation) => ({
        machine,
        device: wrapDevice(device, ({ wrong }, perform) => {
          const host = operation().find((part) => part instanceof Destination)!;
          const before = host.versions.slice();
          const reply = perform();
          if (wrong === true) host.versions.set(before);
          return reply;
        }),
      })),
    ),
  },
  {
    name: "not-resumed-after-abort",
    mistake: "a migration that is given up leaves the VM paused",
    model: "migration",
    breaks: CANCELLED_RUNS_ON,
    replace: toolstack("sendUnpauseSettling", ({ context }) => {
      const { progress, scheduler, vm, self, goOnCycles } = context;
      const unpause: SendEmission = send(scheduler, { type: "unpauseVm", vm });
      const settled = send(self, { type: "settled" }, Math.max(0, goOnCycles));
      return sendAll(progress.resumeTime >= 0 ? [unpause, settled] : [settled]);
    }),
  },
  {
    name: "tracked-after-abort",
    mistake: "a migration that is given up lets the VM go on without switching the tracker off",
    model: "migration",
    breaks: CANCELLED_IS_UNTRACKED,
    replace: toolstack("sendDisarm", ({ context: { cancelledBy, tracker, self } }) =>
      cancelledBy === "nobody"
        ? send(tracker, { type: "disarm", requester: self })
        : send(self, { type: "disarmed" }),
    ),
  },
  {
    name: "tracked-after-giving-up",
    mistake: "a policy that gives up lets the VM go on without switching the tracker off",
    model: "migration-rounds",
    set: { aborts: 0, fails: 0 },
    breaks: CANCELLED_IS_UNTRACKED,
    replace: toolstack("sendDisarm", ({ context: { cancelledBy, tracker, self } }) =>
      cancelledBy === "policy"
        ? send(self, { type: "disarmed" })
        : send(tracker, { type: "disarm", requester: self }),
    ),
  },
  {
    name: "armed-without-flush",
    mistake: "a VM that runs is write-protected, and what its TLB still allows is not flushed",
    model: "migration-write-protection",
    breaks: NO_STALE_TRANSLATION,
    trackerFault: "skipInvept",
  },
  {
    name: "faulted-not-sent-again",
    mistake:
      "pages whose writes have faulted since they were sent are harvested, and not sent again",
    model: "migration-write-protection",
    set: { aborts: 0, fails: 0 },
    breaks: MEMORY_EQUAL,
    replace: around("toolstack", ({ op }, perform, { vms }) => {
      if (op === "queueHarvest") clearMarks(itemAt(vms, 0).tracked.handedOver);
      return perform();
    }),
  },
  {
    name: "throttle-left-on",
    mistake: "a migration that ends, however it does, does not switch the throttle off",
    model: "migration-throttled",
    set: { fails: 0 },
    breaks: NOTHING_LEFT,
    replace: toolstack("sendPauseUnthrottled", ({ context: { scheduler, vm, self } }) =>
      send(scheduler, { type: "pauseVm", vm, requester: self }),
    ),
  },
  {
    name: "asleep-for-ever",
    mistake: "a throttle that is switched off while the VM sleeps does not wake it",
    model: "migration-throttled",
    set: { fails: 0 },
    breaks: CANCELLED_RUNS_ON,
    replace: without({ helper: "throttle" }, "sendUnpause"),
  },
];
