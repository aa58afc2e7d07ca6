/**
 * Xen's log-dirty operations as a toolstack calls them (paging_domctl and paging_log_dirty_op in xen/arch/x86/mm/paging.c; hap.c),
 * with their errors, and the tracking of video memory beside them (hap_track_dirty_vram). Everything is a value: a call gives
 * the next one. How entries are changed is in src/hypervisor/techniques; here it is known which pages are armed.
 */

/** Ways to get it wrong, each off unless a model plants it. */
export const XEN_LOG_FAULTS = [
  "peekTakesBits",
  "cleanWithoutRetype",
  "failedAllocationForgotten",
  "finalWithoutMapped",
  "vramTakesLogBits",
  "cleanWhileUnfinished",
] as const;
export type XenLogFault = (typeof XEN_LOG_FAULTS)[number];

export type XenError = "EINVAL" | "EBUSY" | "ENOMEM";

/** Pages of video memory that can be tracked: 1 GiB. */
const VRAM_PAGES_MAX = 1 << 18;

export interface XenLog {
  readonly isOn: boolean;
  /** By page: its type is ram_logdirty, so that its first write is found; and its bit of the trie. */
  readonly armed: readonly boolean[];
  readonly dirty: readonly boolean[];
  /** Memory for the trie was missing: what was to be marked then is nowhere. */
  readonly failed: boolean;
  /** A CLEAN was preempted: it has taken the first half of the pages, and its caller has not gone on with it yet. */
  readonly unfinished: boolean;
  /** Pages that the hypervisor keeps mapped, and writes without a mark. */
  readonly mapped: readonly boolean[];
  /** The range of video memory, as the last call had it; null: none. */
  readonly vram: readonly [first: number, pages: number] | null;
}

export interface XenAnswer {
  readonly log: XenLog;
  readonly error: XenError | null;
  /** By page; null: the call has no bitmap, or has failed. */
  readonly bitmap: readonly boolean[] | null;
}

export interface XenDomain {
  /** A device is passed through to it; pages of type ioreq_server are outstanding. */
  readonly passedThrough?: boolean;
  readonly ioreqServer?: boolean;
}

/** @param mapped numbers of pages that the hypervisor keeps mapped */
export function xenLog(pages: number, mapped: readonly number[] = []): XenLog {
  const none = Array.from({ length: pages }, () => false);
  return {
    isOn: false,
    armed: none,
    dirty: none,
    failed: false,
    unfinished: false,
    mapped: none.map((_, page) => mapped.includes(page)),
    vram: null,
  };
}

const done = (log: XenLog, bitmap: readonly boolean[] | null = null): XenAnswer => {
  return { log, error: null, bitmap };
};
const refused = (log: XenLog, error: XenError): XenAnswer => ({ log, error, bitmap: null });
const filled = ({ armed }: XenLog, value: boolean): boolean[] => armed.map(() => value);

/** The guest writes. @param hasMemory whether a page of the trie can be had, should one be missing */
export function xenWrite(log: XenLog, page: number, hasMemory = true): XenLog {
  if (log.armed[page] !== true) return log;
  const armed = log.armed.with(page, false);
  // paging_mark_pfn_dirty: nothing to do while the log is off.
  if (!log.isOn) return { ...log, armed };
  if (!hasMemory) return { ...log, armed, failed: true };
  return { ...log, armed, dirty: log.dirty.with(page, true) };
}

/** XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY. */
export function xenEnable(log: XenLog, domain: XenDomain = {}): XenAnswer {
  if (log.unfinished) return refused(log, "EBUSY");
  if (domain.passedThrough === true || log.isOn) return refused(log, "EINVAL");
  if (domain.ioreqServer === true) return refused(log, "EBUSY");
  return done({ ...log, isOn: true, armed: filled(log, true) });
}

/** XEN_DOMCTL_SHADOW_OP_OFF: the trie is freed. Of a log that is off it is a success. */
export function xenOff(log: XenLog): XenAnswer {
  if (log.unfinished) return refused(log, "EBUSY");
  const none = filled(log, false);
  return done({ ...log, isOn: false, armed: none, dirty: none, failed: false });
}

/**
 * XEN_DOMCTL_SHADOW_OP_CLEAN; with `final` as a save asks for it last. Off, it returns zeros and re-types all pages all the same.
 * @param preempted it stops half-way, and is to be called again
 */
export function xenClean(
  log: XenLog,
  { final = false, preempted = false }: { readonly final?: boolean; readonly preempted?: boolean },
  faults: readonly XenLogFault[] = [],
): XenAnswer {
  // hvm_mapped_guest_frames_mark_dirty comes before the domain is paused and its logs are flushed.
  const marks = final && log.isOn && !faults.includes("finalWithoutMapped");
  const marked = marks
    ? { ...log, dirty: log.dirty.map((bit, page) => bit || log.mapped[page] === true) }
    : log;
  if (marked.failed) {
    const forgets = faults.includes("failedAllocationForgotten");
    return refused(forgets ? { ...marked, failed: false } : marked, "ENOMEM");
  }
  if (preempted) return done({ ...marked, unfinished: true });
  const armed = faults.includes("cleanWithoutRetype") ? marked.armed : filled(log, true);
  const cleaned = { ...marked, armed, dirty: filled(log, false), unfinished: false };
  return done(cleaned, marked.dirty);
}

/** XEN_DOMCTL_SHADOW_OP_PEEK: a look, which changes nothing. */
export function xenPeek(log: XenLog, faults: readonly XenLogFault[] = []): XenAnswer {
  if (log.unfinished && !faults.includes("cleanWhileUnfinished")) return refused(log, "EBUSY");
  if (log.failed) return refused(log, "ENOMEM");
  const takes = faults.includes("peekTakesBits") || log.unfinished;
  return done(takes ? { ...log, dirty: filled(log, false) } : log, log.dirty);
}

/**
 * XEN_DMOP_track_dirty_vram. A range that was not the last one is all ones; of the same, a page whose type went back to
 * ram_rw was written. It takes no bit of the log's, and works while that is off.
 */
export function xenTrackVram(
  log: XenLog,
  first: number,
  pages: number,
  faults: readonly XenLogFault[] = [],
): XenAnswer {
  if (pages > VRAM_PAGES_MAX) return refused(log, "EINVAL");
  if (pages === 0) return done({ ...log, vram: null });
  const isIn = (page: number): boolean => page >= first && page < first + pages;
  const isNew = log.vram === null || log.vram[0] !== first || log.vram[1] !== pages;
  const bitmap = log.armed.map((armed, page) => isIn(page) && (isNew || !armed));
  const armed = log.armed.map((one, page) => one || isIn(page));
  const takes = faults.includes("vramTakesLogBits");
  const dirty = takes ? log.dirty.map((bit, page) => bit && !isIn(page)) : log.dirty;
  return done({ ...log, armed, dirty, vram: [first, pages] }, bitmap);
}
