import { namesOf, recordOf } from "../lookup.ts";

/** What the processor counts for each vCPU, and where its cycles went. Positions in a Float64Array. */
export const Counter = {
  /** Accesses that completed (unit: accesses). */
  accesses: 0,
  /** Accesses that missed the first-level TLB (accesses). */
  l1TlbMisses: 1,
  /** Accesses that missed both levels, or hit an entry that may not satisfy them (accesses). */
  tlbMisses: 2,
  /** Walks begun, among them those that ended in an exit (walks). */
  walks: 3,
  /** Paging-structure entries read by walks, guest and EPT (references). */
  walkReferences: 4,
  /** Accessed or dirty flags set in EPT entries, one locked update each (updates). */
  flagUpdates: 5,
  /** Entries written to a PML or PRL log (entries). */
  logEntries: 6,
  /** Events that found the log full: log-full exits of PML, interrupts sent by PRL (events). */
  logFull: 7,
  /** GPAs that PRL dropped because its log was full or suspended (GPAs). */
  missedGpas: 8,
  /** Cycles of the guest's own work, TLB lookups included (cycles). */
  guestCycles: 9,
  /** Cycles of walks, flag updates and log stores: T_PTW (cycles). */
  walkCycles: 10,
  /** Accesses that completed and wrote (accesses). */
  writes: 11,
} as const;
export type CounterName = keyof typeof Counter;
export const COUNTERS: readonly CounterName[] = namesOf(Counter);
export const COUNTER_COUNT = COUNTERS.length;

/** The counters of one vCPU by name. */
export function readCounters(counters: Float64Array): Record<CounterName, number> {
  return recordOf(COUNTERS, (name) => counters[Counter[name]] ?? 0);
}
