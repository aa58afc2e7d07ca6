/** A picture before it is drawn: rows, and what is made of them. */

export type DataValue = string | number;
/** What a plot shows; also written as CSV. */
export type DataRow = Readonly<Record<string, DataValue>>;

/** Of a plot that says no other, in pixels. */
export const PLOT_WIDTH = 560;
export const PLOT_HEIGHT = 260;

type Channel = Readonly<Record<string, unknown>>;

/** A Vega-Lite specification of one mark, without its data. */
export interface UnitSpec {
  readonly width?: number;
  readonly height?: number;
  readonly mark: Channel;
  readonly encoding: Readonly<Record<string, Channel>>;
  readonly resolve?: Channel;
}

/** What a plot shows of each mark: the column, and its axis. */
export interface Measured {
  readonly channel: "x" | "y";
  readonly field: string;
  readonly spec: UnitSpec;
}

export interface Plot {
  readonly title: string;
  readonly data: readonly DataRow[];
  /** A Vega-Lite specification without its data. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Absent: its marks have no intervals (plots/intervals.ts). */
  readonly measured?: Measured;
}
