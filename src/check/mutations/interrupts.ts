/** Faults in INVEPT, kicks, pauses, and write protection. */

import { emit } from "xstate";
import { findLeaf } from "../../hardware/ept.ts";
import { RWX } from "../../hardware/rights.ts";
import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { send, sendAll } from "../../interconnect/emissions.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import {
  HARVEST_STANDS_STILL,
  NO_STALE_TRANSLATION,
  NO_VCPU_LOST,
  OPERATION_GETS_ON,
} from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation, replaceIn, without } from "./mutation.ts";
import { plannedSends } from "./scheduling.ts";

export const interruptMutations: readonly Mutation[] = [
  {
    name: "acknowledge-without-flush",
    mistake: "a CPU acknowledges an INVEPT that it has not executed",
    model: "write-protection",
    breaks: NO_STALE_TRANSLATION,
    replace: around("dispatcher", () => ({ type: "invalidated" })),
  },
  {
    name: "invept-on-one-cpu",
    mistake: "INVEPT is asked of the first CPU alone, twice, and that counts as all",
    model: modelOf(WRITES, "two-vcpus"),
    breaks: NO_STALE_TRANSLATION,
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendInvepts: emit(({ context }) => {
            const message = {
              type: "inveptRequest",
              vm: context["vm"],
              tracker: context["self"],
            } as const;
            const [first] = context["dispatchers"];
            return sendAll(context["dispatchers"].map(() => send(first, message)));
          }),
        },
      }),
    })),
  },
  {
    name: "invept-forgotten-before-entry",
    mistake: "the dispatcher does not look for pending INVEPTs before a VM entry",
    model: "dirty-ring-both-full",
    breaks: "no deadlock",
    replace: replaceIn("dispatcher", ({ machine, device }) => ({
      device,
      machine: machine.provide({ guards: { mustFlush: () => false } }),
    })),
  },
  {
    name: "invept-waits-for-handler",
    mistake:
      "an INVEPT that was asked of a running CPU waits until the exit's handler is done, which waits for it",
    model: "dirty-ring-both-full",
    breaks: "no deadlock",
    replace: without("dispatcher", "askNoted"),
  },
  {
    name: "kick-lost",
    mistake: "the dispatcher notes that its CPU is wanted, and sends no interrupt",
    model: "write-protection",
    breaks: OPERATION_GETS_ON,
    replace: without("dispatcher", "sendKick"),
  },
  {
    name: "kick-ignored",
    mistake: "an interrupt that arrives in guest mode is not noted",
    model: WRITES.name,
    breaks: OPERATION_GETS_ON,
    replace: without("mmu", "noteKick"),
  },
  {
    name: "paused-too-early",
    mistake: "the scheduler says that a VM is paused when it has only asked its CPUs",
    model: WRITES.name,
    breaks: HARVEST_STANDS_STILL,
    replace: replaceIn("scheduler", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendPlan: emit(({ context, event }) => {
            const plan = plannedSends(machine, context, event);
            if (event.type !== "pauseVm") {
              return sendAll(plan.filter(({ message }) => message.type !== "vmPaused"));
            }
            const paused = plan.some(({ message }) => message.type === "vmPaused");
            const answer = send(event["requester"], { type: "vmPaused", vm: event["vm"] });
            return sendAll(paused ? plan : [...plan, answer]);
          }),
        },
      }),
    })),
  },
  {
    name: "unpause-forgotten",
    mistake: "the toolstack forgets to let the VM run again after a harvest",
    model: WRITES.name,
    breaks: "vCPU 0 runs again",
    replace: without("toolstack", "sendUnpauses"),
  },
  {
    name: "write-not-marked",
    mistake: "a violation gives the right back, and the page is not marked",
    model: "write-protection",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const reply = perform();
      if (op === "serveViolation") clearMarks(itemAt(vms, 0).tracked.dirty);
      return reply;
    }),
  },
  {
    name: "spurious-violation-is-fatal",
    mistake: "a violation whose right another CPU has given back meanwhile kills the guest",
    model: "write-protection-two-vcpus",
    breaks: NO_VCPU_LOST,
    replace: around("tracker", ({ op, page }, perform, { vms }) => {
      const { ept } = itemAt(vms, 0);
      const leaf = findLeaf(ept, page ?? 0);
      const { write } = ept.format;
      const writable = leaf !== null && (wordAt(ept.memory.words, leaf.word) & write) !== 0;
      const reply = perform();
      return op === "serveViolation" && writable ? { ...reply, fixed: false } : reply;
    }),
  },
  {
    name: "too-many-rights-cached",
    mistake: "the TLB is filled with all rights, whatever the entry grants",
    model: "write-protection",
    breaks: NO_STALE_TRANSLATION,
    replace: around("mmu", (_, perform, { mmus }) => {
      const reply = perform();
      const { meta } = itemAt(mmus, 0).tlb.l1;
      meta.forEach((entry, at) => {
        if (entry !== 0) meta[at] = entry | RWX;
      });
      return reply;
    }),
  },
  {
    name: "violation-handled-twice",
    mistake: "the tracker answers one exit twice",
    model: "write-protection",
    breaks: "every message is handled",
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendHandled: emit(({ event }) => {
            const handled = send(event["dispatcher"], { type: "handled", fixed: event["fixed"] });
            return sendAll([handled, handled]);
          }),
        },
      }),
    })),
  },
];
