/**
 * Accesses as logs tell them, by address and size, made into runs. An access that crosses a page boundary
 * counts as one access to each of the pages; consecutive accesses of one kind to one page become a run.
 */
import { UserError } from "../../src/errors.ts";
import { RUN_LENGTH_MAX, TRACE_PAGES_MAX } from "./format.ts";
import type { EventSink, RunSink } from "./runs.ts";

/** Kinds, as AccessKind. */
export const READ = 0;
export const WRITE = 1;
export const FETCH = 2;
export const MODIFY = 3;

/** Page numbers of one address space: 48-bit addresses, the upper half with the lower (SDM 1, 3.3.7.1). */
const SPACE_PAGES = 2 ** 36;
const HALF = SPACE_PAGES / 2;

/** Where the parsers of logs put what they read. */
export class Accesses {
  /** Accesses that crossed a page boundary. */
  splitAccesses = 0;

  private readonly sink: RunSink;
  private readonly events: EventSink;
  private delivered = 0;
  /** The address space that accesses belong to; -1: they are not wanted. */
  private space = 0;
  private several = false;
  /** A page beyond 48-bit addresses was met: another space may have its number. */
  private wide = false;
  private page = -1;
  private kind = 0;
  private length = 0;

  /** @param events takes what happens between accesses; only a machine's trace has that */
  constructor(sink: RunSink, events: EventSink = { event() {} }) {
    this.sink = sink;
    this.events = events;
  }

  /** Accesses so far, those that cross a boundary counted for each page. */
  get count(): number {
    return this.delivered + this.length;
  }

  /**
   * What follows belongs to this address space: the first, 0, keeps its page numbers, those of others go
   * to 2^36 pages of their own. @param space -1: what follows is not wanted
   */
  enter(space: number): void {
    this.space = space;
    if (space > 0) this.several = true;
  }

  /**
   * @param high bits 63:32 of the address, @param low bits 31:0, both as any 32-bit integers
   * @param size bytes, 1 or more
   * @returns false if it ends beyond 2^64: no access
   * @throws UserError if pages of several address spaces cannot be told apart
   */
  access(high: number, low: number, size: number, kind: number): boolean {
    const page = (high >>> 0) * 1048576 + (low >>> 12);
    const lastPage = page + (((low & 4095) + size - 1) >>> 12);
    if (lastPage >= TRACE_PAGES_MAX) return false;
    if (this.space < 0) return true;
    this.put(page, kind);
    if (lastPage !== page) {
      this.splitAccesses++;
      for (let next = page + 1; next <= lastPage; next++) this.put(next, kind);
    }
    return true;
  }

  /** Accesses of a log that tells pages. @param page less than 2^52 */
  pages(page: number, kind: number, count: number): void {
    if (this.space < 0) return;
    for (let left = count; left > 0; ) {
      this.put(page, kind);
      const more = Math.min(left - 1, RUN_LENGTH_MAX - this.length);
      this.length += more;
      left -= 1 + more;
    }
  }

  /** Something happens before the next access. @param type one of EventType */
  event(type: number, a: number, b: number): void {
    this.flush();
    this.page = -1;
    if (this.space >= 0) this.events.event(type, a, b);
  }

  /** Delivers the last run. */
  end(): void {
    this.flush();
  }

  private put(page: number, kind: number): void {
    const placed = this.space === 0 ? page : this.inSpace(page);
    if (placed === this.page && kind === this.kind && this.length < RUN_LENGTH_MAX) {
      this.length++;
      return;
    }
    this.flush();
    this.page = placed;
    this.kind = kind;
    this.length = 1;
    if (this.space === 0 && page >= HALF && page < TRACE_PAGES_MAX - HALF) this.wide = true;
    if (this.wide && this.several) this.refuseWide();
  }

  private inSpace(page: number): number {
    if (page >= HALF && page < TRACE_PAGES_MAX - HALF) this.refuseWide();
    return this.space * SPACE_PAGES + (page % SPACE_PAGES);
  }

  private refuseWide(): never {
    throw new UserError(
      "addresses of more than 48 bits in several processes; choose one with --process PID",
    );
  }

  private flush(): void {
    if (this.length > 0) this.sink.run(this.page, this.kind, this.length);
    this.delivered += this.length;
    this.length = 0;
  }
}
