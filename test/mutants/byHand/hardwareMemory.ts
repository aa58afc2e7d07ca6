/** Mistakes in the rules of the processor: TLB, access loop, entries, memory. */
import type { HandMade } from "../mutant.ts";

export const hardwareMemory: readonly HandMade[] = [
  {
    name: "tlb-flush-first-level-only",
    file: "src/hardware/tlb.ts",
    class: "statement removed",
    from: `    flushLevelSpace(tlb.l1Large, i + 1);
    flushLevelSpace(tlb.l2, i + 1);`,
    to: "    flushLevelSpace(tlb.l1Large, i + 1);",
    damage: "INVEPT leaves the second TLB level",
  },
  {
    name: "tlb-flush-by-vpid",
    file: "src/hardware/tlb.ts",
    class: "constant",
    from: "flushSpaces(tlb, 1, ep4ta);",
    to: "flushSpaces(tlb, 0, ep4ta);",
    damage: "INVEPT flushes by VPID",
  },
  {
    name: "tlb-upgrade-lost",
    file: "src/hardware/tlb.ts",
    class: "condition",
    from: `return (difference & want & 7) === 0 ? i : -2 - i;
  }
  return NOT_CACHED;`,
    to: `return i;
  }
  return NOT_CACHED;`,
    damage: "an entry with too few rights satisfies an access",
  },
  {
    name: "tlb-space-reuse",
    file: "src/hardware/tlb.ts",
    class: "statement removed",
    from: `    flushAll(tlb);
    state[0] = 0;`,
    to: "    state[0] = 0;",
    damage: "when space numbers begin anew old entries belong to new spaces",
  },
  {
    name: "tlb-privilege-ignored",
    file: "src/hardware/tlb.ts",
    class: "condition",
    from: "spaces[row + 1] === ep4ta && spaces[row + 2] === privilege",
    to: "spaces[row + 1] === ep4ta",
    damage: "supervisor translations serve user mode",
  },
  {
    name: "tlb-invlpg-pieces",
    file: "src/hardware/tlb.ts",
    class: "condition",
    from: `  if ((tlb.state[1]! & Filled.pieces) !== 0) {
    flushVpid(tlb, vpid);
    return;
  }
`,
    to: "",
    damage: "INVLPG leaves the other pieces of a large guest page",
  },
  {
    name: "tlb-revoke-all-vpids",
    file: "src/hardware/tlb.ts",
    class: "condition",
    from: "if (tlb.spaces[row] !== vpid || tlb.spaces[row + 1] !== ep4ta) continue;",
    to: "if (tlb.spaces[row + 1] !== ep4ta) continue;",
    damage: "a violation drops the mapping of every VPID",
  },
  {
    name: "loop-d-shift",
    file: "src/hardware/mmu.ts",
    class: "condition",
    from: "mmu.dirtyShift = Math.log2(allowing / WRITE);",
    to: "mmu.dirtyShift = Math.log2(format.dirty / WRITE);",
    damage: "without A/D flags D decides whether a page may be written",
  },
  {
    name: "loop-run-keeps-no-truth",
    file: "src/hardware/accessLoop.ts",
    class: "statement removed",
    from: `        kinds |= TRUTHS >>> kind;
`,
    to: `        kinds = TRUTHS >>> kind;
`,
    damage: "of a run of accesses to one page the last kind counts",
  },
  {
    name: "loop-budget-in-run",
    file: "src/hardware/accessLoop.ts",
    class: "boundary",
    from: "if (position === to || cycles >= budget) break;",
    to: "if (position === to) break;",
    damage: "a run of accesses to one page goes on beyond the budget",
  },
  {
    name: "loop-gap-left",
    file: "src/hardware/accessLoop.ts",
    class: "arithmetic",
    from: "mmu.gapLeft = begin - mmu.elapsed;",
    to: "mmu.gapLeft = 0;",
    damage: "the guest's other work is cut short at each burst's end",
  },
  {
    name: "split-keeps-large-bit",
    file: "src/hardware/ept.ts",
    class: "condition",
    from: "const attributes = sizedLeaf(format, attributesAt(ept, leaf.word), leaf.level - 1);",
    to: "const attributes = sizedLeaf(format, attributesAt(ept, leaf.word), leaf.level);",
    damage: "4 KiB leaves of a split one have bit 7 set",
  },
  {
    name: "split-forgets-flags",
    file: "src/hardware/ept.ts",
    class: "bits",
    from: "const attributes = sizedLeaf(format, attributesAt(ept, leaf.word), leaf.level - 1);",
    to: "const attributes = sizedLeaf(format, attributesAt(ept, leaf.word) & 0xff, leaf.level - 1);",
    damage: "a split leaf's pages lose A and D",
  },
  {
    name: "merge-any-rights",
    file: "src/hardware/ept.ts",
    class: "condition",
    from: `    if (((next.bits ^ bits) & ~flags) !== 0) return null;
`,
    to: "",
    damage: "leaves with different rights are merged",
  },
  {
    name: "merge-unaligned",
    file: "src/hardware/ept.ts",
    class: "condition",
    from: "if (whole === null || whole.frame % size !== 0) return false;",
    to: "if (whole === null) return false;",
    damage: "frames that are not aligned are merged",
  },
  {
    name: "structure-change-not-told",
    file: "src/hardware/ept.ts",
    class: "statement removed",
    from: `  writeEntry(ept, leaf.word, table, format.table | accessed);
  memory.structureChanged();`,
    to: "  writeEntry(ept, leaf.word, table, format.table | accessed);",
    damage: "the fast walk goes on with the leaf that was split",
  },
  {
    name: "misconfigured-write-only",
    file: "src/hardware/formats/ept.ts",
    class: "condition",
    from: `      rights === WRITE ||
`,
    to: "",
    damage: "an entry that may be written and not read is no misconfiguration",
  },
  {
    name: "memory-not-zeroed",
    file: "src/hardware/memory.ts",
    class: "statement removed",
    from: `    this.words.fill(0, frames * this.frameWords);
`,
    to: "",
    damage: "after a restore, frames that are handed out later are not empty",
  },
];
