/**
 * Energy by an event-cost model: what was counted, times what each event takes. docs/costs.md has the
 * sources and what the model leaves out. Caches are not emulated; the TLB stands in for them: its first
 * level reaches about as far as a second-level cache, its second level as far as a last-level cache.
 */

/** Picojoules of an event, unless the name says otherwise. */
export interface EnergyCosts {
  /** Processor and memory when nothing runs, in milliwatts. */
  readonly staticMilliwatts: number;
  /** A cycle of a CPU that runs: guest, hypervisor or pVM. */
  readonly busyCycle: number;
  /** An access beyond the reach of the first-level TLB, within that of the second: last-level cache. */
  readonly cacheLine: number;
  /** An access beyond the reach of both levels: a line comes from memory. */
  readonly memoryRead: number;
  /** The same that writes: its line goes back to memory at some time. */
  readonly memoryWrite: number;
  /** A paging-structure entry read by a walk. */
  readonly walkReference: number;
  /** An accessed or dirty flag set: a locked read-modify-write. */
  readonly flagUpdate: number;
  /** An entry stored in a PML or PRL log. */
  readonly logStore: number;
}

/**
 * Cache and memory: Horowitz, ISSCC 2014, figure 1.1.9: 64 bits from a cache of 32 KiB 20 pJ, of 1 MiB
 * 100 pJ, from DRAM 1.3 to 2.6 nJ; a line is eight times that. The others are assumed.
 */
export const DEFAULT_ENERGY_COSTS: EnergyCosts = {
  staticMilliwatts: 4000,
  busyCycle: 2000,
  cacheLine: 800,
  memoryRead: 16_000,
  memoryWrite: 16_000,
  walkReference: 100,
  flagUpdate: 200,
  logStore: 20,
};

/** What a run counted, as far as it takes energy. */
export interface EnergyEvents {
  /** Virtual time of the run, in seconds. */
  readonly seconds: number;
  /** Of all CPUs. */
  readonly busyCycles: number;
  readonly accesses: number;
  readonly writes: number;
  readonly l1TlbMisses: number;
  readonly tlbMisses: number;
  readonly walkReferences: number;
  readonly flagUpdates: number;
  readonly logEntries: number;
  /** Frames that guests' kernels have zeroed: each of their lines comes from memory, and goes back. */
  readonly zeroedPages: number;
}

/** In joules; the mean power in watts. */
export interface Energy {
  readonly static: number;
  readonly cpus: number;
  readonly memory: number;
  /** Walks, flag updates and log stores: the hardware's share in tracking. */
  readonly walks: number;
  readonly total: number;
  readonly watts: number;
}

const PICOJOULE = 1e-12;
const LINES_PER_PAGE = 64;

export function energyOf(events: EnergyEvents, costs: EnergyCosts): Energy {
  const { seconds, accesses, l1TlbMisses, tlbMisses } = events;
  // Which accesses missed is not counted by kind: writes are taken to miss as often as reads.
  const writeShare = accesses === 0 ? 0 : events.writes / accesses;
  const still = (costs.staticMilliwatts / 1000) * seconds;
  const cpus = events.busyCycles * costs.busyCycle * PICOJOULE;
  const memory =
    ((l1TlbMisses - tlbMisses) * costs.cacheLine +
      tlbMisses * (costs.memoryRead + writeShare * costs.memoryWrite) +
      events.zeroedPages * LINES_PER_PAGE * (costs.memoryRead + costs.memoryWrite)) *
    PICOJOULE;
  const walks =
    (events.walkReferences * costs.walkReference +
      events.flagUpdates * costs.flagUpdate +
      events.logEntries * costs.logStore) *
    PICOJOULE;
  const total = still + cpus + memory + walks;
  return { static: still, cpus, memory, walks, total, watts: seconds === 0 ? 0 : total / seconds };
}
