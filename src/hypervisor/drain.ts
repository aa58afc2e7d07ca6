/** Emptying logs: from the page that the processor filled to what the hypervisor keeps. */
import type { HostMemory } from "../hardware/memory.ts";
import { prlLogSlots, prlUsedSlots } from "../hardware/pageReferenceLog.ts";
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

/** The used slots of a PML log, as [first, end): an index out of range means that all are. */
export function pmlUsedSlots(vmcs: Vmcs, logEntries: number): readonly [number, number] {
  const index = readField(vmcs, Field.pmlIndex) & 0xffff;
  return [index >= logEntries ? 0 : index + 1, logEntries];
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
  const [first] = pmlUsedSlots(vmcs, logEntries);
  if (first === logEntries) return 0;
  const log = logWord(memory, vmcs);
  visitSlots(memory, log, first, logEntries, visit);
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

/**
 * Visits the entries of a vCPU's PML log that no drain has taken yet. Changes nothing.
 * Returns their number.
 */
export function visitPmlLog(logs: LogPages, vmcs: Vmcs, visit: (page: number) => void): number {
  if (vmcs.words[2 * Field.pmlAddress] === 0) return 0;
  const { memory, geometry } = logs;
  const [first, end] = pmlUsedSlots(vmcs, geometry.logEntries);
  visitSlots(memory, logWord(memory, vmcs), first, end, visit);
  return end - first;
}

/**
 * Visits the entries of both of a vCPU's PRL logs that the handler has not copied yet. Changes nothing.
 * @param handled logs that it has copied, a bit each
 * Returns their number.
 */
export function visitPrlLogs(
  view: PrlLogView,
  handled: number,
  visit: (page: number) => void,
): number {
  const { memory, vmcs } = view;
  if (vmcs.words[2 * Field.pmlAddress] === 0) return 0;
  let entries = 0;
  for (let which = 0; which < 2; which++) {
    if ((handled & (1 << which)) !== 0) continue;
    const [first, end] = prlLogSlots(vmcs, which, view.logEntries, view.slotRule);
    visitSlots(memory, logWord(memory, vmcs) + which * view.logWords, first, end, visit);
    entries += end - first;
  }
  return entries;
}

function visitSlots(
  memory: HostMemory,
  log: number,
  first: number,
  end: number,
  visit: (page: number) => void,
): void {
  for (let slot = first; slot < end; slot++) {
    const word = log + 2 * slot;
    visit(pageOfWords(memory.words[word]!, memory.words[word + 1]!));
  }
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
  visitSlots(memory, log, first, end, (page) => addOccurrence(buffer, page));
  return end - first;
}
