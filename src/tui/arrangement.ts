/**
 * How the panels are arranged: which places are in which column, and how large they are. Plain data and its changes;
 * layout.ts makes areas of it, borders.ts what a hand on a border does to it.
 */
import { itemAt } from "../lookup.ts";
import { COLUMNS, type PlaceName } from "./places.ts";

/** By the width of the screen: two columns, or three. Each is arranged by itself. */
export type Form = keyof typeof COLUMNS;

export interface Arrangement {
  /** From left to right, each from the top down. Every place once; no column is empty. */
  readonly columns: readonly (readonly PlaceName[])[];
  /** Parts of the width, a number for each column; null = as at the start. */
  readonly widths: readonly number[] | null;
  /** Parts of the height. They hold in a column whose places all have one; elsewhere panels are as high as they wish. */
  readonly heights: Readonly<Partial<Record<PlaceName, number>>>;
}

export type Arrangements = Readonly<Record<Form, Arrangement>>;

export const AT_START: Arrangements = {
  two: { columns: COLUMNS.two, widths: null, heights: {} },
  three: { columns: COLUMNS.three, widths: null, heights: {} },
};

/** A line between two columns, or between two panels of a column: the one behind the first of them, from 0. */
export type Border =
  | { readonly kind: "column"; readonly form: Form; readonly column: number }
  | { readonly kind: "row"; readonly form: Form; readonly column: number; readonly row: number };

/** What a mouse button that is held has hold of: a border, some cells beside where it is; or a panel. */
export type Grip =
  | { readonly kind: "border"; readonly border: Border; readonly beside: number }
  | { readonly kind: "panel"; readonly form: Form; readonly place: PlaceName };

export const DIRECTIONS = ["left", "right", "up", "down"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Whole lengths in the ratio of weights, `total` together. Each is at least `least`, or all are as long as can be. */
export function divided(total: number, weights: readonly number[], least: number): number[] {
  const floor = Math.min(least, Math.floor(total / weights.length));
  const sum = weights.reduce((all, one) => all + one, 0);
  let [weight, end] = [0, 0];
  return weights.map((one, i) => {
    weight += one;
    const begin = end;
    const last = total - floor * (weights.length - 1 - i);
    end = Math.max(begin + floor, Math.min(last, Math.round((total * weight) / sum)));
    return end - begin;
  });
}

/** Lengths with the border behind one of them moved, as far as both neighbours stay at least so long. */
export function borderMoved(
  lengths: readonly number[],
  index: number,
  by: number,
  least: number,
): number[] {
  const [before = 0, behind = 0] = [lengths[index], lengths[index + 1]];
  const back = Math.min(0, least - before);
  const on = Math.max(0, behind - least);
  const move = Math.max(back, Math.min(on, by));
  return lengths.map((one, i) => (i === index ? one + move : i === index + 1 ? one - move : one));
}

/** Two places change places; how large each part of the screen is stays. */
export function exchanged(arrangement: Arrangement, one: PlaceName, other: PlaceName): Arrangement {
  const to = (place: PlaceName): PlaceName =>
    place === one ? other : place === other ? one : place;
  return {
    ...arrangement,
    columns: arrangement.columns.map((places) => places.map(to)),
    heights: Object.fromEntries(
      heightsOf(arrangement).map(([place, height]) => [to(place), height]),
    ),
  };
}

/**
 * A place one step on: past its neighbour, or into the next column. Alone in its column it takes the column along, so that
 * none is ever empty. Null: there is nothing in that direction.
 */
export function moved(
  arrangement: Arrangement,
  place: PlaceName,
  direction: Direction,
): Arrangement | null {
  const { columns } = arrangement;
  const column = columns.findIndex((places) => places.includes(place));
  const own = columns[column] ?? [];
  const row = own.indexOf(place);
  if (direction === "up" || direction === "down") {
    const neighbour = own[row + (direction === "up" ? -1 : 1)];
    return neighbour === undefined ? null : exchanged(arrangement, place, neighbour);
  }
  const to = column + (direction === "left" ? -1 : 1);
  const there = columns[to];
  if (there === undefined) return null;
  if (own.length === 1) return columnsExchanged(arrangement, column, to);
  // Whose company changes is as high as it wishes.
  const free: readonly PlaceName[] = [...own, ...there];
  const kept = heightsOf(arrangement).filter(([name]) => !free.includes(name));
  return {
    ...arrangement,
    columns: columns.map((places, i) => {
      if (i === column) return own.toSpliced(row, 1);
      return i === to ? there.toSpliced(Math.min(row, there.length), 0, place) : places;
    }),
    heights: Object.fromEntries(kept),
  };
}

function heightsOf({ columns, heights }: Arrangement): (readonly [PlaceName, number])[] {
  return columns.flat().flatMap((place) => {
    const height = heights[place];
    return height === undefined ? [] : [[place, height] as const];
  });
}

function columnsExchanged(
  { columns, widths, heights }: Arrangement,
  one: number,
  other: number,
): Arrangement {
  const swapped = <Item>(items: readonly Item[]): Item[] =>
    items.map((item, i) =>
      i === one ? itemAt(items, other) : i === other ? itemAt(items, one) : item,
    );
  return {
    columns: swapped(columns),
    widths: widths === null ? null : swapped(widths),
    heights,
  };
}
