/** What a pre-copy policy is told, what it may answer, and the policies' settings. */
import type { AutoConverge } from "./autoConverge.ts";
import type { PostcopyRule } from "./postcopy.ts";

/** Bytes of a page, as every policy counts them. */
export const PAGE_BYTES = 4096;

/** libxc's stream format: a record's header and PAGE_DATA's own, and each page's number before its bytes. */
const RECORD_BYTES = 16;
const PAGE_NUMBER_BYTES = 8;

/** Bytes on the link of a batch of so many pages (xg_sr_save.c, write_batch). */
export function batchBytes(pages: number): number {
  return pages === 0 ? 0 : RECORD_BYTES + pages * (PAGE_NUMBER_BYTES + PAGE_BYTES);
}

/** QEMU's stream: a header and a page, or a header and the byte that all of the page are (save_page_header, save_zero_page). */
export const WIRE_PAGE_BYTES = 8 + PAGE_BYTES;
const WIRE_ZERO_BYTES = 8 + 1;

/** Bytes on the link of so many pages, if QEMU looks for pages that are all zero. */
export function streamBytes(pages: number, zeroPages: number): number {
  return (pages - zeroPages) * WIRE_PAGE_BYTES + zeroPages * WIRE_ZERO_BYTES;
}

/** Bytes on the link of so many pages, of which some are zero, by whether somebody looks for those. */
export function bytesOf(findsZeroPages: boolean): (pages: number, zeroPages: number) => number {
  return findsZeroPages ? streamBytes : batchBytes;
}

/** The pages among them that were zero. */
export function zeroPagesIn(pages: number, bytes: number): number {
  return Math.round((pages * WIRE_PAGE_BYTES - bytes) / (WIRE_PAGE_BYTES - WIRE_ZERO_BYTES));
}

export interface LibxcPolicy {
  readonly kind: "libxc";
  /** Seconds of implied downtime above which the migration is aborted; 0 = never. */
  readonly downtimeLimit: number;
}

/** QEMU 8.2; or its source of 2026. They differ where exactly the threshold is pending. */
export type QemuRelease = (typeof QEMU_RELEASES)[number];
export const QEMU_RELEASES = ["8.2", "2026"] as const;

export interface QemuPolicy {
  readonly kind: "qemu";
  /** Seconds. */
  readonly downtimeLimit: number;
  /** Live rounds after which the migration is given up; QEMU itself goes on for ever. */
  readonly maxRounds: number;
  readonly autoConverge: AutoConverge | null;
  /** Bytes a second while the VM runs; not there: as the link carries. */
  readonly maxBandwidth?: number;
  /** Bytes a second that the last round is reckoned with (avail-switchover-bandwidth); not there: as measured. */
  readonly switchoverBandwidth?: number;
  /** How it may go on as post-copy; not there: not at all. */
  readonly postcopy?: PostcopyRule;
  /** Whose rule of the switchover holds. */
  readonly release: QemuRelease;
}

export type Policy = LibxcPolicy | QemuPolicy;

/** QEMU looks at what is pending after so much sending (ram_save_iterate: MAX_WAIT), in seconds. */
export const SLICE_SECONDS = 0.05;

/** What a policy is told. */
export interface PrecopyStats {
  /** Live rounds completed. */
  readonly iteration: number;
  /** Pages found dirty by the last harvest; of the first round all pages; -1 = unknown. */
  readonly dirtyPages: number;
  /** Pages that wait to be sent. */
  readonly pendingPages: number;
  /** Measured, in bytes per second; 0 = not measured yet. */
  readonly bandwidth: number;
  /** Another slice of sending is over: time for QEMU to look at what is pending. */
  readonly sliceOver: boolean;
}

/** Before a round: send it, send it and then suspend the VM, suspend at once, or give up without sending. */
export type BeforeRound = "send" | "sendThenStop" | "stop" | "abort";

/** After a batch: the next one, a new round, or suspend the VM. */
export type AfterBatch = "send" | "harvest" | "stop";

/** Seconds that sending these pages would take: the downtime if the VM were suspended now; 0 if the bandwidth is unknown. */
export function impliedDowntime(pages: number, bandwidth: number): number {
  return bandwidth > 0 ? (pages * PAGE_BYTES) / bandwidth : 0;
}
