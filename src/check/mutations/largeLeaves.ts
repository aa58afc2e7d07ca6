/** Faults in splitting the large leaves of a tracked VM. */

import { type Ept, findLeaf, setAttributes } from "../../hardware/ept.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_STALE_TRANSLATION } from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation, type Replacement } from "./mutation.ts";

function isLarge(ept: Ept, page = 0): boolean {
  const leaf = findLeaf(ept, page);
  return leaf !== null && leaf.level > 1;
}

/** Sets bits in all leaves of the table that a page's leaf is in. */
function setInTable(ept: Ept, page: number, bits: number): void {
  const { words } = ept.memory;
  const size = 2 ** ept.geometry.indexBits;
  const first = page - (page % size);
  for (let one = first; one < first + size; one++) {
    const leaf = findLeaf(ept, one);
    if (leaf !== null) words[leaf.word] = wordAt(words, leaf.word) | bits;
  }
}

/** A leaf that a violation splits becomes pages with this bit set. */
function splitsInto(which: "write" | "dirty"): Replacement {
  return around("tracker", ({ op, page = 0 }, perform, { vms }) => {
    const { ept } = itemAt(vms, 0);
    const splits = op === "serveViolation" && isLarge(ept, page);
    const reply = perform();
    if (splits) setInTable(ept, page, ept.format[which]);
    return reply;
  });
}

export const largeLeafMutations: readonly Mutation[] = [
  {
    name: "split-pages-not-armed",
    mistake: "the pages of a leaf that is split get the right to be written with the one that was",
    model: "write-protection-large-leaves",
    breaks: NO_PAGE_LOST,
    replace: splitsInto("write"),
  },
  {
    name: "large-leaf-marked-as-page",
    mistake: "a large leaf gets the right to be written as it is, and one page of it is marked",
    model: "write-protection-large-leaves",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op, page = 0 }, perform, { vms, memory }) => {
      const { ept } = itemAt(vms, 0);
      if (op !== "serveViolation" || !isLarge(ept, page)) return perform();
      const before = memory.words.slice(0, memory.framesUsed * memory.frameWords);
      const { word } = findLeaf(ept, page)!;
      const reply = perform();
      memory.resize({ words: before.length });
      memory.words.set(before);
      setAttributes(ept, word, ept.format.write);
      return reply;
    }),
  },
  {
    name: "split-pages-stay-dirty",
    mistake: `the pages of a leaf that is split for ${WRITES.label} keep its D flag, so that no write is logged`,
    model: modelOf(WRITES, "large-leaves"),
    breaks: NO_PAGE_LOST,
    replace: splitsInto("dirty"),
  },
  {
    name: "invept-keeps-large",
    mistake: "INVEPT leaves the TLB's entries for large leaves where they are",
    model: "migration",
    // The VM runs before it is tracked: its TLB knows large leaves that may be written.
    set: { leaf: 2 },
    breaks: NO_STALE_TRANSLATION,
    replace: around("dispatcher", (_, perform, { mmus }) => {
      const { l1Large, state } = itemAt(mmus, 0).tlb;
      const [meta, filled] = [l1Large.meta.slice(), wordAt(state, 1)];
      const reply = perform();
      l1Large.meta.set(meta);
      state[1] = filled;
      return reply;
    }),
  },
];
