/**
 * Anonymous memory of a VMM's process as the kernel keeps it, page by page, and the calls that ask who wrote it: userfaultfd's
 * write protection (UFFDIO_WRITEPROTECT), PAGEMAP_SCAN and soft-dirty bits (mm/userfaultfd.c, fs/proc/task_mmu.c). Everything
 * is a value: a call gives the next one. What KVM does about it, and what it costs, is in techniques/hostEntries.ts.
 */

/** Ways to get it wrong, each off unless a model plants it. */
export const HOST_PAGE_FAULTS = ["swapLosesMark", "newMappingIsClean", "discardIsNoWrite"] as const;
export type HostPageFault = (typeof HOST_PAGE_FAULTS)[number];

export interface HostPage {
  /** Never touched, or discarded: there is no entry. In memory; or on the disk. */
  readonly place: "none" | "memory" | "swap";
  /** Its entry has userfaultfd's mark: a write faults. */
  readonly protected: boolean;
  /** Bit 55 of its entry in pagemap. */
  readonly softDirty: boolean;
}

export interface HostArea {
  /** How userfaultfd has it; null: not at all. */
  readonly registered: "sync" | "WP_ASYNC" | null;
  /** UFFD_FEATURE_WP_UNPOPULATED: pages without an entry are protected too. WP_ASYNC implies it. */
  readonly unpopulated: boolean;
  readonly pages: readonly HostPage[];
}

/** A write's fault: none of userfaultfd's; one that waits for a message to be answered; one that the kernel ends. */
export type HostFault = "none" | "message" | "kernel";

const UNTOUCHED: HostPage = { place: "none", protected: false, softDirty: true };

export function hostArea(
  pages: number,
  registered: HostArea["registered"],
  unpopulated = false,
): HostArea {
  return {
    registered,
    unpopulated: unpopulated || registered === "WP_ASYNC",
    pages: Array.from({ length: pages }, () => UNTOUCHED),
  };
}

function withPage(area: HostArea, page: number, next: Partial<HostPage>): HostArea {
  return {
    ...area,
    pages: area.pages.map((one, i) => (i === page ? { ...one, ...next } : one)),
  };
}

/** The process, or a guest of its, writes. A message is answered by lifting the protection. */
export function hostWrite(
  area: HostArea,
  page: number,
): { readonly area: HostArea; readonly fault: HostFault } {
  const isProtected = area.pages[page]?.protected === true;
  const fault = !isProtected ? "none" : area.registered === "WP_ASYNC" ? "kernel" : "message";
  const next = { place: "memory", protected: false, softDirty: true } as const;
  return { area: withPage(area, page, next), fault };
}

/** UFFDIO_WRITEPROTECT of the whole area. */
export function protectArea(area: HostArea): {
  readonly area: HostArea;
  readonly error: "ENOENT" | null;
} {
  if (area.registered === null) return { area, error: "ENOENT" };
  const pages = area.pages.map((one) =>
    one.place === "none" && !area.unpopulated ? one : { ...one, protected: true },
  );
  return { area: { ...area, pages }, error: null };
}

/**
 * PAGEMAP_SCAN of pages that were written, with PM_SCAN_WP_MATCHING: reports them and protects them again in one walk. An
 * area that is not in WP_ASYNC is passed over, unless PM_SCAN_CHECK_WPASYNC asks for an error.
 */
export function scanWritten(
  area: HostArea,
  check: boolean,
): { readonly area: HostArea; readonly error: "EPERM" | null; readonly pages: readonly number[] } {
  if (area.registered !== "WP_ASYNC") return { area, error: check ? "EPERM" : null, pages: [] };
  const pages = area.pages.flatMap((one, page) => (one.protected ? [] : [page]));
  return { area: protectArea(area).area, error: null, pages };
}

/** "4" written to clear_refs. */
export function clearSoftDirty(area: HostArea): HostArea {
  return { ...area, pages: area.pages.map((one) => ({ ...one, softDirty: false })) };
}

/** What pagemap says. */
export function softDirtyPages({ pages }: HostArea): readonly number[] {
  return pages.flatMap(({ softDirty }, page) => (softDirty ? [page] : []));
}

/** What mincore says. */
export function residentPages({ pages }: HostArea): readonly number[] {
  return pages.flatMap(({ place }, page) => (place === "memory" ? [page] : []));
}

/** A page goes to the disk: its entry there keeps both marks (pte_swp_uffd_wp, pte_swp_soft_dirty). */
export function swapOut(
  area: HostArea,
  page: number,
  faults: readonly HostPageFault[] = [],
): HostArea {
  if (area.pages[page]?.place !== "memory") return area;
  const lost = faults.includes("swapLosesMark") ? { softDirty: false } : {};
  return withPage(area, page, { place: "swap", ...lost });
}

/** MADV_DONTNEED: the page reads as zeros from now on, and counts as written. */
export function discard(
  area: HostArea,
  page: number,
  faults: readonly HostPageFault[] = [],
): HostArea {
  const { protected: mark = false } = area.pages[page] ?? {};
  const keeps = mark && faults.includes("discardIsNoWrite");
  return withPage(area, page, { place: "none", protected: keeps, softDirty: true });
}

/** The mapping is removed, and made again at the same place: as a whole soft-dirty, and registered nowhere. */
export function mapAgain(area: HostArea, faults: readonly HostPageFault[] = []): HostArea {
  const softDirty = !faults.includes("newMappingIsClean");
  return {
    registered: null,
    unpopulated: false,
    pages: area.pages.map(() => ({ ...UNTOUCHED, softDirty })),
  };
}
