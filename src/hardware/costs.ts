/**
 * What events cost the processor itself, in cycles of a 2.4 GHz machine. Sources are in
 * docs/costs.md; every value can be overridden in a scenario.
 */
export interface ProcessorCosts {
  /** One access that hits the first-level TLB, the instructions around it included. */
  readonly access: number;
  /** Added by a second-level TLB hit. */
  readonly l2TlbHit: number;
  /** Added by a walk, for each paging-structure entry it reads. */
  readonly walkReference: number;
  /** Added by each accessed or dirty flag that a walk sets (a locked read-modify-write). */
  readonly flagUpdate: number;
  /** Added by each entry stored in a PML or PRL log. */
  readonly logStore: number;
}

/**
 * Walks: Dune (OSDI'12, table 2) measured 35.8 cycles for a native and 86.4 for a nested walk: 4 and
 * 24 references at most, hence 3.6 a reference in the nested case, rounded so that time stays a whole
 * number of cycles. L2 hit: POM-TLB table 1. Flag update and log store: no published figure
 * (literature.md suggests 10 to 20 for the store).
 */
export const DEFAULT_PROCESSOR_COSTS: ProcessorCosts = {
  access: 4,
  l2TlbHit: 9,
  walkReference: 4,
  flagUpdate: 20,
  logStore: 15,
};
