/**
 * The data plane as slots: which words belong together, and which of them are no state because nothing
 * can read them before they are written (docs/check.md lists them). Saving gives a normal form: words
 * that do not matter are zero.
 */
import { ACCESS_PAGE_SHIFT } from "../../hardware/accessLoop.ts";
import { logFrames } from "../../hardware/geometry.ts";
import { CONTROL_WORDS } from "../../hardware/mmu.ts";
import { prlUsedSlots } from "../../hardware/pageReferenceLog.ts";
import { Field, SECONDARY_PRL } from "../../hardware/vmcs.ts";
import { logWords } from "../../hypervisor/logPages.ts";
import type { VmState, World } from "../../system/world.ts";
import { ArmedTechnique } from "./derivedParts.ts";
import type { Extent } from "./memoryOwners.ts";
import { type Permutation, renamedBits, renamedList } from "./permutation.ts";
import { nothingElse, renamedTables, renamedTlb, renamedVmcs, type Words } from "./renamedWords.ts";
import { entryNames, fieldNames, logNames, numberedNames, pageBitNames } from "./wordNames.ts";

export type { Words };

/** A piece of memory that is saved and restored as one slot. */
export interface MemorySlot {
  readonly name: string;
  /** The words that it stands for; no other slot has them. */
  readonly extents: readonly Extent[];
  save(): Words;
  restore(words: Words): void;
  /**
   * Puts other values where a value of the slot says nothing, and nothing may look: the same value must be
   * saved again. For the check that nothing does look (stepAudit.ts), which does so in each search.
   */
  scramble(): void;
  /**
   * What it holds when pages and vCPUs have other numbers: of a vCPU's memory, what that of the vCPU which it
   * becomes holds then. @throws if a part of it is not known
   */
  rename(words: Words, permutation: Permutation): Words;
}

/** What exits leave in the VMCS: the device reads it before the step ends. */
const EXIT_FIELDS = [
  Field.exitReason,
  Field.exitQualification,
  Field.vmInstructionError,
  Field.guestPhysicalAddress,
  Field.guestLinearAddress,
];
const SCRAMBLED = 5;
/** In a slot of a log that is not in use: no entry looks so, as addresses of pages are aligned. */
const NO_ENTRY = 1;
const PAGE_SHIFT = 12;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;

/** A VMCS as the processor has it, and as it is in memory. */
interface VmcsWords {
  readonly words: ArrayLike<number>;
  readonly image: ArrayLike<number>;
}

/**
 * The paging structures of one VM: EPT entries, leaves and upper levels, those included that splitting a
 * large leaf adds behind everything else.
 * @throws if there are large leaves and several VMs: who splits first would decide where the other's tables are
 */
export function pagingSlot(world: World, vm: number): MemorySlot {
  const { memory, logs, config } = world;
  const splits = config.vms.some(({ leafLevel }) => leafLevel > 1);
  if (splits && config.vms.length > 1) throw new Error("large leaves, and more than one VM");
  const built = Math.max(...logs.frame) + 2 * logFrames(config.geometry);
  const roots = world.vms.map(({ ept }) => ept.root);
  const firstLog = Math.min(...Array.from(logs.frame).filter((frame) => frame > 0));
  const first = roots[vm]! * memory.frameWords;
  const end = Math.min(roots[vm + 1] ?? firstLog, firstLog) * memory.frameWords;
  const addedFrom = built * memory.frameWords;
  const nameOf = entryNames(world.vms[vm]!.ept, vm);
  return {
    name: `vm${vm}/paging`,
    extents: [
      { part: memory, array: "words", from: first, end, nameOf },
      ...(splits
        ? [
            { part: memory, array: "words", from: addedFrom, nameOf },
            { part: memory, array: "state", end: 1, nameOf: () => "how many frames are in use" },
          ]
        : []),
    ],
    save: () => ({
      words: Array.from(memory.words.subarray(first, end)),
      ...(splits ? { added: Array.from(memory.arrays()["words"]!).slice(addedFrom) } : {}),
    }),
    restore({ words, added = [] }) {
      if (splits) memory.resize({ words: addedFrom + added.length });
      memory.words.set(words!, first);
      memory.words.set(added, addedFrom);
      memory.structureChanged();
    },
    scramble() {},
    rename: ({ words, added, ...rest }, { page }) => {
      nothingElse(rest);
      const tables = { root: roots[vm]!, words: words!, addedFrom: built, added: added ?? [] };
      const renamed = renamedTables(tables, config.geometry, (one) => page(vm, one));
      return added === undefined ? { words: renamed.words } : renamed;
    },
  };
}

/**
 * Whose format logs have. A processor goes on with the unit that it has loaded after its VMCS says otherwise, so that
 * the VMCS does not tell; but a model has one unit.
 */
export function logsByPrl({ config }: World): boolean {
  return config.tracking.technique === "prl";
}

/** A vCPU: its VMCS in the processor and in memory, its logs, and the access it is at. */
export function vcpuSlot(world: World, vcpu: number): MemorySlot {
  const { memory, logs, config } = world;
  const { geometry, mmu } = config;
  const { vm, vmcs, stream } = world.vcpus[vcpu]!;
  const frames = logFrames(geometry);
  const first = logs.frame[vcpu]! * memory.frameWords;
  const end = first + 2 * frames * memory.frameWords;
  const words = (): Int32Array => memory.words.subarray(first, end);
  const slotRule = mmu.prl?.slotRule ?? "decrement-then-store";

  const isPrl = logsByPrl(world);

  /** Whether an entry has been written since its log was emptied. */
  const isUsed = (log: number, slot: number, { words, image }: VmcsWords = vmcs): boolean => {
    const index = words[2 * Field.pmlIndex]!;
    if (!isPrl) {
      // PML: an index out of range means that every entry is.
      const used = (index & 0xffff) >= geometry.logEntries ? 0 : (index & 0xffff) + 1;
      return log === 0 && slot >= used && slot < geometry.logEntries;
    }
    const full = words[2 * Field.prlFullLogs]! | image[2 * Field.prlFullLogs]!;
    const isFull = (full & (1 << log)) !== 0;
    const active = words[2 * Field.prlActiveLog] === log;
    if (!isFull && !active) return false;
    const [from, to] = prlUsedSlots(isFull ? -1 : index, geometry.logEntries, slotRule);
    return slot >= from && slot < to;
  };

  return {
    name: `vcpu${vcpu}/vmcs`,
    extents: [
      { part: vmcs, array: "words", nameOf: fieldNames(vcpu, "") },
      { part: vmcs, array: "image", nameOf: fieldNames(vcpu, ", in its region in memory") },
      {
        part: memory,
        array: "words",
        from: first,
        end,
        nameOf: logNames(vcpu, first, logWords(logs)),
      },
      {
        part: logs,
        array: "handled",
        from: vcpu,
        end: vcpu + 1,
        nameOf: () => `which logs of vCPU ${vcpu} the handler has copied`,
      },
      { part: stream, array: "state", end: 2, nameOf: () => `the next access of vCPU ${vcpu}` },
      { part: stream, array: "block", nameOf: () => `the next access of vCPU ${vcpu}` },
    ],
    save() {
      if (!isPrl && (vmcs.words[2 * Field.secondaryControls]! & SECONDARY_PRL) !== 0) {
        throw new Error(
          "PRL is on in a model of another technique: what its logs hold is not known",
        );
      }
      const fields = Array.from(vmcs.words);
      const image = Array.from(vmcs.image);
      for (const field of EXIT_FIELDS) {
        for (const list of [fields, image]) list.fill(0, 2 * field, 2 * field + 2);
      }
      const log = Array.from(words(), (word, at) => {
        const which = at < logWords(logs) ? 0 : 1;
        return isUsed(which, (at - which * logWords(logs)) >> 1) ? word : 0;
      });
      const waiting = stream.state[0]! < stream.state[1]!;
      return {
        fields,
        image,
        log,
        handled: [logs.handled[vcpu]!],
        access: waiting ? [stream.block[0]!] : [],
      };
    },
    restore({ fields, image, log, handled, access }) {
      vmcs.words.set(fields!);
      vmcs.image.set(image!);
      words().set(log!);
      words().forEach((_, at, all) => {
        const which = at < logWords(logs) ? 0 : 1;
        // What is stored there then is seen, whichever page it is.
        if (!isUsed(which, (at - which * logWords(logs)) >> 1)) all[at] = NO_ENTRY;
      });
      logs.handled[vcpu] = handled![0]!;
      stream.state[0] = 0;
      stream.state[1] = access!.length;
      stream.block[0] = access![0] ?? 0;
    },
    scramble() {
      for (const field of EXIT_FIELDS) vmcs.words.fill(SCRAMBLED, 2 * field, 2 * field + 2);
      words().forEach((_, at, all) => {
        const which = at < logWords(logs) ? 0 : 1;
        if (!isUsed(which, (at - which * logWords(logs)) >> 1)) all[at] = SCRAMBLED << 12;
      });
    },
    rename({ fields, image, log, handled, access, ...rest }, permutation) {
      nothingElse(rest);
      const to = permutation.vcpu(vcpu);
      const frameOf = (one: number): number => logs.frame[one]!;
      const before = { words: fields!, image: image! };
      return {
        fields: renamedVmcs(fields!, vcpu, to, frameOf),
        image: renamedVmcs(image!, vcpu, to, frameOf),
        log: log!.map((word, at) => {
          const which = at < logWords(logs) ? 0 : 1;
          const slot = (at - which * logWords(logs)) >> 1;
          // Of the two words of an entry the low one holds the page.
          if (at % 2 === 1 || !isUsed(which, slot, before)) return word;
          return (permutation.page(vm, word >>> PAGE_SHIFT) << PAGE_SHIFT) | (word & PAGE_MASK);
        }),
        handled: handled!,
        access: access!.map((word) => {
          const kind = word & ((1 << ACCESS_PAGE_SHIFT) - 1);
          return (permutation.page(vm, word >>> ACCESS_PAGE_SHIFT) << ACCESS_PAGE_SHIFT) | kind;
        }),
      };
    },
  };
}

const BITMAPS: Readonly<Record<string, string>> = {
  dirty: "the dirty bitmap",
  touched: "the bitmap of touched pages",
  handedOver: "the harvested bitmap",
};

/**
 * What a VM's trackers know of it.
 * @param most how often a page was logged is counted to here: beyond it, no threshold tells it apart
 */
export function trackedSlot(own: VmState, vm: number, most: number): MemorySlot {
  const { tracked } = own;
  const armed = new ArmedTechnique(own, vm);
  const bitmaps = {
    dirty: tracked.dirty,
    touched: tracked.touched,
    handedOver: tracked.handedOver,
  };
  const { buffer, work } = tracked;
  return {
    name: `vm${vm}/tracked`,
    extents: [
      ...Object.entries(bitmaps).flatMap(([key, part]) => [
        { part, array: "bits", nameOf: pageBitNames(`${BITMAPS[key]} of VM ${vm}`, 1) },
        { part, array: "state", nameOf: () => `how many pages ${BITMAPS[key]} of VM ${vm} has` },
      ]),
      {
        part: buffer,
        array: "counts",
        nameOf: numberedNames("PRL's count of page", `VM ${vm}`),
      },
      ...["directory", "state"].map((array) => ({
        part: buffer,
        array,
        nameOf: () => `the ${array} of PRL's counts of VM ${vm}`,
      })),
      { part: armed, array: "technique", nameOf: () => `the technique armed on VM ${vm}` },
      { part: work, array: "state", nameOf: () => `the work on the table of VM ${vm}` },
    ],
    save() {
      const lists: Record<string, number[]> = {};
      for (const [key, bitmap] of Object.entries(bitmaps)) {
        // A bitmap that was never set, and one that is clear, are the same.
        lists[key] = bitmap.state[0] === 0 ? [] : Array.from(bitmap.bits);
      }
      const counts = Array.from(buffer.arrays()["counts"]!, (count) => Math.min(count, most));
      lists["buffer"] = counts.slice(0, tracked.dirty.pages);
      // What the tracker's machine knows too: a pager asks for it.
      lists["armed"] = Array.from(armed.arrays()["technique"]!);
      // Of the cycles only their sum is told, which is a statistic.
      lists["work"] = Array.from(work.state, (word, at) => (at === CYCLES_OF_WORK ? 0 : word));
      return lists;
    },
    restore(lists) {
      for (const [key, bitmap] of Object.entries(bitmaps)) {
        const bits = lists[key]!;
        bitmap.bits = Int32Array.from(
          { length: Math.ceil(bitmap.pages / 32) },
          (_, i) => bits[i] ?? 0,
        );
        bitmap.state[0] = bits.reduce((sum, word) => sum + ones(word), 0);
      }
      armed.put({ technique: Int32Array.from(lists["armed"]!) });
      work.state.set(lists["work"]!);
      const counts = lists["buffer"]!;
      buffer.directory.fill(0);
      buffer.counts.fill(0);
      buffer.state.fill(0);
      if (counts.length === 0) return;
      buffer.directory[0] = 1;
      buffer.counts.set(counts);
      buffer.state[0] = 1;
      buffer.state[1] = counts.filter((count) => count > 0).length;
    },
    scramble() {
      // As before the first mark.
      for (const bitmap of Object.values(bitmaps)) {
        if (bitmap.state[0] === 0) bitmap.bits = new Int32Array(0);
      }
      work.state[CYCLES_OF_WORK] = SCRAMBLED;
      buffer.counts.forEach((count, page, all) => {
        if (count >= most) all[page] = count + SCRAMBLED;
      });
    },
    rename(lists, { page }) {
      const { dirty, touched, handedOver, buffer: counts, armed: technique, work, ...rest } = lists;
      nothingElse(rest);
      const to = (one: number): number => page(vm, one);
      const bits = (words: readonly number[]) => renamedBits(words, 1, tracked.dirty.pages, to);
      return {
        dirty: bits(dirty!),
        touched: bits(touched!),
        handedOver: bits(handedOver!),
        buffer: renamedList(counts!, to),
        armed: technique!,
        // Pages are not alike where this is not idle.
        work: work!,
      };
    },
  };
}

/** Of TableWork.state. */
const CYCLES_OF_WORK = 2;

/** In the order of DirtyRing.state. */
const RING_INDEXES = ["the dirty index", "the reset index", "the fetch index"];

/** The dirty rings of a VM, with indexes counted from the last multiple of the ring's size. */
export function ringsSlot({ tracked, vcpus }: VmState, vm: number): MemorySlot {
  const rings = tracked.vcpus.map(({ ring }) => ring);
  return {
    name: `vm${vm}/rings`,
    extents: rings.flatMap((part, i) => {
      const of = `the dirty ring of vCPU ${vcpus[i]}`;
      return [
        { part, array: "state", nameOf: (at: number) => `${RING_INDEXES[at]} of ${of}` },
        { part, array: "pages", nameOf: numberedNames("the page in entry", of) },
        { part, array: "flags", nameOf: numberedNames("the flags of entry", of) },
      ];
    }),
    save() {
      const lists: Record<string, number[]> = {};
      rings.forEach(({ state, pages, flags, size }, i) => {
        const base = size === 0 ? 0 : state[1]! - (state[1]! & (size - 1));
        lists[`state${i}`] = Array.from(state, (index) => index - base);
        lists[`flags${i}`] = Array.from(flags);
        lists[`pages${i}`] = Array.from(pages, (page, at) => (flags[at] === 0 ? 0 : page));
      });
      return lists;
    },
    restore(lists) {
      rings.forEach((ring, i) => {
        ring.state.set(lists[`state${i}`]!);
        ring.flags.set(lists[`flags${i}`]!);
        ring.pages.set(lists[`pages${i}`]!);
      });
    },
    scramble() {
      // Free-running indexes, some rounds later; and what unused entries are left with.
      for (const { state, flags, pages, size } of rings) {
        state.forEach((index, at, all) => {
          all[at] = index + SCRAMBLED * size;
        });
        flags.forEach((flag, at) => {
          if (flag === 0) pages[at] = SCRAMBLED;
        });
      }
    },
    rename(lists, { page, vcpu }) {
      const renamed: Record<string, readonly number[]> = {};
      for (const [key, list] of Object.entries(lists)) {
        const [, what = "", i = ""] = /^(state|flags|pages)(\d+)$/.exec(key) ?? [];
        if (what === "") throw new Error(`what "${key}" of a ring holds is not known`);
        const flags = lists[`flags${i}`]!;
        const to = vcpus.indexOf(vcpu(vcpus[Number(i)]!));
        renamed[`${what}${to}`] =
          what === "pages" ? list.map((one, at) => (flags[at] === 0 ? one : page(vm, one))) : list;
      }
      return renamed;
    },
  };
}

/** A physical CPU: its TLB, and the controls that it has loaded: whose, and as they were then. */
export function cpuSlot(world: World, pcpu: number): MemorySlot {
  const { tlb } = world.mmus[pcpu]!;
  const levels = { l1: tlb.l1, l2: tlb.l2, l1Large: tlb.l1Large };
  return {
    name: `pcpu${pcpu}/tlb`,
    extents: [
      {
        part: world.loaded,
        array: "vcpus",
        from: pcpu,
        end: pcpu + 1,
        nameOf: () => `whose VMCS CPU ${pcpu} has loaded`,
      },
      {
        part: world.loadedControls,
        array: "words",
        from: CONTROL_WORDS * pcpu,
        end: CONTROL_WORDS * (pcpu + 1),
        nameOf: () => `the controls that CPU ${pcpu} has loaded`,
      },
      ...Object.keys(tlb.arrays()).map((array) => ({
        part: tlb,
        array,
        nameOf: numberedNames(`"${array}" of entry`, `the TLB of CPU ${pcpu}`),
      })),
    ],
    save() {
      const lists: Record<string, number[]> = {
        loaded: [world.loaded.vcpus[pcpu]!],
        controls: Array.from(world.loadedControls.of(pcpu)),
        state: Array.from(tlb.state),
        spaces: Array.from(tlb.spaces.subarray(0, 3 * tlb.state[0]!)),
      };
      for (const [name, { tag, meta, page, next, ways }] of Object.entries(levels)) {
        lists[`${name}.meta`] = Array.from(meta);
        lists[`${name}.tag`] = Array.from(tag, (value, at) => (meta[at] === 0 ? 0 : value));
        lists[`${name}.page`] = Array.from(page, (value, at) => (meta[at] === 0 ? 0 : value));
        if (ways > 1) lists[`${name}.next`] = Array.from(next);
      }
      return lists;
    },
    restore(lists) {
      world.loaded.vcpus[pcpu] = lists["loaded"]![0]!;
      world.loadedControls.of(pcpu).set(lists["controls"]!);
      tlb.state.set(lists["state"]!);
      tlb.spaces.set(lists["spaces"]!);
      for (const [name, level] of Object.entries(levels)) {
        level.meta.set(lists[`${name}.meta`]!);
        level.tag.set(lists[`${name}.tag`]!);
        level.page.set(lists[`${name}.page`]!);
        level.next.set(lists[`${name}.next`] ?? level.next.map(() => 0));
      }
    },
    scramble() {
      for (const { tag, meta, page } of Object.values(levels)) {
        meta.forEach((value, at) => {
          if (value !== 0) return;
          tag[at] = SCRAMBLED;
          page[at] = SCRAMBLED;
        });
      }
    },
    rename(lists, permutation) {
      const vmOf = (vcpu: number): number => world.vcpus[vcpu]!.vm;
      return renamedTlb(lists, tlb.largeBits, vmOf, permutation);
    },
  };
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
