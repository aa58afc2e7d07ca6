import { DEFAULT_UNIT_COSTS, type UnitCosts } from "../units/all.ts";

/**
 * What the hypervisor's and the pVM's work costs, in cycles of a 2.4 GHz machine. docs/costs.md has
 * the sources; every value can be overridden in a scenario.
 */
export interface HypervisorCosts extends UnitCosts {
  /** T_x and T_e: the two switches. Together about 1200 (NEVE, SOSP'17 table 1: null hypercall 1188). */
  readonly vmExit: number;
  readonly vmEntry: number;
  /** Handling an EPT violation of tracking: mark the page, give the right back. */
  readonly violationHandler: number;
  /** Splitting a large leaf into a table, on top. */
  readonly splitHandler: number;
  /** T_h of a log-full exit: a fixed part, and each entry (DW19 section 3: 257 us for 512 entries). */
  readonly drainHandler: number;
  readonly drainEntry: number;
  /** Handling a kick in root mode. */
  readonly interruptHandler: number;
  /** INVEPT and its acknowledgement. */
  readonly invept: number;
  /** Clearing a right or a flag in one leaf while arming or re-arming, and copying its bit. */
  readonly protectPage: number;
  /** The dirty ring: returning to user space and back, and each entry harvested. */
  readonly ringExit: number;
  readonly ringEntry: number;
  /** From the LAPIC's send to the arrival at the pVM CPU. */
  readonly ipi: number;
  /** Until a remote processor has reloaded its log state. */
  readonly remoteReload: number;
  /** An estimation process of the pVM: waking up each interval, and each counter or word it looks at. */
  readonly estimatorWake: number;
  readonly scanEntry: number;
  /** The same of a list: each GPA that was logged, whose counter is not in the cache. */
  readonly scanLogged: number;
  /** Overcommitment: zeroing a frame, and bringing a page in once the disk has read it. */
  readonly zeroPage: number;
  readonly pageIn: number;
  /** A guest's own fault on a page that it had swapped, and its balloon's work for each page, disk apart. */
  readonly guestFault: number;
  readonly balloonPage: number;
  /** The controller's decision about one VM, the hypercalls included. */
  readonly decideTarget: number;
  /** The host's own page tables: a fault that the kernel ends, and one that waits for a thread of the VMM that is told. */
  readonly hostFault: number;
  readonly hostMessage: number;
  /** Each of its entries that the kernel walks, and each that a process reads in pagemap. */
  readonly hostEntry: number;
  readonly pagemapEntry: number;
}

export const DEFAULT_HYPERVISOR_COSTS: HypervisorCosts = {
  vmExit: 600,
  vmEntry: 600,
  violationHandler: 5000,
  splitHandler: 5000,
  drainHandler: 2000,
  drainEntry: 1200,
  interruptHandler: 2000,
  invept: 500,
  protectPage: 40,
  ringExit: 6000,
  ringEntry: 20,
  ipi: 2400,
  ...DEFAULT_UNIT_COSTS,
  remoteReload: 2400,
  estimatorWake: 7200,
  scanEntry: 4,
  scanLogged: 200,
  zeroPage: 1000,
  pageIn: 5000,
  guestFault: 10_000,
  balloonPage: 1200,
  decideTarget: 24_000,
  hostFault: 300,
  hostMessage: 32_000,
  hostEntry: 20,
  pagemapEntry: 5450,
};

/** One of them by its name. @throws if there is none of this name */
export function costNamed(costs: HypervisorCosts, name: string): number {
  const found = Object.entries(costs).find(([one]) => one === name)?.[1];
  if (typeof found !== "number") throw new Error(`there is no cost "${name}"`);
  return found;
}
