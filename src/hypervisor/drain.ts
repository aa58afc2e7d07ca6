/** Emptying logs: from the page that the processor filled to what the hypervisor keeps. */
import type { HostMemory } from "../hardware/memory.ts";
import { prlUsedSlots } from "../hardware/pageReferenceLog.ts";
import type { PrlSlotRuleName } from "../hardware/prlOptions.ts";
import { Field, readField, type Vmcs, writeField } from "../hardware/vmcs.ts";
import { pageOfWords } from "../hardware/words.ts";
import { addOccurrence, type CumulativeBuffer } from "./cumulativeBuffer.ts";
import { type LogPages, logWords } from "./logPages.ts";

function logWord(memory: HostMemory, vmcs: Vmcs): number {
  const low = vmcs.words[2 * Field.pmlAddress]!;
  const high = vmcs.words[2 * Field.pmlAddress + 1]!;
  return pageOfWords(low, high) * memory.frameWords;
}

/**
 * Empties a PML log, newest entry first (Xen ept_vcpu_flush_pml_buffer), and sets the index back. An
 * index of entries - 1 means empty; one out of range means full. Returns the entries.
 */
export function drainPmlLog(logs: LogPages, vmcs: Vmcs, visit: (page: number) => void): number {
  // A vCPU that does not log (its control is off) has no log page.
  if (vmcs.words[2 * Field.pmlAddress] === 0) return 0;
  const { memory, geometry } = logs;
  const { logEntries } = geometry;
  const index = readField(vmcs, Field.pmlIndex) & 0xffff;
  if (index === logEntries - 1) return 0;
  const first = index >= logEntries ? 0 : index + 1;
  const log = logWord(memory, vmcs);
  for (let slot = first; slot < logEntries; slot++) {
    const word = log + 2 * slot;
    visit(pageOfWords(memory.words[word]!, memory.words[word + 1]!));
  }
  writeField(vmcs, Field.pmlIndex, logEntries - 1, 0);
  return logEntries - first;
}

/** A PRL log as its handler sees it. */
export interface PrlLogView {
  readonly memory: HostMemory;
  readonly vmcs: Vmcs;
  readonly logEntries: number;
  /** Words from one of the two logs to the other. */
  readonly logWords: number;
  readonly slotRule: PrlSlotRuleName;
}

export function prlView(logs: LogPages, vmcs: Vmcs, slotRule: PrlSlotRuleName): PrlLogView {
  const { memory, geometry } = logs;
  return { memory, vmcs, logEntries: geometry.logEntries, logWords: logWords(logs), slotRule };
}

/** Adds the used slots of log `which`, whose index is `index`, to the cumulative buffer. Returns the entries. */
export function copyPrlLog(
  view: PrlLogView,
  which: number,
  index: number,
  buffer: CumulativeBuffer,
): number {
  const { memory, logEntries } = view;
  const [first, end] = prlUsedSlots(index, logEntries, view.slotRule);
  const log = logWord(memory, view.vmcs) + which * view.logWords;
  for (let slot = first; slot < end; slot++) {
    const word = log + 2 * slot;
    addOccurrence(buffer, pageOfWords(memory.words[word]!, memory.words[word + 1]!));
  }
  return end - first;
}
