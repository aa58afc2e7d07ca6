/**
 * INVEPT and INVVPID, as a VMM executes them (SDM vol. 3C 28.3.3.1 and chapter 30; Bochs INVEPT and INVVPID; KVM
 * handle_invept and handle_invvpid). The TLB holds combined mappings, and those of guests without EPT as of the EP4TA
 * 0; guest-physical mappings are not cached here. No translation is global.
 */
import type { Capabilities } from "./capabilities.ts";
import { longModeBits } from "./geometry.ts";
import type { Mmu } from "./mmu.ts";
import { flushEpt, flushEpts, flushPage, flushVpid, flushVpids } from "./tlb.ts";
import { Field, type Vmcs, writeField } from "./vmcs.ts";
import { highWord, lowWord, pageOfWords } from "./words.ts";

/** Types of INVEPT: the capability that each needs. */
export const InveptType = {
  singleContext: "inveptSingleContext",
  allContexts: "inveptAllContexts",
} as const satisfies Record<string, keyof Capabilities>;
export type InveptTypeName = keyof typeof InveptType;

/** Types of INVVPID. */
export const InvvpidType = {
  individualAddress: "invvpidIndividualAddress",
  singleContext: "invvpidSingleContext",
  allContexts: "invvpidAllContexts",
  retainingGlobals: "invvpidRetainingGlobals",
} as const satisfies Record<string, keyof Capabilities>;
export type InvvpidTypeName = keyof typeof InvvpidType;

/** VM-instruction error 28: invalid operand to INVEPT or INVVPID (SDM vol. 3C table 30-1). */
const INVALID_OPERAND = 28;

/**
 * INVEPT. Of the pointer, only the address of the root says what is dropped, but all of it must be valid.
 * @param vmcs the current one, which receives the error @returns whether it succeeded; else nothing is dropped
 */
export function invept(mmu: Mmu, vmcs: Vmcs, type: InveptTypeName, eptPointer: bigint): boolean {
  const { tlb, capabilities, geometry, format } = mmu;
  const [low, high] = [lowWord(eptPointer), highWord(eptPointer)];
  if (!capabilities[InveptType[type]]) return fail(vmcs);
  if (type === "allContexts") flushEpts(tlb);
  else if (format.pointerFailure(low, high, capabilities, geometry) !== null) return fail(vmcs);
  else flushEpt(tlb, pageOfWords(low, high));
  return true;
}

/**
 * INVVPID.
 * @param vpid bits 63:0 of the descriptor, of which those above 15 are reserved @param address bits 127:64
 * @returns whether it succeeded; else nothing is dropped
 */
export function invvpid(
  mmu: Mmu,
  vmcs: Vmcs,
  type: InvvpidTypeName,
  vpid: bigint,
  address: bigint,
): boolean {
  const { tlb, capabilities } = mmu;
  if (!capabilities[InvvpidType[type]] || vpid > 0xffffn) return fail(vmcs);
  if (type === "allContexts") {
    flushVpids(tlb);
    return true;
  }
  if (vpid === 0n) return fail(vmcs);
  if (type !== "individualAddress") {
    flushVpid(tlb, Number(vpid));
    return true;
  }
  const signed = BigInt.asIntN(64, address);
  if (BigInt.asIntN(longModeBits(mmu.geometry), address) !== signed) return fail(vmcs);
  const page = signed >> 12n;
  // No mapping has a page number beyond a signed word.
  if (BigInt.asIntN(32, page) === page) flushPage(tlb, Number(vpid), Number(page));
  return true;
}

function fail(vmcs: Vmcs): false {
  writeField(vmcs, Field.vmInstructionError, INVALID_OPERAND);
  return false;
}
