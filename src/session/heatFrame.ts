/** The pages of a VM as a map: each cell stands for some pages, and shows what most of them are. */
import { truthOf } from "../hardware/guestPages.ts";
import { occurrencesOf } from "../hypervisor/cumulativeBuffer.ts";
import { isMarked } from "../hypervisor/dirtyBitmap.ts";
import type { System } from "../system/system.ts";
import type { VmState } from "../system/world.ts";
import { type HeatFrame, type LogFrame, PAGE_STATES } from "./frame.ts";
import { visitPending } from "./machineFrame.ts";

/** Positions in PAGE_STATES: from the least to the most telling. */
const RANK = { never: 0, read: 1, written: 2, buffered: 3, hot: 4, logged: 5, pending: 6 } as const;
/** Occurrences in the backup buffer from which on a page counts as hot. */
const HOT_OCCURRENCES = 3;
const LEVELS = 9;
/** More pages of a cell are not looked at one by one: so many, evenly spread. */
const PAGES_LOOKED_AT = 16;

/** What of a VM's memory is shown, in how many cells at most. */
export interface HeatRequest {
  readonly vm: number;
  readonly cells: number;
  /** Magnified around this page; null = the first one. */
  readonly page: number | null;
  /** So many times by four; 0 = all of it is shown. */
  readonly magnified: number;
}

export function heatFrame(
  system: System,
  { vm, cells, page: centre, magnified }: HeatRequest,
  logs: readonly LogFrame[],
): HeatFrame {
  const state = system.world.vms[vm]!;
  const all = state.config.pages;
  const room = Math.max(1, cells);
  const span = Math.max(Math.min(all, room), Math.ceil(all / 4 ** magnified));
  const pagesPerCell = Math.max(1, Math.ceil(span / room));
  // Whole cells before it, so that they stay the same cells while the cursor moves.
  const wished = Math.floor(((centre ?? 0) - span / 2) / pagesPerCell) * pagesPerCell;
  const from = Math.max(0, Math.min(wished, Math.ceil((all - span) / pagesPerCell) * pagesPerCell));
  const pages = Math.min(all, from + span);
  const pending = pendingPages(system, state, logs);
  const counts = new Int32Array(PAGE_STATES.length);
  let states = "";
  let levels = "";
  for (let first = from; first < pages; first += pagesPerCell) {
    const end = Math.min(pages, first + pagesPerCell);
    const stride = Math.max(1, Math.floor((end - first) / PAGES_LOOKED_AT));
    counts.fill(0);
    let looked = 0;
    for (let page = first; page < end; page += stride) {
      const rank = pending.has(page) ? RANK.pending : rankOf(state, page);
      counts[rank] = counts[rank]! + 1;
      looked++;
    }
    let top = PAGE_STATES.length - 1;
    while (top > 0 && counts[top] === 0) top--;
    states += PAGE_STATES[top];
    levels += Math.max(1, Math.ceil((LEVELS * counts[top]!) / looked));
  }
  return { vm, first: from, pagesPerCell, states, levels };
}

function rankOf({ guest, tracked }: VmState, page: number): number {
  if (isMarked(tracked.dirty, page) || isMarked(tracked.touched, page)) return RANK.logged;
  const occurrences = occurrencesOf(tracked.buffer, page);
  if (occurrences >= HOT_OCCURRENCES) return RANK.hot;
  if (occurrences > 0) return RANK.buffered;
  const truth = truthOf(guest, page);
  if (truth === 0) return RANK.never;
  return (truth & 2) !== 0 ? RANK.written : RANK.read;
}

/** Pages whose entry lies in a log that nobody has read yet. */
function pendingPages(
  system: System,
  { vcpus }: VmState,
  logs: readonly LogFrame[],
): ReadonlySet<number> {
  const found = new Set<number>();
  for (const vcpu of vcpus) {
    if ((logs[vcpu]?.used ?? 0) > 0) visitPending(system, vcpu, (page) => found.add(page));
  }
  return found;
}
