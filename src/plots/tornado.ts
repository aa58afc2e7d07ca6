/** Tornado plots: how far a number goes as each of several parameters goes from its least to its largest value. */
import { FILLS } from "./kinds.ts";
import type { DataRow, Plot } from "./plot.ts";

const ROW_HEIGHT = 24;
const WIDTH = 460;

export interface TornadoOptions {
  /** The column that names the parameters, in their order; and which of its ends a row is. */
  readonly names: string;
  readonly ends: { readonly field: string; readonly title: string };
  readonly value: { readonly field: string; readonly title: string };
  /** The number with all parameters as they are, where the bars begin. */
  readonly base: number;
  /** A line, if it is known. */
  readonly published: number | null;
}

/** @param data two rows for each parameter */
export function tornadoPlot(
  title: string,
  data: readonly DataRow[],
  options: TornadoOptions,
): Plot {
  const { names, value, ends, base, published } = options;
  const order = [...new Set(data.map((row) => row[names]))];
  const line = (at: number, dash: readonly number[]) => ({
    mark: { type: "rule", color: "black", strokeDash: dash },
    encoding: { x: { datum: at } },
  });
  const scale = { zero: false, nice: true };
  return {
    title,
    data,
    spec: {
      width: WIDTH,
      height: Math.max(1, order.length) * ROW_HEIGHT,
      layer: [
        {
          mark: { type: "bar", stroke: "black", strokeWidth: 0.5 },
          encoding: {
            y: { field: names, type: "nominal", sort: order, title: null },
            x: { field: value.field, type: "quantitative", title: value.title, scale },
            x2: { datum: base },
            fill: {
              field: ends.field,
              type: "nominal",
              title: ends.title,
              scale: { domain: ["least", "largest"], range: FILLS.slice(0, 2) },
            },
          },
        },
        line(base, [1, 0]),
        ...(published === null ? [] : [line(published, [4, 3])]),
      ],
    },
  };
}
