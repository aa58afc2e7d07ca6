/** Faults in work that is done in pieces, between which a guest runs. */

import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { Work } from "../../hypervisor/tableWork.ts";
import { itemAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_VCPU_LOST } from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation } from "./mutation.ts";

export const pieceMutations: readonly Mutation[] = [
  {
    name: "torn-entries",
    mistake:
      "a scan reads an entry in one piece and writes it back in the next: flags that are set meanwhile are lost",
    model: "scan-in-pieces",
    breaks: NO_PAGE_LOST,
    trackerFault: "tornEntries",
  },
  {
    name: "cleared-when-done",
    mistake:
      "a harvest in pieces clears the whole bitmap at its end, with what came behind it meanwhile",
    model: "write-protection-in-pieces",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const { dirty, work } = itemAt(vms, 0).tracked;
      const isHarvest = op === "goOn" && work.work === Work.harvest;
      const reply = perform();
      if (isHarvest && reply.type === "tablesChanged") clearMarks(dirty);
      return reply;
    }),
  },
  {
    name: "goes-on-too-far",
    mistake:
      "the next piece begins behind the entry at which the last one ended, and leaves it out",
    model: modelOf(WRITES, "in-pieces"),
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const { work } = itemAt(vms, 0).tracked;
      if (op === "goOn") {
        work.next = work.from + 1;
        work.endPiece(0);
      }
      return perform();
    }),
  },
  {
    name: "served-when-all-is-armed",
    mistake: "a violation of a page that is armed already is nobody's until the last page is",
    model: "write-protection-in-pieces",
    breaks: NO_VCPU_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const { armed, tracked } = itemAt(vms, 0);
      const { technique } = armed;
      if (op !== "serveViolation" || tracked.work.work !== Work.arm) return perform();
      armed.technique = null;
      const reply = perform();
      armed.technique = technique;
      return reply;
    }),
  },
];
