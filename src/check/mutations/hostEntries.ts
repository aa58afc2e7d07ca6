/** Faults in what is found in the host's own page tables: by userfaultfd, soft-dirty bits and residency. */
import { clearAttributes, findLeaf, forEachLeaf, setAttributes } from "../../hardware/ept.ts";
import { clearMark, clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { itemAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { around, type Mutation, rearmsNothing } from "./mutation.ts";

export const hostEntryMutations: readonly Mutation[] = [
  {
    name: "uffd-read-maps-writable",
    mistake:
      "a read of a page that userfaultfd protects has KVM map it writable, and its write is not seen",
    model: "userfaultfd",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op, page = 0 }, perform, { vms }) => {
      const reply = perform();
      const { ept } = itemAt(vms, 0).tracked;
      const leaf = findLeaf(ept, page);
      if (op === "serveViolation" && leaf !== null) setAttributes(ept, leaf.word, ept.format.write);
      return reply;
    }),
  },
  {
    name: "uffd-lifted-not-noted",
    mistake: "the thread that userfaultfd tells lifts the protection, and does not note the page",
    model: "userfaultfd",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op, page = 0 }, perform, { vms }) => {
      const reply = perform();
      if (op === "serveViolation") clearMark(itemAt(vms, 0).tracked.dirty, page);
      return reply;
    }),
  },
  {
    name: "uffd-not-protected-again",
    mistake:
      "PAGEMAP_SCAN reports what was written without PM_SCAN_WP_MATCHING: nothing is protected again",
    model: "userfaultfd",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "clear-refs-not-told",
    mistake:
      "clear_refs takes rights in the host's entries, and KVM is not told: the guest writes through its own",
    model: "soft-dirty",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "clear-refs-before-pagemap",
    mistake:
      "clear_refs is written before pagemap is read: what was written since the last time is gone",
    model: "soft-dirty",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      if (op === "harvest") clearMarks(itemAt(vms, 0).tracked.dirty);
      return perform();
    }),
  },
  {
    name: "swapped-out-is-not-resident",
    mistake:
      "pages are swapped out before mincore is asked, and are not in the snapshot (Firecracker without track_dirty_pages)",
    model: "mincore",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const { ept } = itemAt(vms, 0).tracked;
      if (op === "harvest") {
        forEachLeaf(ept, (word) => clearAttributes(ept, word, ept.format.allRights));
      }
      return perform();
    }),
  },
];
