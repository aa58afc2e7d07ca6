/** A picture before it is drawn: rows, and what is made of them. */

export type DataValue = string | number;
/** What a plot shows; also written as CSV. */
export type DataRow = Readonly<Record<string, DataValue>>;

export interface Plot {
  readonly title: string;
  readonly data: readonly DataRow[];
  /** A Vega-Lite specification without its data. */
  readonly spec: Readonly<Record<string, unknown>>;
}
