/** Faults in changing the types of pages lazily: what a misconfiguration resolves, and whom it surprises. */
import { findLeaf } from "../../hardware/ept.ts";
import { EPT_DIRTY, EPT_WRITE } from "../../hardware/formats/ept.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { World } from "../../system/world.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_VCPU_LOST } from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation, type Replacement, without } from "./mutation.ts";

/** Leaves that a misconfiguration resolves get their memory type back, and these attributes as they were. */
function keeps(attributes: number, whose: (page: number, touched: number) => boolean): Replacement {
  return around("tracker", ({ op, page: touched = 0 }, perform, world) => {
    if (op !== "resolveTypes") return perform();
    const kept = leavesOf(world).filter(({ page }) => whose(page, touched));
    const reply = perform();
    const { words } = itemAt(world.vms, 0).ept.memory;
    for (const { word, low } of kept) words[word] = wordAt(words, word) | (low & attributes);
    return reply;
  });
}

function leavesOf({ vms }: World) {
  const { ept, guest } = itemAt(vms, 0);
  return Array.from({ length: guest.pages }, (_, page) => page).flatMap((page) => {
    const leaf = findLeaf(ept, page);
    return leaf === null
      ? []
      : [{ page, word: leaf.word, low: wordAt(ept.memory.words, leaf.word) }];
  });
}

export const lazyTypeMutations: readonly Mutation[] = [
  {
    name: "resolved-leaf-not-armed",
    mistake:
      "a misconfiguration repairs the memory types of a table, and leaves keep the right to be written",
    model: "write-protection-lazy-types",
    breaks: NO_PAGE_LOST,
    replace: keeps(EPT_WRITE, () => true),
  },
  {
    name: "touched-leaf-alone-armed",
    mistake:
      "of the table that a misconfiguration resolves only the entry that was touched is armed",
    model: modelOf(WRITES, "lazy-types"),
    breaks: NO_PAGE_LOST,
    replace: keeps(EPT_DIRTY, (page, touched) => page !== touched),
  },
  {
    name: "spurious-misconfiguration-fatal",
    mistake:
      "a misconfiguration that another vCPU has resolved meanwhile is taken for a fault of the tables",
    model: "write-protection-lazy-types",
    breaks: NO_VCPU_LOST,
    replace: without("tracker", "noteResolved"),
  },
];
