/**
 * The four PDPTEs of a PAE guest, which the processor holds in registers (SDM vol. 3A 4.4.1). Here the
 * VMCS fields are these registers. They are loaded by MOV to CR3, by MOV to CR0 or CR4 that changes how
 * paging works, and by VM entry: from the VMCS with EPT, from memory at CR3 without.
 */
import { wordAt } from "../lookup.ts";
import type { Geometry } from "./geometry.ts";
import { GUEST_PRESENT } from "./guestEntry.ts";
import type { HostMemory } from "./memory.ts";
import type { Mmu } from "./mmu.ts";
import { Access, Outcome, secondStageAccess } from "./secondStageWalk.ts";
import { Field, type Vmcs } from "./vmcs.ts";
import { requireHeld } from "./words.ts";

const PDPTES = 4;
const ENTRY_BYTES = 8;
/** Bits 2:1 and 8:5 of a PDPTE (SDM vol. 3A table 4-8; Bochs PAGING_PAE_PDPTE_RESERVED_BITS). */
const RESERVED_LOW = 0x1e6;
/** CR3 of a PAE guest has 32 bits, and its table is 32-byte aligned. */
const TABLE_MASK = ~0x1f;

/** Whether a PDPTE may not be loaded: it is present, and bits are set that are reserved. @param pdptes low and high words */
export function somePdpteReserved(
  pdptes: Int32Array,
  { physicalAddressBits }: Pick<Geometry, "physicalAddressBits">,
): boolean {
  for (let i = 0; i < PDPTES; i++) {
    const low = wordAt(pdptes, 2 * i);
    if ((low & GUEST_PRESENT) === 0) continue;
    const beyond = wordAt(pdptes, 2 * i + 1) >>> (physicalAddressBits - 32);
    if ((low & RESERVED_LOW) !== 0 || beyond !== 0) return true;
  }
  return false;
}

/** The same of the fields of a VMCS. */
export function pdpteFieldsReserved(vmcs: Vmcs, geometry: Geometry): boolean {
  return somePdpteReserved(fields(vmcs), geometry);
}

function fields({ words }: Vmcs): Int32Array {
  return words.subarray(2 * Field.guestPdpte0, 2 * (Field.guestPdpte0 + PDPTES));
}

/** The words of the PDPTEs in host memory at CR3, as a guest without EPT has them. */
export function pdptesInMemory(memory: HostMemory, cr3: number): Int32Array {
  return pdptesAt(memory, cr3 >>> 12, cr3 & TABLE_MASK & 0xfff);
}

function pdptesAt(memory: HostMemory, frame: number, offset: number): Int32Array {
  const pdptes = new Int32Array(2 * PDPTES);
  for (let i = 0; i < PDPTES; i++) {
    pdptes.set(memory.readEntry(frame, offset / ENTRY_BYTES + i), 2 * i);
  }
  return pdptes;
}

function load(vmcs: Vmcs, pdptes: Int32Array): void {
  for (let i = 0; i < PDPTES; i++) {
    if ((wordAt(pdptes, 2 * i) & GUEST_PRESENT) !== 0)
      requireHeld(wordAt(pdptes, 2 * i + 1), "a PDPTE's table");
  }
  fields(vmcs).set(pdptes);
}

/** VM entry of a PAE guest, after its checks. */
export function loadPdptesAtEntry(mmu: Mmu, vmcs: Vmcs): void {
  if (!mmu.eptEnabled)
    load(vmcs, pdptesInMemory(mmu.memory, wordAt(vmcs.words, 2 * Field.guestCr3)));
  else load(vmcs, fields(vmcs).slice());
}

/**
 * MOV to a control register loads the PDPTEs that a CR3 names: reads that set A but not D, are not logged,
 * and have bit 7 of a resulting qualification clear (SDM 27.2.1; Bochs CheckPDPTR). Reserved bits in one
 * that is present are #GP, and none is loaded.
 * @returns one of Outcome; after anything but done the PDPTEs are as they were
 */
export function loadPdptes(mmu: Mmu, cr3: number): number {
  const { memory, vmcs } = mmu;
  const offset = cr3 & TABLE_MASK & 0xfff;
  mmu.offset = offset;
  const outcome = secondStageAccess(
    mmu,
    cr3 >>> 12,
    Access.read | Access.structure | Access.noLinearAddress,
  );
  mmu.offset = 0;
  if (outcome !== Outcome.done) return outcome;
  const pdptes = pdptesAt(memory, mmu.frame, offset);
  if (somePdpteReserved(pdptes, mmu.geometry)) return Outcome.generalProtection;
  load(vmcs, pdptes);
  return Outcome.done;
}
