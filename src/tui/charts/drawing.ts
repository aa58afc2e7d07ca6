/**
 * A layered graph in cells: boxes of three rows, labels of one, and between two layers as many rows as the edges need that
 * change their column there. An edge runs straight down, or once along a row that no other one shares where they would meet.
 */
import { itemAt } from "../../lookup.ts";
import { ascending, columnsOf, joinOf } from "./columns.ts";
import type { Layering, Place } from "./layering.ts";

/** Ways out of a cell. */
export const Way = { up: 1, right: 2, down: 4, left: 8 } as const;
const THROUGH = Way.up | Way.down;
const ALONG = Way.left | Way.right;

export interface Stroke {
  readonly column: number;
  readonly row: number;
  /** Sum of ways. */
  readonly ways: number;
}

export interface Box {
  readonly node: number;
  readonly column: number;
  readonly row: number;
  readonly width: number;
}

export interface Path {
  readonly edge: number;
  readonly strokes: readonly Stroke[];
  /** In the border of the box that it leads to. */
  readonly head: { readonly column: number; readonly row: number; readonly isUp: boolean };
  /** Where its label begins; null: it has none. */
  readonly label: { readonly column: number; readonly row: number } | null;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly paths: readonly Path[];
}

const BOX_ROWS = 3;
/** Between the line of an edge and its label. */
export const LABEL_INSET = 2;

/** Of a link between two layers, the columns where it leaves the one and reaches the other. */
export interface Segment {
  readonly edge: number;
  readonly top: number;
  readonly bottom: number;
}

/** Cells that a box needs for so many edges at one side. */
export function leastWidth(edges: number): number {
  return 2 * edges + 1;
}

export function drawn(layering: Layering): Drawing {
  const { layers } = layering;
  const lefts = columnsOf(layering);
  const segments = segmentsOf(layering, lefts);
  const tracks = segments.map(tracksOf);
  const rows: number[] = [];
  let row = 0;
  layers.forEach((_, layer) => {
    rows.push(row);
    row += heightOf(layer) + 1 + Math.max(-1, ...(tracks[layer] ?? []));
  });
  const plan: Plan = { layering, lefts, segments, tracks, rows };
  const boxes = layers.flatMap((layer, at) =>
    layer.flatMap(({ node, width }, i): Box[] => {
      const column = itemAt(itemAt(lefts, at), i);
      return node < 0 ? [] : [{ node, column, row: itemAt(rows, at), width }];
    }),
  );
  const widths = layers.flatMap((layer, at) =>
    layer.map(({ width }, i) => itemAt(itemAt(lefts, at), i) + width),
  );
  const paths = layering.turned.map((_, edge) => pathOf(edge, plan));
  const height = itemAt(rows, rows.length - 1) + heightOf(layers.length - 1);
  return { width: Math.max(0, ...widths), height, boxes, paths };
}

interface Plan {
  readonly layering: Layering;
  readonly lefts: readonly (readonly number[])[];
  readonly segments: readonly (readonly Segment[])[];
  readonly tracks: readonly (readonly number[])[];
  readonly rows: readonly number[];
}

/** Boxes and labels take turns. */
function heightOf(layer: number): number {
  return layer % 2 === 0 ? BOX_ROWS : 1;
}

/** By layer and link: where the edges of a box leave it follows from where they go. */
function segmentsOf({ layers, links }: Layering, lefts: readonly (readonly number[])[]) {
  return links.map((between, at): Segment[] => {
    const columns = (layer: number, end: "upper" | "lower"): number[] => {
      const [places, left] = [layers[layer] ?? [], lefts[layer] ?? []];
      const [others, otherLeft] =
        end === "upper"
          ? [layers[layer + 1] ?? [], lefts[layer + 1] ?? []]
          : [layers[layer - 1] ?? [], lefts[layer - 1] ?? []];
      const own = between.map((link) => joinOf(itemAt(places, link[end]), itemAt(left, link[end])));
      places.forEach((place, i) => {
        if (place.node < 0) return;
        const mine = between.flatMap((link, number) => {
          const other = end === "upper" ? link.lower : link.upper;
          const wish = joinOf(itemAt(others, other), itemAt(otherLeft, other));
          return link[end] === i ? [{ number, wish }] : [];
        });
        for (const { number, column } of ports(place, itemAt(left, i), mine)) own[number] = column;
      });
      return own;
    };
    const [tops, bottoms] = [columns(at, "upper"), columns(at + 1, "lower")];
    return between.map(({ edge }, i) => {
      return { edge, top: itemAt(tops, i), bottom: itemAt(bottoms, i) };
    });
  });
}

/** Columns of a box's border, every second one at most, next to where the edges come from. */
function ports(
  { width }: Place,
  left: number,
  edges: readonly { readonly number: number; readonly wish: number }[],
): { readonly number: number; readonly column: number }[] {
  const sorted = edges.toSorted((a, b) => a.wish - b.wish);
  const first = left + 1;
  const last = left + width - 2 - 2 * (sorted.length - 1);
  const free = ascending(sorted.map(({ wish }, i) => ({ value: wish - 2 * i, weight: 1 })));
  return sorted.map(({ number }, i) => {
    const column = Math.max(first, Math.min(last, Math.round(itemAt(free, i)))) + 2 * i;
    return { number, column };
  });
}

/**
 * The row of each segment between two layers, from 0; -1 = it is straight and needs none. Where one goes up in the column
 * in which another goes down, the latter has the higher row.
 */
export function tracksOf(segments: readonly Segment[]): number[] {
  const tracks = segments.map(() => -1);
  const bent = segments
    .map((segment, i) => ({ ...segment, i }))
    .filter(({ top, bottom }) => top !== bottom)
    // Those that leave a box side by side do not cross if the outermost turns first.
    .sort((a, b) => {
      const [right, other] = [a.bottom > a.top, b.bottom > b.top];
      if (right !== other) return right ? 1 : -1;
      return right ? b.top - a.top : a.top - b.top;
    });
  const waiting = [...bent];
  while (waiting.length > 0) {
    const isFree = (one: Segment): boolean =>
      !waiting.some((other) => other.edge !== one.edge && other.top === one.bottom);
    const free = waiting.findIndex(isFree);
    const [next] = waiting.splice(Math.max(0, free), 1);
    if (next === undefined) break;
    const [from, to] = spanOf(next);
    let track = 0;
    bent.forEach((other) => {
      const taken = itemAt(tracks, other.i);
      if (taken < 0) return;
      const [start, end] = spanOf(other);
      if (other.top === next.bottom) track = Math.max(track, taken + 1);
      else if (start <= to && end >= from) track = Math.max(track, taken + 1);
    });
    tracks[next.i] = track;
  }
  return tracks;
}

function spanOf({ top, bottom }: Segment): readonly [number, number] {
  return [Math.min(top, bottom), Math.max(top, bottom)];
}

function pathOf(edge: number, { layering, lefts, segments, tracks, rows }: Plan): Path {
  const { layers, turned } = layering;
  const strokes: Stroke[] = [];
  let label: Path["label"] = null;
  const ends: { readonly column: number; readonly row: number }[] = [];
  segments.forEach((between, at) => {
    const number = between.findIndex((one) => one.edge === edge);
    const segment = between[number];
    if (segment === undefined) return;
    const from = itemAt(rows, at) + heightOf(at);
    const to = itemAt(rows, at + 1);
    if (ends.length === 0) ends.push({ column: segment.top, row: from - 1 });
    strokes.push(...bend(segment, from, to, itemAt(itemAt(tracks, at), number)));
    const below = (layers[at + 1] ?? []).findIndex((place) => place.edge === edge);
    const place = layers[at + 1]?.[below];
    if (place === undefined) ends.push({ column: segment.bottom, row: to });
    else {
      const column = itemAt(itemAt(lefts, at + 1), below);
      for (let row = 0; row < heightOf(at + 1); row++) {
        strokes.push({ column, row: to + row, ways: THROUGH });
      }
      if (place.isLabel) label = { column: column + LABEL_INSET, row: to };
    }
  });
  const isUp = turned[edge] === true;
  const [upper, lower] = [itemAt(ends, 0), itemAt(ends, 1)];
  const tail = isUp ? { ...lower, ways: ALONG | Way.up } : { ...upper, ways: ALONG | Way.down };
  return { edge, strokes: [tail, ...strokes], head: { ...(isUp ? upper : lower), isUp }, label };
}

/** Rows between two layers: from the first to the one before the last. */
function bend({ top, bottom }: Segment, from: number, to: number, track: number): Stroke[] {
  const strokes: Stroke[] = [];
  const turn = track < 0 ? to : from + track;
  for (let row = from; row < turn; row++) strokes.push({ column: top, row, ways: THROUGH });
  if (turn === to) return strokes;
  const isRight = bottom > top;
  strokes.push({ column: top, row: turn, ways: Way.up | (isRight ? Way.right : Way.left) });
  for (let column = Math.min(top, bottom) + 1; column < Math.max(top, bottom); column++) {
    strokes.push({ column, row: turn, ways: ALONG });
  }
  strokes.push({ column: bottom, row: turn, ways: Way.down | (isRight ? Way.left : Way.right) });
  for (let row = turn + 1; row < to; row++) strokes.push({ column: bottom, row, ways: THROUGH });
  return strokes;
}
