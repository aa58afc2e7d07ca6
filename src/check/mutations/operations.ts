/** Faults in the dirty ring, and in what a migration does with what it is told. */

import { emit } from "xstate";
import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { send, sendAll } from "../../interconnect/emissions.ts";
import { ignored } from "../../interconnect/ignored.ts";
import { itemAt } from "../../lookup.ts";
import { unitNumber } from "../../units/all.ts";
import { unitMessage } from "../../units/messages.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { MEMORY_EQUAL } from "../models/migration.ts";
import { NO_STALE_TRANSLATION } from "../models/properties.ts";
import { WRITES } from "../usualUnits.ts";
import { around, type Mutation, type Replacement, replaceIn, withTransition } from "./mutation.ts";

const { whenFull } = WRITES;
if (whenFull.kind !== "exit") throw new Error(`${WRITES.name} stops nobody`);
const NUMBER = unitNumber(WRITES.name);

/** User space reaps while the handler that drains is still at work. */
const reapedBeforeDrained: Replacement = replaceIn("tracker", ({ machine, device }) => ({
  device,
  machine: machine.provide({
    actions: {
      sendReapDue: emit(({ context, event: { cycles, drainedVcpu, dispatcher } }) =>
        sendAll([
          send(context["units"][NUMBER][drainedVcpu], unitMessage(whenFull.emptied), cycles),
          send(context["self"], { type: "reapDue", drainedVcpu: -1, dispatcher }),
        ]),
      ),
    },
  }),
}));

/** A unit that is full drops what comes before its index is back. */
const dropsOverflow: Replacement = replaceIn({ unit: WRITES.name }, ({ machine, device }) => ({
  device,
  machine: withTransition(machine, "full", whenFull.full, ignored("it is full already")),
}));

export const operationMutations: readonly Mutation[] = [
  {
    name: "ring-reset-before-harvest",
    mistake: "the rings are emptied before user space has read them",
    model: "dirty-ring",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      if (op === "reapRings" || op === "harvest") {
        for (const { ring } of itemAt(vms, 0).tracked.vcpus) {
          ring.flags.fill(0);
          ring.state.fill(0);
        }
      }
      return perform();
    }),
  },
  {
    name: "ring-not-armed-again",
    mistake: "a reset empties the ring and does not take the right from its pages",
    model: "dirty-ring",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { memory }) => {
      const before = memory.words.slice();
      const reply = perform();
      if (op === "reapRings" || op === "harvest") memory.words.set(before);
      return reply;
    }),
  },
  {
    name: "ring-resume-before-flush",
    mistake: "a vCPU with a full ring runs on before the INVEPT of the reset is acknowledged",
    model: "dirty-ring",
    breaks: "every message is handled",
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendInvepts: emit(({ context, event }) => {
            const message = {
              type: "inveptRequest",
              vm: context["vm"],
              tracker: context["self"],
            } as const;
            const requests = context["dispatchers"].map((to: number) => send(to, message));
            if (event.type !== "ringsReaped") return sendAll(requests);
            const resumes = context["heldBack"].map((to: number) =>
              send(to, { type: "handled", fixed: true }),
            );
            return sendAll([...resumes, ...requests]);
          }),
        },
      }),
    })),
  },
  {
    name: "ring-reaped-before-drained",
    mistake:
      "user space reaps a full ring while the handler that drains into it is still at work, so that the vCPU may run on before its index is back",
    model: `dirty-ring-${WRITES.name}`,
    breaks: "every message is handled",
    replace: reapedBeforeDrained,
  },
  {
    name: "ring-deadlock",
    mistake: `the same, and a ${WRITES.label} unit that waits for its index drops the next overflow: the vCPU never runs again`,
    model: `dirty-ring-${WRITES.name}`,
    breaks: "no deadlock",
    replace: (role, parts, ...rest) =>
      dropsOverflow(role, reapedBeforeDrained(role, parts, ...rest), ...rest),
  },
  {
    name: "ring-reset-not-flushed",
    mistake: "the CPUs acknowledge the INVEPT after a ring's reset without executing it",
    model: "dirty-ring",
    breaks: NO_STALE_TRANSLATION,
    replace: around("dispatcher", () => ({ type: "invalidated" })),
  },
  {
    name: "cleaned-bitmap-not-sent",
    mistake: "the last harvest cleans the bitmap, and the pages that it named are never sent",
    model: "migration",
    breaks: MEMORY_EQUAL,
    operationFault: "cleanedBitmapNotSent",
  },
  {
    name: "last-harvest-empty",
    mistake: "the harvest after the suspension is not added to what is left to send",
    model: "migration",
    breaks: MEMORY_EQUAL,
    replace: around("toolstack", ({ op }, perform, { vms }) => {
      if (op === "queueHarvest") clearMarks(itemAt(vms, 0).tracked.handedOver);
      return perform();
    }),
  },
  {
    name: "harvest-before-pause",
    mistake: "the migration's tracker loses the entries of the log at the last harvest",
    model: "migration",
    breaks: NO_PAGE_LOST,
    trackerFault: "harvestBeforeDrain",
  },
];
