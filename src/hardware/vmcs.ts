/**
 * The virtual-machine control structure: the fields that page tracking needs. Each field is two
 * 32-bit words. A VMCS that is current on a processor is cached there, so it exists twice: the
 * processor works on `words`, software on another processor sees `image` (SDM vol. 3C 24.1, 24.11.1).
 */
import { wordAt } from "../lookup.ts";
import type { Part, WordArray } from "./part.ts";
import { highWord, joinWords, lowWord } from "./words.ts";

/** Field numbers are positions in the arrays; the architectural encodings stand beside them. */
export const Field = {
  /** 0x4000. */
  pinBasedControls: 0,
  /** 0x4002. */
  primaryControls: 1,
  /** 0x401E. */
  secondaryControls: 2,
  /** 0x201A. */
  eptPointer: 3,
  /** 0x0000. */
  vpid: 4,
  /** 0x200E: where the log is of the unit that the controls select (src/units); units that share it exclude each other. */
  logAddress: 5,
  /** 0x0812: the index into that log. How wide it is, and what it says, is the unit's. */
  logIndex: 6,
  /** Host state, VEE21 3.1, no encoding given: 16-bit index of the CPU that a full log interrupts. */
  logFullHandlerCpu: 7,
  /** Host state: 8-bit vector of that interrupt. */
  logFullVector: 8,
  /** 0x4402. */
  exitReason: 9,
  /** 0x6400. */
  exitQualification: 10,
  /** 0x2400. */
  guestPhysicalAddress: 11,
  /** 0x640A. */
  guestLinearAddress: 12,
  /** 0x4408. */
  idtVectoringInformation: 13,
  /** 0x6802. */
  guestCr3: 14,
  /** 0x280A to 0x2810: the four PDPTEs of a PAE guest. */
  guestPdpte0: 15,
  guestPdpte1: 16,
  guestPdpte2: 17,
  guestPdpte3: 18,
  /** 0x6820. */
  guestRflags: 19,
  /** 0x4824. */
  guestInterruptibility: 20,
  /** 0x681E. */
  guestRip: 21,
  /** Of a unit with two logs: which of them the processor fills (an option of ours, after POSTER18). */
  activeLog: 22,
  /** Bit i: log i is full and waits for the handler. */
  fullLogs: 23,
  /** Guest paging mode: one of GuestPaging. Stands for CR0.PG, CR4.PAE and EFER.LMA. */
  guestPaging: 24,
  /** Privilege and protection bits: one word of GuestMode flags. Stands for CS.DPL, CR0.WP and EFER.NXE. */
  guestMode: 25,
  /** 0x4016: the event that VM entry injects. */
  entryInterruptionInformation: 26,
  /** 0x4018. */
  entryExceptionErrorCode: 27,
  /** 0x4400: why the last VMX instruction failed. */
  vmInstructionError: 28,
} as const;

export type FieldName = keyof typeof Field;
export const FIELD_COUNT = Object.keys(Field).length;

/**
 * Widths in bits (SDM vol. 3C 24.11.2): VMWRITE stores no more of its operand. The fields that stand here for
 * state of the processor are not restricted, nor is the index, whose width the log's unit decides.
 */
const WIDTHS: Partial<Readonly<Record<FieldName, number>>> = {
  pinBasedControls: 32,
  primaryControls: 32,
  secondaryControls: 32,
  vpid: 16,
  logFullHandlerCpu: 16,
  logFullVector: 8,
  exitReason: 32,
  idtVectoringInformation: 32,
  guestInterruptibility: 32,
  entryInterruptionInformation: 32,
  entryExceptionErrorCode: 32,
  vmInstructionError: 32,
};

/** How many bits of the log's index its unit has, and whether it is signed. */
export interface IndexWidth {
  readonly bits: number;
  readonly signed: boolean;
}
/** 0x0812 (SDM vol. 3C 24.6.18): 16 bits, whichever unit is selected, if any. */
export const SHORT_INDEX: IndexWidth = { bits: 16, signed: false };

/** Guest paging modes. */
export const GuestPaging = { off: 0, pae: 1, longMode: 2 } as const;
export type GuestPagingName = keyof typeof GuestPaging;
/** Of an MMU, not of a VMCS: the guest's paging is in its stream (tracedPaging.ts). */
export const PAGING_TRACED = 3;

/** Flags of Field.guestMode. */
export const GuestMode = { user: 1, writeProtect: 2, noExecuteEnable: 4 } as const;

/** Pin-based controls (SDM 24.6.1). */
export const PIN_EXTERNAL_INTERRUPT_EXITING = 1 << 0;
export const PIN_NMI_EXITING = 1 << 3;
export const PIN_VIRTUAL_NMIS = 1 << 5;

/** Primary processor-based controls (SDM 24.6.2). */
export const PRIMARY_INTERRUPT_WINDOW_EXITING = 1 << 2;
export const PRIMARY_HLT_EXITING = 1 << 7;
export const PRIMARY_NMI_WINDOW_EXITING = 1 << 22;
/** While it is 0 the processor works as if every secondary control were 0. */
export const PRIMARY_ACTIVATE_SECONDARY = 1 << 31;

/** Secondary processor-based controls (SDM 24.6.2). */
export const SECONDARY_EPT = 1 << 1;
export const SECONDARY_VPID = 1 << 5;
export const SECONDARY_UNRESTRICTED_GUEST = 1 << 7;
export const SECONDARY_MODE_BASED_EXECUTE = 1 << 22;

/** Bits 6 of the EPT pointer: enable accessed and dirty flags (SDM 24.6.11). */
export const EPTP_ACCESSED_DIRTY = 1 << 6;

/** Guest interruptibility (SDM table 24-3). */
export const BLOCKING_BY_STI = 1 << 0;
export const BLOCKING_BY_MOV_SS = 1 << 1;
export const BLOCKING_BY_NMI = 1 << 3;

/** RFLAGS: bit 1 is always 1. */
export const RFLAGS_FIXED = 1 << 1;
export const RFLAGS_IF = 1 << 9;
export const RFLAGS_RF = 1 << 16;

export class Vmcs implements Part {
  readonly name: string;
  /** The processor's copy. Field f: low word at 2f, high word at 2f + 1. */
  readonly words = new Int32Array(2 * FIELD_COUNT);
  /** The region in memory, which software on another CPU reads and writes. */
  readonly image = new Int32Array(2 * FIELD_COUNT);

  constructor(name: string) {
    this.name = name;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { words: this.words, image: this.image };
  }
}

/** VMREAD on the processor where the VMCS is current: bits 31:0, signed. */
export function readField(vmcs: Vmcs, field: number): number {
  return wordAt(vmcs.words, 2 * field);
}

export function readField64(vmcs: Vmcs, field: number): bigint {
  return joinWords(wordAt(vmcs.words, 2 * field), wordAt(vmcs.words, 2 * field + 1));
}

/** VMWRITE on the processor where the VMCS is current. */
export function writeField(vmcs: Vmcs, field: number, low: number, high = low < 0 ? -1 : 0): void {
  vmcs.words[2 * field] = low;
  vmcs.words[2 * field + 1] = high;
}

/** The secondary controls in effect (SDM 24.6.2; Bochs VMenterLoadCheckVmControls): none, unless they are activated. */
export function secondaryControls(vmcs: Vmcs): number {
  const activated = readField(vmcs, Field.primaryControls) & PRIMARY_ACTIVATE_SECONDARY;
  return activated === 0 ? 0 : readField(vmcs, Field.secondaryControls);
}

/**
 * VMWRITE of a 64-bit operand: a field takes as many low bits as it has.
 * @param index that of the log's unit
 */
export function vmwrite(
  vmcs: Vmcs,
  name: FieldName,
  value: bigint,
  index: IndexWidth = SHORT_INDEX,
): void {
  let stored = BigInt.asUintN(WIDTHS[name] ?? 64, value);
  if (name === "logIndex") {
    stored = index.signed ? BigInt.asIntN(index.bits, value) : BigInt.asUintN(index.bits, value);
  }
  writeField(vmcs, Field[name], lowWord(stored), highWord(stored));
}

/** A store to the VMCS region in memory, by software on a CPU where it is not current. */
export function writeImage(vmcs: Vmcs, field: number, low: number): void {
  vmcs.image[2 * field] = low;
  vmcs.image[2 * field + 1] = low < 0 ? -1 : 0;
}

/** VMCLEAR: what the processor cached goes to memory. */
export function clearVmcs(vmcs: Vmcs): void {
  vmcs.image.set(vmcs.words);
}

/** VMPTRLD: the processor caches the region in memory. */
export function loadVmcs(vmcs: Vmcs): void {
  vmcs.words.set(vmcs.image);
}

/** Writes one field of the processor's copy back to memory, as a unit does whose log fills while its guest runs on. */
export function publishField(vmcs: Vmcs, field: number): void {
  vmcs.image[2 * field] = wordAt(vmcs.words, 2 * field);
  vmcs.image[2 * field + 1] = wordAt(vmcs.words, 2 * field + 1);
}

/** Reloads one field from memory: VEE21's new instruction, seen from the remote processor. */
export function reloadField(vmcs: Vmcs, field: number): void {
  vmcs.words[2 * field] = wordAt(vmcs.image, 2 * field);
  vmcs.words[2 * field + 1] = wordAt(vmcs.image, 2 * field + 1);
}
