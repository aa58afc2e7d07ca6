/** Faults that leave a guest less than it had, or keep it from getting on. */
import { emit } from "xstate";
import { setAccessedDirty } from "../../hypervisor/techniques/logControls.ts";
import { send } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { messageOf } from "../hypervisor/sentMessages.ts";
import { ACCESS_COMPLETES, EXIT_IS_HANDLED, GUEST_EXECUTES } from "../models/guestProgress.ts";
import { ALL_RIGHTS_BACK, NO_CPU_LOGS_ON, NOTHING_LOGS } from "../models/untracked.ts";
import { ACCESSES } from "../usualUnits.ts";
import {
  around,
  leavesEntriesArmed,
  type Mutation,
  replaceIn,
  without,
  withTransition,
} from "./mutation.ts";

export const guestMutations: readonly Mutation[] = [
  {
    name: "rights-not-returned",
    mistake: "tracking ends, and the pages that it has protected stay so",
    model: "operator",
    set: { pages: 1 },
    breaks: ALL_RIGHTS_BACK,
    replace: leavesEntriesArmed,
  },
  {
    name: "flags-left-on",
    mistake: "tracking ends, and the processor goes on setting A and D flags",
    model: "operator",
    set: { pages: 1 },
    breaks: NOTHING_LOGS,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const reply = perform();
      if (op === "disarm") setAccessedDirty(itemAt(vms, 0).tracked, true);
      return reply;
    }),
  },
  {
    name: "flushed-without-kick",
    mistake: "a CPU acknowledges INVEPT at once, and the guest that it runs goes on",
    model: `estimate-${ACCESSES.name}`,
    breaks: NO_CPU_LOGS_ON,
    replace: replaceIn("dispatcher", ({ machine, device }) => ({
      device,
      machine: withTransition(machine, "guest", "inveptRequest", {
        actions: ["noteInvept", "sendInveptDone", "forgetInvept"],
      }),
    })),
  },
  {
    name: "interrupt-stays-pending",
    mistake: "an interrupt that has ended an entry ends the next one too, and all that follow",
    model: "write-protection",
    set: { pages: 1, reads: 0 },
    breaks: GUEST_EXECUTES,
    replace: without("mmu", "forgetKick"),
  },
  {
    name: "violation-spins",
    mistake: "the violation handler finds its lock taken, and tries again for as long as it lives",
    model: "write-protection",
    set: { pages: 1, reads: 0 },
    breaks: EXIT_IS_HANDLED,
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          askServeViolation: emit(({ context, event }) =>
            send(context["self"], messageOf({ ...event, type: "eptViolation" })),
          ),
        },
      }),
    })),
  },
  {
    name: "violation-not-fixed",
    mistake:
      "a violation is answered, and the right is not given back: the same access exits for ever",
    model: "write-protection",
    set: { pages: 2, reads: 0 },
    breaks: ACCESS_COMPLETES,
    replace: around("tracker", ({ op }, perform, { memory }) => {
      const before = memory.words.slice();
      const reply = perform();
      if (op === "serveViolation") memory.words.set(before);
      return reply;
    }),
  },
];
