/**
 * What an IOMMU notes of DMA: its walk sets the dirty flag of the second-stage entry (VT-d SSADS: scalable mode, bit 9 of a
 * second-stage entry; AMD HDSup: bit 6 of an I/O page-table entry). No log, no interrupt: software reads the flags. Its
 * entries are not those of the processor: a store of a vCPU changes none of them.
 *
 * An IOTLB holds translations with the flag as it was when they were walked. A write through one that has it set does not
 * walk, and sets nothing: software that clears flags flushes the IOTLB before it reads the pages.
 *
 * What is noted is what was mapped when tracking began, and what is mapped while it is on, if whoever maps it says so too
 * (VFIO gives a device ranges of addresses to log).
 */
import { fieldOf, wordAt, words } from "../lookup.ts";
import { type NormalForm, pageBitNames, renumberedBits } from "./normalForm.ts";
import type { Part, WordArray } from "./part.ts";

/** One bit a page each. */
const SETS = ["dirty", "cached", "mapped", "noted"] as const;
type PageSet = (typeof SETS)[number];

/** One domain: the devices of one VM. */
export class IommuDomain implements Part, Readonly<Record<PageSet, Int32Array>> {
  readonly name: string;
  readonly pages: number;
  /** D of its entry; whether the IOTLB has it with D set, of whatever size the IOTLB is. */
  readonly dirty: Int32Array;
  readonly cached: Int32Array;
  /** Whether it has an entry; whether writes through that are noted. */
  readonly mapped: Int32Array;
  readonly noted: Int32Array;
  /** 1 while tracking is on. */
  readonly tracking = words(1);

  constructor(name: string, pages: number) {
    const length = Math.ceil(pages / 32);
    this.name = name;
    this.pages = pages;
    this.dirty = new Int32Array(length);
    this.cached = new Int32Array(length);
    this.mapped = new Int32Array(length);
    this.noted = new Int32Array(length);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { dirty, cached, mapped, noted, tracking } = this;
    return { dirty, cached, mapped, noted, tracking };
  }
}

function isIn(set: Int32Array, page: number): boolean {
  return (wordAt(set, page >>> 5) & (1 << (page & 31))) !== 0;
}

function add(set: Int32Array, page: number): void {
  set[page >>> 5] = wordAt(set, page >>> 5) | (1 << (page & 31));
}

/** Gives a page an entry, if it has none. While tracking is on its writes are noted from now on. */
export function mapForDma({ mapped, noted, tracking }: IommuDomain, page: number): void {
  if (isIn(mapped, page)) return;
  add(mapped, page);
  if (tracking[0] === 1) add(noted, page);
}

/** A DMA write to a page that has an entry. */
export function dmaWalk({ dirty, cached, noted }: IommuDomain, page: number): void {
  if (!isIn(noted, page) || isIn(cached, page)) return;
  add(cached, page);
  add(dirty, page);
}

/** From now on writes are noted. Nothing old is reported: flags are cleared, and the IOTLB is flushed (iommufd SET_DIRTY_TRACKING). */
export function startNoting(domain: IommuDomain): void {
  domain.tracking[0] = 1;
  domain.noted.set(domain.mapped);
  domain.dirty.fill(0);
  flushIotlb(domain);
}

/** Reads the dirty flags and clears them (iommufd IOMMU_HWPT_GET_DIRTY_BITMAP). Returns the entries that had one. */
export function takeDirty({ dirty }: IommuDomain, visit: (page: number) => void): number {
  let entries = 0;
  dirty.forEach((word, i) => {
    for (let rest = word; rest !== 0; rest &= rest - 1) {
      visit(i * 32 + 31 - Math.clz32(rest & -rest));
      entries++;
    }
    dirty[i] = 0;
  });
  return entries;
}

/** Every translation is walked again. */
export function flushIotlb({ cached }: IommuDomain): void {
  cached.fill(0);
}

const NAMES: Readonly<Record<PageSet, string>> = {
  dirty: "the dirty flags",
  cached: "the IOTLB's entries",
  mapped: "the entries",
  noted: "the pages that are noted",
};

/** Of a VM's domain. */
export function iommuForm(domain: IommuDomain, vm: number): NormalForm {
  const listOf = (set: string): string => `iommu ${set}`;
  return {
    extents: [
      ...SETS.map((array) => ({
        part: domain,
        array,
        nameOf: pageBitNames(`${NAMES[array]} in the IOMMU of VM ${vm}`, 1),
      })),
      {
        part: domain,
        array: "tracking",
        nameOf: () => `whether the IOMMU of VM ${vm} notes writes`,
      },
    ],
    lists: [...SETS, "tracking"].map(listOf),
    save: () =>
      Object.fromEntries(
        Object.entries(domain.arrays()).map(([set, own]) => [listOf(set), Array.from(own)]),
      ),
    restore(lists) {
      for (const [set, own] of Object.entries(domain.arrays()))
        own.set(fieldOf(lists, listOf(set)));
    },
    scramble() {},
    renumber(lists, { page }) {
      const moved = SETS.map((set): [string, readonly number[]] => {
        const before = fieldOf(lists, listOf(set));
        return [listOf(set), renumberedBits(before, 1, domain.pages, (own) => page(vm, own))];
      });
      return { ...lists, ...Object.fromEntries(moved) };
    },
  };
}
