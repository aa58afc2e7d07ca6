/** How far long work is: one line on stderr, or nothing if that is no terminal. */

import { StatusLine } from "../io/standardStreams.ts";
import type { RunProgress } from "../runs/pool.ts";

const REDRAW_MS = 200;

export class ProgressLine {
  private readonly status = new StatusLine();
  private readonly started = performance.now();
  private drawn = -Infinity;

  /**
   * @param text how far it is, for instance "1,000 accesses"
   * @param done amount done, of `total`, in any unit; total undefined if it is not known
   * @param perSecond text of a rate, given the seconds since the start
   */
  update(
    text: string,
    done: number,
    total: number | undefined,
    perSecond: (seconds: number) => string,
  ): void {
    if (!this.status.isSeen) return;
    const now = performance.now();
    if (now - this.drawn < REDRAW_MS) return;
    this.drawn = now;
    const seconds = Math.max((now - this.started) / 1000, 0.001);
    let line = `${text}, ${perSecond(seconds)}`;
    if (total !== undefined && total > 0 && done > 0) {
      const left = Math.max(0, (seconds * (total - done)) / done);
      line += `, ${Math.floor((100 * done) / total)} %, ${Math.ceil(left)} s left`;
    }
    this.status.show(line);
  }

  /** Removes the line. */
  clear(): void {
    this.status.clear();
  }
}

/** Hears how far runs are: of each kind of them. */
export type RunsHeard = (what: string, progress: RunProgress) => void;

/** Where progress is shown. It may be closed twice. */
export interface RunsShown {
  readonly heard: RunsHeard;
  /** All runs have ended: resolves when nobody looks at them any longer. */
  looked(): Promise<void>;
  close(): void;
}
