/** Emptying logs: from the pages that the processor filled to what the hypervisor keeps, whichever unit logs. */
import type { HostMemory } from "../hardware/memory.ts";
import { clearVmcs, Field, type Vmcs } from "../hardware/vmcs.ts";
import { pageOfWords } from "../hardware/words.ts";
import type { Unit } from "../units/unit.ts";
import { type LogPages, logWords } from "./logPages.ts";

/** The logs of a vCPU. */
export interface VcpuLogs {
  readonly logs: LogPages;
  readonly unit: Unit;
  readonly vcpu: number;
  readonly vmcs: Vmcs;
}

type PageVisit = (page: number) => void;

/**
 * Visits the entries of a vCPU's logs that nobody has taken yet, lowest slot first, which is the newest where a log is
 * filled downwards. Changes nothing. Returns their number.
 */
export function visitLogs(at: VcpuLogs, visit: PageVisit): number {
  const handled = at.logs.handled[at.vcpu] ?? 0;
  let entries = 0;
  for (let log = 0; log < at.unit.logs; log++) {
    if ((handled & (1 << log)) === 0) entries += visitLog(at, log, visit);
  }
  return entries;
}

/** The same of these logs alone, a bit each. */
export function visitTheseLogs(at: VcpuLogs, which: number, visit: PageVisit): number {
  let entries = 0;
  for (let log = 0; log < at.unit.logs; log++) {
    if ((which & (1 << log)) !== 0) entries += visitLog(at, log, visit);
  }
  return entries;
}

/** Visits the entries of a vCPU's logs, and has the unit begin anew, if there are any. Returns their number. */
export function drainLogs(at: VcpuLogs, visit: PageVisit): number {
  const entries = visitLogs(at, visit);
  if (entries > 0) at.unit.empty(at.vmcs, at.logs.geometry);
  return entries;
}

/**
 * The same of logs that a handler may be working on: what it has copied and not yet declared empty is not its any more, and
 * the processor finds all of them empty.
 */
export function takeLogs(at: VcpuLogs, visit: PageVisit): number {
  const entries = visitLogs(at, visit);
  at.logs.handled[at.vcpu] = 0;
  at.unit.empty(at.vmcs, at.logs.geometry);
  clearVmcs(at.vmcs);
  return entries;
}

function visitLog({ logs, unit, vmcs }: VcpuLogs, log: number, visit: PageVisit): number {
  // A vCPU that has never logged has no log page.
  if (vmcs.words[2 * Field.logAddress] === 0 && vmcs.words[2 * Field.logAddress + 1] === 0) {
    return 0;
  }
  const { memory, geometry } = logs;
  const [first, end] = unit.usedSlots(vmcs, log, geometry);
  if (first < end)
    visitSlots(memory, logWord(memory, vmcs) + log * logWords(logs), first, end, visit);
  return end - first;
}

function logWord(memory: HostMemory, vmcs: Vmcs): number {
  const low = vmcs.words[2 * Field.logAddress] ?? 0;
  const high = vmcs.words[2 * Field.logAddress + 1] ?? 0;
  return pageOfWords(low, high) * memory.frameWords;
}

function visitSlots(
  { words }: HostMemory,
  log: number,
  first: number,
  end: number,
  visit: PageVisit,
): void {
  for (let slot = first; slot < end; slot++) {
    const word = log + 2 * slot;
    visit(pageOfWords(words[word]!, words[word + 1]!));
  }
}
