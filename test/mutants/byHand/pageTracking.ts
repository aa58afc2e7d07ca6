/** Mistakes in the entries, logs, rings and bitmaps of the hypervisor. */
import type { HandMade } from "../mutant.ts";

export const pageTracking: readonly HandMade[] = [
  {
    name: "arm-leaves-large-writable",
    file: "src/hypervisor/logDirty.ts",
    class: "condition",
    from: `return technique === "dirtyFlag" && level === 1 ? format.dirty : format.write;`,
    to: `return technique === "dirtyFlag" ? format.dirty : format.write;`,
    damage: "under PML a large leaf keeps the right to be written",
  },
  {
    name: "arm-first-leaf-only",
    file: "src/hypervisor/logDirty.ts",
    class: "condition",
    from: `clearAttributes(ept, word, armedBits(ept.format, technique, level));
    leaves++;`,
    to: `if (leaves === 0) clearAttributes(ept, word, armedBits(ept.format, technique, level));
    leaves++;`,
    damage: "arming changes the first leaf alone",
  },
  {
    name: "disarm-keeps-dirty-clear",
    file: "src/hypervisor/logDirty.ts",
    class: "bits",
    from: `setAttributes(ept, word, write | accessed | dirty);
    leaves++;`,
    to: `setAttributes(ept, word, write | accessed);
    leaves++;`,
    damage: "after disarming D flags stay clear",
  },
  {
    name: "disarm-keeps-write-protection",
    file: "src/hypervisor/logDirty.ts",
    class: "bits",
    from: `setAttributes(ept, word, write | accessed | dirty);
    leaves++;`,
    to: `setAttributes(ept, word, accessed | dirty);
    leaves++;`,
    damage: "after disarming pages stay write-protected",
  },
  {
    name: "fix-grants-without-dirty",
    file: "src/hypervisor/logDirty.ts",
    class: "bits",
    from: `setAttributes(ept, leaf.word, write | accessed | dirty);
    onDirty(page);`,
    to: `setAttributes(ept, leaf.word, write);
    onDirty(page);`,
    damage: "a violation that is served leaves A and D clear",
  },
  {
    name: "split-marks-first-page",
    file: "src/hypervisor/logDirty.ts",
    class: "other receiver",
    from: `  fixWrite(ept, technique, page, onDirty);
  return "split";`,
    to: `  fixWrite(ept, technique, page, () => {});
  return "split";`,
    damage: "the page whose write split a large leaf is not marked",
  },
  {
    name: "split-is-granted",
    file: "src/hypervisor/logDirty.ts",
    class: "protocol",
    from: `  if (technique === "dirtyFlag") {
    armNewTable(ept, page);
`,
    to: `  if (technique === "dirtyFlag") {
`,
    damage: "the pages of a leaf that is split for PML stay write-protected",
  },
  {
    name: "split-arms-half-a-table",
    file: "src/hypervisor/logDirty.ts",
    class: "boundary",
    from: `for (let i = 0; i < perTable; i++) {
    const word = first.word`,
    to: `for (let i = 0; i < perTable / 2; i++) {
    const word = first.word`,
    damage: "half of the pages of a split leaf stay write-protected",
  },
  {
    name: "rearm-large-as-small",
    file: "src/hypervisor/logDirty.ts",
    class: "protocol",
    from: "clearAttributes(ept, leaf.word, armedBits(ept.format, technique, leaf.level));",
    to: "clearAttributes(ept, leaf.word, armedBits(ept.format, technique, 1));",
    damage: "a large leaf is armed again by its D flag alone",
  },
  {
    name: "merge-of-armed-table",
    file: "src/hypervisor/logDirty.ts",
    class: "boundary",
    from: "if (at < level) split.add(page - (page % size));",
    to: "if (at < level) split.add(page);",
    damage: "leaves are merged from any page on, not from the first of a large one",
  },
  {
    name: "initially-set-first-page-of-leaf",
    file: "src/hypervisor/logDirty.ts",
    class: "boundary",
    from: "for (let i = 0; i < size; i++) markDirty(bitmap, page + i);",
    to: "markDirty(bitmap, page);",
    damage: "of a large leaf only the first page counts as dirty at the start",
  },
  {
    name: "drain-newest-entry-lost",
    file: "src/units/shortIndex.ts",
    class: "boundary",
    from: "return [index >= logEntries ? 0 : index + 1, logEntries];",
    to: "return [index >= logEntries ? 1 : index + 1, logEntries];",
    damage: "the newest entry of a full log is lost",
  },
  {
    name: "drain-off-by-one",
    file: "src/units/shortIndex.ts",
    class: "boundary",
    from: "return [index >= logEntries ? 0 : index + 1, logEntries];",
    to: "return [index >= logEntries ? 0 : index + 2, logEntries];",
    damage: "the newest entry of a log that is not full is lost",
  },
  {
    name: "drain-one-too-many",
    file: "src/units/shortIndex.ts",
    class: "boundary",
    from: "return [index >= logEntries ? 0 : index + 1, logEntries];",
    to: "return [index >= logEntries ? 0 : index, logEntries];",
    damage: "a slot that the processor has not written is taken for an entry",
  },
  {
    name: "drain-high-word-lost",
    file: "src/hypervisor/drain.ts",
    class: "bits",
    from: `visit(pageOfWords(words[word]!, words[word + 1]!));`,
    to: `visit(pageOfWords(words[word]!, 0));`,
    damage: "pages beyond 4 GiB are taken for others",
  },
  {
    name: "prl-copy-second-log-as-first",
    file: "src/hypervisor/drain.ts",
    class: "arithmetic",
    from: "visitSlots(memory, logWord(memory, vmcs) + log * logWords(logs), first, end, visit);",
    to: "visitSlots(memory, logWord(memory, vmcs), first, end, visit);",
    damage: "the first of two PRL logs is copied twice, the second never",
  },
  {
    name: "bitmap-last-page-refused",
    file: "src/hypervisor/dirtyBitmap.ts",
    class: "boundary",
    from: "if (page >>> 0 >= bitmap.pages) return false;",
    to: "if (page >>> 0 >= bitmap.pages - 1) return false;",
    damage: "the last page of a VM is never marked",
  },
  {
    name: "bitmap-counts-twice",
    file: "src/hypervisor/dirtyBitmap.ts",
    class: "early return removed",
    from: `  if ((before & bit) !== 0) return false;
`,
    to: "",
    damage: "a page that is marked twice counts twice",
  },
  {
    name: "bitmap-count-survives-clear",
    file: "src/hypervisor/dirtyBitmap.ts",
    class: "statement removed",
    from: `  bitmap.bits.fill(0);
  bitmap.state[MARKED_PAGES] = 0;`,
    to: "  bitmap.bits.fill(0);",
    damage: "the count of a bitmap is not cleared with its bits",
  },
  {
    name: "buffer-first-of-block-only",
    file: "src/hypervisor/cumulativeBuffer.ts",
    class: "bits",
    from: `const at = (position - 1) * BLOCK + (page & (BLOCK - 1));
  const before`,
    to: `const at = (position - 1) * BLOCK + (page & (BLOCK - 2));
  const before`,
    damage: "neighbouring pages share a count",
  },
  {
    name: "buffer-threshold-off-by-one",
    file: "src/hypervisor/cumulativeBuffer.ts",
    class: "boundary",
    from: "if (wordAt(buffer.counts, first + i) >= threshold) found++;",
    to: "if (wordAt(buffer.counts, first + i) > threshold) found++;",
    damage: "a page that was logged just often enough does not count",
  },
  {
    name: "buffer-block-not-emptied",
    file: "src/hypervisor/cumulativeBuffer.ts",
    class: "statement removed",
    from: `  buffer.directory.fill(0);
  buffer.counts.fill(0);`,
    to: "  buffer.directory.fill(0);",
    damage: "counts of a round before come back with the next block",
  },
  {
    name: "ring-limit-ignores-pml",
    file: "src/hypervisor/dirtyRing.ts",
    class: "arithmetic",
    from: `this.softLimit = size - (reserved + logEntries);`,
    to: `this.softLimit = size - reserved;`,
    damage: "a ring fed by PML has no room for a whole log",
  },
  {
    name: "ring-soft-limit-late",
    file: "src/hypervisor/dirtyRing.ts",
    class: "boundary",
    from: "return ringUsed(ring) >= ring.softLimit;",
    to: "return ringUsed(ring) > ring.softLimit;",
    damage: "a vCPU runs on with a ring at its soft limit",
  },
  {
    name: "ring-reset-takes-unharvested",
    file: "src/hypervisor/dirtyRing.ts",
    class: "bits",
    from: "if ((wordAt(ring.flags, slot) & FLAG_HARVESTED) === 0) break;",
    to: "if (wordAt(ring.flags, slot) === 0) break;",
    damage: "a reset takes entries that nobody has harvested",
  },
  {
    name: "ring-harvest-stops-early",
    file: "src/hypervisor/dirtyRing.ts",
    class: "protocol",
    from: "ring.flags[slot] = FLAG_DIRTY | FLAG_HARVESTED;",
    to: "ring.flags[slot] = FLAG_HARVESTED | 0;",
    damage: "a harvested entry loses its dirty flag",
  },
  {
    name: "ring-run-too-long",
    file: "src/hypervisor/dirtyRing.ts",
    class: "boundary",
    from: "if (first < 0 || page - first >= RUN_PAGES || last - page >= RUN_PAGES) {",
    to: "if (first < 0 || page - first > RUN_PAGES || last - page >= RUN_PAGES) {",
    damage: "a run of 65 pages is put into a mask of 64",
  },
  {
    name: "ring-backward-run-lost",
    file: "src/hypervisor/dirtyRing.ts",
    class: "statement removed",
    from: `      first = page;
    }`,
    to: "    }",
    damage: "a run that goes backward arms other pages again",
  },
  {
    name: "ring-index-mask",
    file: "src/hypervisor/dirtyRing.ts",
    class: "bits",
    from: "const slot = ring.state[FETCH_INDEX] & (ring.size - 1);",
    to: "const slot = ring.state[FETCH_INDEX] % (2 * ring.size);",
    damage: "user space reads beyond the ring once it has gone round",
  },
  {
    name: "logs-freed-twice",
    file: "src/hypervisor/logPages.ts",
    class: "condition",
    from: "if (logs.state[0]! < 0 || logs.frame[vcpu]! <= 0) return;",
    to: "if (logs.state[0]! < 0) return;",
    damage: "a log page that is given back twice counts twice",
  },
  {
    name: "tables-leaf-not-user",
    file: "src/hypervisor/guestTables.ts",
    class: "bits",
    from: "const TABLE_BITS = GUEST_PRESENT | GUEST_WRITE | GUEST_USER;",
    to: "const TABLE_BITS = GUEST_PRESENT | GUEST_WRITE;",
    damage: "the guest's tables forbid user mode",
  },
];
