/**
 * A full log, as the guest itself fills it. A processor that asks the index before it asks whether a flag must be set
 * would exit when the image's own code is walked to; so that code is in the TLB first, and a store that is logged then
 * makes the index 0xffff (image.c, before_wrap).
 */
import { Field, readField, readField64, secondaryControls } from "../hardware/vmcs.ts";
import { SECONDARY_PML } from "../units/pml/walk.ts";
import type { Place, Run } from "./guestCode.ts";

/** EPT pointer, bit 6: accessed and dirty flags. */
const EPT_POINTER_FLAGS = 1 << 6;
/** The index after entry 0. */
const WRAPPED = 0xffff;
/** By STI and by MOV SS. */
const BLOCKING_ONE_INSTRUCTION = 3n;
/** Interrupt window, NMI window, monitor trap flag. */
const PRIMARY_WINDOWS = (1 << 2) | (1 << 22) | (1 << 27);
const RF = 0x10000n;

/** Whether an entry begins so. Not where that store, or the instructions around it, would change what is asked. */
export function wrapsIndex(
  { code, vcpu: { vmcs }, machine }: Place,
  run: Run,
  interruptibility: bigint,
  event: bigint,
): boolean {
  if (code.pae || !code.ept || run.event !== undefined || event !== 0n) return false;
  const logs = (secondaryControls(vmcs) & SECONDARY_PML) !== 0;
  const flags = (readField(vmcs, Field.eptPointer) & EPT_POINTER_FLAGS) !== 0;
  const full = (readField(vmcs, Field.logIndex) & 0xffff) === WRAPPED;
  const blocked = (interruptibility & BLOCKING_ONE_INSTRUCTION) !== 0n;
  const windows = (readField(vmcs, Field.primaryControls) & PRIMARY_WINDOWS) !== 0;
  const resumes = (readField64(vmcs, Field.guestRflags) & RF) !== 0n;
  const log = Number((readField64(vmcs, Field.logAddress) >> 12n) & 0xfffffffn);
  const held = log > 0 && log < machine.memory.framesUsed;
  return logs && flags && full && held && !blocked && !windows && !resumes;
}
