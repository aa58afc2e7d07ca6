/**
 * What save() and restore() do for a batch, beside what the link takes. libxc asks for the types of a batch's pages, maps
 * them, writes them and unmaps them (xg_sr_save.c, write_batch); the other side reads the whole record, allocates the pages
 * that it has not got yet, maps and copies (xg_sr_restore.c, populate_pfns, process_page_data). It reads no further record
 * meanwhile, so that the next batch is prepared while the last one is restored: the longer of the two counts.
 */
export interface SaveWork {
  /** Cycles at the source: of each batch, and of each of its pages. */
  readonly batchCycles: number;
  readonly pageCycles: number;
  /** Cycles at the destination: of each page, and more of one that arrives for the first time. */
  readonly restoreCycles: number;
  readonly populateCycles: number;
  /** Cycles from the last page's arrival to the VM's resumption: device models and their state. */
  readonly resumeCycles: number;
  /** Percent of the guest's CPU that the saving process takes from it while the guest runs. */
  readonly interference: number;
}

/** A link, and nothing else. */
export const NO_SAVE_WORK: SaveWork = {
  batchCycles: 0,
  pageCycles: 0,
  restoreCycles: 0,
  populateCycles: 0,
  resumeCycles: 0,
  interference: 0,
};

/** Cycles of a batch on top of the link's. @param fresh pages among them that arrive for the first time */
export function workCycles(work: SaveWork, pages: number, fresh: number): number {
  if (pages === 0) return 0;
  const source = work.batchCycles + pages * work.pageCycles;
  const destination = pages * work.restoreCycles + fresh * work.populateCycles;
  return Math.ceil(Math.max(source, destination));
}
