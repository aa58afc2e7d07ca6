/** Faults in estimation, and in what a tracker tells it. */

import { emit } from "xstate";
import { findLeaf } from "../../hardware/ept.ts";
import { addOccurrence } from "../../hypervisor/cumulativeBuffer.ts";
import { clearMarks, markDirty } from "../../hypervisor/dirtyBitmap.ts";
import { send } from "../../interconnect/emissions.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { messageOf } from "../hypervisor/sentMessages.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { LOOKS_GO_ON, ROUND_ENDS } from "../models/estimate.ts";
import { COUNTS_ARE_EXACT } from "../models/loggedEntries.ts";
import { COUNTED_WAS_ACCESSED } from "../models/stepChecks.ts";
import { NOTHING_LOGS } from "../models/untracked.ts";
import { ACCESSES, WRITES } from "../usualUnits.ts";
import { around, type Mutation, replaceIn, without } from "./mutation.ts";

export const estimateMutations: readonly Mutation[] = [
  {
    name: "estimate-before-drain",
    mistake: "the estimator is told what the bitmap says before the log is drained into it",
    model: `estimate-${WRITES.name}`,
    breaks: NO_PAGE_LOST,
    trackerFault: "harvestBeforeDrain",
  },
  {
    name: "whole-log-counted",
    mistake: "a harvest counts every slot of the log, whatever the index says",
    model: `estimate-${WRITES.name}`,
    breaks: COUNTED_WAS_ACCESSED,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const reply = perform();
      // Slots that were never written hold zeros: page 0.
      if (op === "harvest") markDirty(itemAt(vms, 0).tracked.handedOver, 0);
      return reply;
    }),
  },
  {
    name: "slots-counted-as-pages",
    mistake: "the handler counts the slots of a log as if they were pages",
    model: `estimate-${ACCESSES.name}`,
    breaks: COUNTS_ARE_EXACT,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { vms }) => {
      const reply = perform();
      if (op !== "drain") return reply;
      const { buffer } = itemAt(vms, 0).tracked;
      buffer.counts.fill(0);
      buffer.state[1] = 0;
      addOccurrence(buffer, 0);
      return reply;
    }),
  },
  {
    name: "interval-lost",
    mistake: "an interval that ends while the estimator is busy sets no timer for the next",
    model: `estimate-${WRITES.name}`,
    breaks: LOOKS_GO_ON,
    replace: replaceIn({ helper: "estimator" }, ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendTimer: emit(({ context, event }) => {
            const busy = event.type === "intervalDue";
            const timer = send(context["self"], { type: "intervalDue" });
            return busy ? { type: "sendAll", sends: [] } : timer;
          }),
        },
      }),
    })),
  },
  {
    name: "not-disarmed",
    mistake: "the estimation ends, and nobody tells the tracker",
    model: `estimate-${ACCESSES.name}`,
    breaks: ROUND_ENDS,
    replace: without({ helper: "estimator" }, "sendDisarm"),
  },
  {
    name: "unit-logs-on",
    mistake: `the tracker disarms, and the ${ACCESSES.label} unit is not told`,
    model: `estimate-${ACCESSES.name}`,
    breaks: NOTHING_LOGS,
    replace: without("tracker", "sendDisable"),
  },
  {
    name: "flags-cleared-before-read",
    mistake: "a scan clears the D flags, and looks at them afterwards",
    model: "accessed-dirty-scan",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms, memory }) => {
      const { ept, guest } = itemAt(vms, 0);
      for (let page = 0; op === "harvest" && page < guest.pages; page++) {
        const leaf = findLeaf(ept, page);
        if (leaf === null) continue;
        memory.words[leaf.word] = wordAt(memory.words, leaf.word) & ~ept.format.dirty;
      }
      return perform();
    }),
  },
  {
    name: "touch-not-marked",
    mistake: "a page is made present again at its first access, and not marked as touched",
    model: "present-bit",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const reply = perform();
      if (op === "serveViolation") clearMarks(itemAt(vms, 0).tracked.touched);
      return reply;
    }),
  },
  {
    name: "log-full-spins",
    mistake: "the log-full handler puts the exit back into its queue for as long as it lives",
    model: WRITES.name,
    breaks: "a full log of vCPU 0 is served",
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          askServeLogFull: emit(({ context, event }) => {
            return send(context["self"], messageOf(event));
          }),
        },
      }),
    })),
  },
];
