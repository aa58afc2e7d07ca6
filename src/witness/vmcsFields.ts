/** The guest's state as VMCS fields, by their encodings (SDM vol. 3D appendix B). */
import { Field, type FieldName, GuestMode } from "../hardware/vmcs.ts";
import { HIDDEN_LINEAR, hiddenPdpte } from "./layout.ts";

/** Encoding and value. */
export type FieldWrite = readonly [encoding: number, value: bigint];

/** Fields of the emulated VMCS that tables write when the VMM changes them. */
export const VMM_FIELDS: readonly (readonly [FieldName, number])[] = [
  ["pinBasedControls", 0x4000],
  ["primaryControls", 0x4002],
  ["secondaryControls", 0x401e],
  ["eptPointer", 0x201a],
  ["vpid", 0x0000],
  ["logAddress", 0x200e],
  ["logIndex", 0x0812],
];
export const PDPTE_FIELDS = [
  Field.guestPdpte0,
  Field.guestPdpte1,
  Field.guestPdpte2,
  Field.guestPdpte3,
] as const;
const PDPTE_ENCODING = 0x280a;
export const ENTRY_EVENT = 0x4016;

/** What decides the kind of code that a guest runs. */
export interface GuestCode {
  /** A PAE guest with 32-bit code; otherwise 64-bit code. */
  readonly pae: boolean;
  /** The PDPTE of a PAE guest that maps its own code. */
  readonly window: number;
  readonly ept: boolean;
  /** Under AMD's virtualization. */
  readonly svm: boolean;
  /** Physical addresses of the image's symbols. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** What one entry of the guest begins with. */
export interface GuestStart {
  readonly mode: number;
  readonly cr3: bigint;
  readonly rip: bigint;
  readonly rsp: bigint;
  readonly rflags: bigint;
  readonly interruptibility: bigint;
  readonly event: bigint;
  readonly errorCode: bigint;
  readonly pdptes: readonly bigint[];
  /** Whether it begins in user mode. */
  readonly user: boolean;
  /** Base of the IDT. */
  readonly idt: bigint;
}

/** Linear address of something in the image, in the guest's own mapping. */
export function linearOf(code: GuestCode, symbol: string): bigint {
  const physical = code.symbols.get(symbol);
  if (physical === undefined) throw new Error(`the image has no symbol ${symbol}`);
  return (code.pae ? BigInt(code.window) << 30n : HIDDEN_LINEAR) + BigInt(physical);
}

/** PG, AM, NE, ET, MP, PE. */
const CR0 = 0x80040033n;
const CR0_WRITE_PROTECT = 0x10000n;
/** PAE, PGE, OSFXSR, OSXMMEXCPT, VMXE. */
const CR4 = 0x26a0n;
/** SCE; and LME, LMA. */
const EFER = 1n;
const EFER_LONG = 0x500n;
const EFER_NO_EXECUTE = 0x800n;
/** Load debug controls is left out; load EFER; IA-32e mode guest. */
const ENTRY_CONTROLS = 0x8000n;
const ENTRY_LONG = 0x200n;
const ACCESS_UNUSABLE = 0x10000n;

/** Selectors, limits, access rights and bases of the segments. */
function segments(code: GuestCode, user: boolean): FieldWrite[] {
  const ring = user ? 3n : 0n;
  const rights = user ? 0x60n : 0n;
  const cs = code.pae ? (user ? 0x40n : 0x30n) : user ? 0x28n : 0x08n;
  const data = code.pae ? (user ? 0x48n : 0x38n) : user ? 0x20n : 0x10n;
  const csRights = (code.pae ? 0xc09bn : 0xa09bn) | rights;
  const dataRights = 0xc093n | rights;
  const writes: FieldWrite[] = [];
  // ES, CS, SS, DS, FS, GS, LDTR, TR.
  for (let i = 0; i < 8; i++) {
    const isCode = i === 1;
    const unusable = i >= 4 && i <= 6;
    let selector = isCode ? cs | ring : data | ring;
    let access = isCode ? csRights : dataRights;
    if (unusable) [selector, access] = [0n, ACCESS_UNUSABLE];
    if (i === 7) [selector, access] = [0x50n, 0x8bn];
    writes.push([0x800 + 2 * i, selector], [0x4800 + 2 * i, i === 7 ? 0x67n : 0xffffffffn]);
    writes.push([0x4814 + 2 * i, access]);
    writes.push([0x6806 + 2 * i, i === 7 ? linearOf(code, "guest_tss") : 0n]);
  }
  return writes;
}

/** All fields of the guest's state, and the entry controls that belong to it. */
export function guestState(code: GuestCode, start: GuestStart): FieldWrite[] {
  const writeProtect = (start.mode & GuestMode.writeProtect) !== 0;
  const noExecute = (start.mode & GuestMode.noExecuteEnable) !== 0;
  const efer = EFER | (code.pae ? 0n : EFER_LONG) | (noExecute ? EFER_NO_EXECUTE : 0n);
  const writes: FieldWrite[] = [
    [0x6800, CR0 | (writeProtect ? CR0_WRITE_PROTECT : 0n)],
    [0x6802, start.cr3],
    [0x6804, CR4],
    [0x2806, efer],
    [0x4012, ENTRY_CONTROLS | (code.pae ? 0n : ENTRY_LONG)],
    [0x681e, start.rip],
    [0x681c, start.rsp],
    [0x6820, start.rflags],
    [0x4824, start.interruptibility],
    [ENTRY_EVENT, start.event],
    [0x4018, start.errorCode],
    [0x401a, 1n],
    [0x681a, 0x400n],
    [0x6822, 0n],
    [0x4826, 0n],
    [0x2802, 0n],
    [0x482a, 0x30n],
    [0x6824, 0n],
    [0x6826, 0n],
    [0x6816, linearOf(code, "gdt")],
    [0x6818, start.idt],
    [0x4810, 0x6fn],
    [0x4812, 0xffffn],
    ...segments(code, start.user),
  ];
  for (const [i, value] of start.pdptes.entries()) {
    const own = code.pae && i === code.window;
    writes.push([PDPTE_ENCODING + 2 * i, own ? hiddenPdpte(code.ept) : value]);
  }
  return writes;
}

/** Fields that no test changes. */
export const CONSTANT_FIELDS: readonly FieldWrite[] = [
  [0x4006, 0n],
  [0x4008, 0n],
  [0x400a, 0n],
  [0x400e, 0n],
  [0x4010, 0n],
  [0x4014, 0n],
  [0x6000, 0n],
  [0x6002, 0n],
];
