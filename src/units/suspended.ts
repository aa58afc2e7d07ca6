/**
 * Logs that are suspended when they are full, while an interrupt has a CPU of the privileged VM empty them (VEE21 3.2 and
 * 3.3): what the processor does at that moment, what the handler writes in memory, and what the remote reload takes from there.
 */
import { Counter } from "../hardware/counters.ts";
import { count, type Mmu } from "../hardware/mmu.ts";
import {
  Field,
  publishField,
  readField,
  reloadField,
  type Vmcs,
  writeField,
  writeImage,
} from "../hardware/vmcs.ts";

/** The index while the log is suspended. */
export const SUSPENDED = -1;

/**
 * The log is full: the index becomes -1 and the LAPIC sends the log-full vector; with a second, empty
 * log, logging goes on there. The papers do not say how the handler learns which logs are full: we
 * write index and full-log bits back to the VMCS region.
 * @param first index of an empty log
 */
export function becomeFull(mmu: Mmu, first: number, doubleBuffer: boolean): void {
  const { vmcs } = mmu;
  const active = readField(vmcs, Field.activeLog);
  const fullLogs = readField(vmcs, Field.fullLogs) | (1 << active);
  writeField(vmcs, Field.fullLogs, fullLogs);
  const other = active ^ 1;
  if (doubleBuffer && (fullLogs & (1 << other)) === 0) {
    writeField(vmcs, Field.activeLog, other);
    writeField(vmcs, Field.logIndex, first);
  } else {
    writeField(vmcs, Field.logIndex, SUSPENDED);
  }
  // Only this log's bit: the handler may have cleared the other's in memory, and this processor not reloaded it yet.
  writeImage(vmcs, Field.fullLogs, vmcs.image[2 * Field.fullLogs]! | (1 << active));
  publishField(vmcs, Field.logIndex);
  publishField(vmcs, Field.activeLog);
  count(mmu, Counter.logFull, 1);
  mmu.logFilled = true;
}

/**
 * The handler's half of a reset, in the VMCS region in memory: the drained logs are empty again, and
 * a suspended processor may go on in one of them.
 * @param first index of an empty log
 */
export function resetInMemory(vmcs: Vmcs, drainedLogs: number, first: number): void {
  const fullLogs = vmcs.image[2 * Field.fullLogs]! & ~drainedLogs;
  writeImage(vmcs, Field.fullLogs, fullLogs);
  if (vmcs.image[2 * Field.logIndex]! >= 0) return;
  writeImage(vmcs, Field.activeLog, (drainedLogs & 1) !== 0 ? 0 : 1);
  writeImage(vmcs, Field.logIndex, first);
}

/**
 * The processor's half: VEE21's new instruction makes it reload log state from memory. A log that is
 * being filled keeps its index, which is newer than the one in memory.
 */
export function reloadLogs(vmcs: Vmcs): void {
  reloadField(vmcs, Field.fullLogs);
  if (readField(vmcs, Field.logIndex) >= 0) return;
  reloadField(vmcs, Field.activeLog);
  reloadField(vmcs, Field.logIndex);
}
