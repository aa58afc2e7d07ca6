/**
 * What the emulator has measured of a kind of guests, and how it is read. Each curve names the run, or the runs,
 * behind it by their keys in the store. Times in cycles, memory in pages of 4 KiB.
 */

/** Points with growing x, and the runs that they are from, in order. */
export interface Curve {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly runs: readonly string[];
}

/** The working set at the ends of its windows. */
export interface WorkingSet {
  /** Pages touched in each window, exactly. */
  readonly truth: Float64Array;
  /** Accesses a second without tracking. */
  readonly pace: number;
  readonly run: string;
}

/** What an estimator made of the same windows, and what it cost. */
export interface Estimates {
  /** Pages, at the end of each window of the working set; NaN before the first estimate. */
  readonly pages: Float64Array;
  /** Accesses a second, as a part of those without tracking. */
  readonly speed: number;
  /** What it takes of the pVM's CPUs, in parts of one. */
  readonly pvmShare: number;
  readonly run: string;
}

/** Pages that a technique finds written, by the time between two harvests, and how right it was. */
export interface Dirty {
  readonly pages: Curve;
  /** Of all harvests: pages reported, those of them that nobody had touched, and those that were lost. */
  readonly reported: number;
  readonly overReported: number;
  readonly missed: number;
}

/** What a migration takes beside sending. */
export interface MigrationCosts {
  /** Pages of the first round. */
  readonly mapped: number;
  /** From its begin until tracking is armed. */
  readonly setup: number;
  /** Of a harvest, the VM paused: this, and so much for each page. */
  readonly harvest: number;
  readonly harvestPage: number;
  /** Cycles of the pVM, for the whole migration. */
  readonly pvmCycles: number;
  readonly run: string;
}

/** One guest of a kind: what runs with one seed have shown. */
export interface GuestCurves {
  readonly seed: number;
  /** Memory that it has. */
  readonly memory: number;
  readonly workingSet: WorkingSet;
  /** By tracker. */
  readonly estimates: Readonly<Record<string, Estimates>>;
  /** By technique. */
  readonly dirty: Readonly<Record<string, Dirty>>;
  readonly migration: Readonly<Record<string, MigrationCosts>>;
  /** Accesses a second by the memory that it is left, as a part of those with enough. */
  readonly throughput: Curve;
}

export interface KindCurves {
  readonly name: string;
  /** One for each seed. */
  readonly guests: readonly GuestCurves[];
}

/** A curve between its points, on straight lines; at its ends, as at the nearest point. */
export function valueAt({ x, y }: Curve, at: number): number {
  return between(x, y, at, (value) => value);
}

/**
 * A curve that is one of powers, such as pages over time: straight where both axes are logarithmic. Before its first
 * point it goes straight on as between the first two; beyond the last it stays, which is too little: see isBeyond.
 */
export function powerAt({ x, y }: Curve, at: number): number {
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [x[0], x[1], y[0], y[1]];
  if (at >= x0) return between(x, y, at, Math.log);
  const slope = x.length < 2 ? y0 / x0 : (y1 - y0) / (x1 - x0);
  return Math.max(0, y0 - slope * (x0 - at));
}

/** Whether a curve was not measured so far. */
export function isBeyond({ x }: Curve, at: number): boolean {
  return at > (x[x.length - 1] ?? 0);
}

/** Whether a curve was measured from a larger value on. */
export function isBelow({ x }: Curve, at: number): boolean {
  return at < (x[0] ?? 0);
}

function between(
  x: Float64Array,
  y: Float64Array,
  at: number,
  scale: (value: number) => number,
): number {
  const last = x.length - 1;
  let n = 0;
  while (n < last && (x[n + 1] ?? 0) <= at) n++;
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [x[n], x[n + 1], y[n], y[n + 1]];
  if (n === last || at <= x0) return y0;
  const isPower = scale === Math.log && y0 > 0 && y1 > 0;
  const part = isPower ? (scale(at) - scale(x0)) / (scale(x1) - scale(x0)) : (at - x0) / (x1 - x0);
  return isPower ? y0 * (y1 / y0) ** part : y0 + part * (y1 - y0);
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < values.length; n++) sum += values[n] ?? 0;
  return sum / values.length;
}
