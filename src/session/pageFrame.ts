/** One page of a VM: its entries at every level, what the guest did to it, and where tracking has it. */
import { entriesOf } from "../hardware/ept.ts";
import {
  attributesOf,
  type EntryFormat,
  isLeaf,
  rightsText,
} from "../hardware/formats/entryFormat.ts";
import { truthOf } from "../hardware/guestPages.ts";
import { joinWords } from "../hardware/words.ts";
import { occurrencesOf } from "../hypervisor/cumulativeBuffer.ts";
import { isMarked } from "../hypervisor/dirtyBitmap.ts";
import { eptEntry } from "../replay/watch.ts";
import type { System } from "../system/system.ts";
import type { LogFrame, PageFrame } from "./frame.ts";
import { visitPending } from "./machineFrame.ts";

/** Pages are 4 KiB. */
const PAGE_SHIFT = 12n;
/** Rights and flags of an entry as letters: "-" where one is not set. */
function letters(format: EntryFormat, low: number, high: number): string {
  const { accessed, dirty } = format;
  const rights = rightsText(format, attributesOf(format, low, high));
  return `${rights}${(low & accessed) === 0 ? "-" : "A"}${(low & dirty) === 0 ? "-" : "D"}`;
}

/** What can be said of a page in a word, for breakpoints and for its history. */
export const PAGE_ASPECTS = ["entry", "written", "marked", "buffered"] as const;
export type PageAspect = (typeof PAGE_ASPECTS)[number];

/** @param logs what is in the logs, by vCPU */
export function pageFrame(
  system: System,
  vm: number,
  page: number,
  logs: readonly LogFrame[],
): PageFrame {
  const { world } = system;
  const state = world.vms[vm];
  if (state === undefined) throw new Error(`there is no VM ${vm}`);
  const { words } = world.memory;
  const { format } = state.ept;
  const entries = entriesOf(state.ept, page).map(({ word, level }) => {
    const [low = 0, high = 0] = [words[word], words[word + 1]];
    const flags = letters(format, low, high);
    const large =
      level > 1 && (low & format.present) !== 0 && isLeaf(format, low, level) ? " large" : "";
    return { level, entry: `0x${joinWords(low, high).toString(16)}`, flags: `${flags}${large}` };
  });
  const inLogs = state.vcpus.flatMap((vcpu) => {
    let times = 0;
    const { used = 0 } = logs[vcpu] ?? {};
    if (used > 0) {
      visitPending(system, vcpu, (logged) => {
        if (logged === page) times++;
      });
    }
    return times === 0 ? [] : [{ vcpu, times }];
  });
  const { tracked, reportedWritten, reportedTouched } = state;
  const truth = truthOf(state.guest, page);
  return {
    vm,
    page,
    gpa: `0x${(BigInt(page) << PAGE_SHIFT).toString(16)}`,
    entries,
    guest: (truth & 2) !== 0 ? "written" : truth === 0 ? "never used" : "read",
    inLogs,
    marked: isMarked(tracked.dirty, page) || isMarked(tracked.touched, page),
    buffered: occurrencesOf(tracked.buffer, page),
    reported: isMarked(reportedWritten, page) || isMarked(reportedTouched, page),
  };
}

/** An aspect of a page as a value that changes when it does. */
export function pageAspect(
  vm: number,
  page: number,
  aspect: PageAspect,
): (system: System) => string {
  // What maps the page: the tables above change with other pages, too.
  if (aspect === "entry") return eptEntry(vm, page);
  return ({ world }) => {
    const state = world.vms[vm];
    if (state === undefined) throw new Error(`there is no VM ${vm}`);
    const { guest, tracked } = state;
    switch (aspect) {
      case "written":
        return (truthOf(guest, page) & 2) === 0 ? "no" : "yes";
      case "marked":
        return `${isMarked(tracked.dirty, page)} ${isMarked(tracked.touched, page)}`;
      case "buffered":
        return String(occurrencesOf(tracked.buffer, page));
    }
  };
}
