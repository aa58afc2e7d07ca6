/** Where what stands in layers gets its column: near what it is joined to, in order, and without touching. */
import { itemAt } from "../../lookup.ts";
import type { Layering, Link, Place } from "./layering.ts";

/** Cells between two places of a layer. */
const GAP = 2;
const SWEEPS = 16;
/** How much more an edge wants to go straight on than a node wants to stand in the middle. */
const STRAIGHT = 8;

/** Of a place, the column that its edges are joined to. */
export function joinOf({ width, node }: Place, left: number): number {
  return node < 0 ? left : left + Math.floor(width / 2);
}

/** By layer and place: its first column. The least is 0. */
export function columnsOf({ layers, links }: Pick<Layering, "layers" | "links">): number[][] {
  const lefts = layers.map((layer) => {
    let next = 0;
    return layer.map(({ width }) => {
      const left = next;
      next += width + GAP;
      return left;
    });
  });
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const order = layers.map((_, i) => (sweep % 2 === 0 ? i : layers.length - 1 - i));
    for (const at of order) lefts[at] = settled(at, layers, links, lefts);
  }
  for (let again = true, left = layers.length; again && left > 0; left--) {
    again = straightened(layers, links, lefts);
  }
  const least = Math.min(...lefts.flat());
  return lefts.map((layer) => layer.map((left) => left - least));
}

/** Moves edges on their way into the column that they come from, where that is free; whether any was moved. */
function straightened(
  layers: Layering["layers"],
  links: Layering["links"],
  lefts: readonly number[][],
): boolean {
  let moved = false;
  const follow = (at: number, i: number, column: number): void => {
    const [layer, own] = [itemAt(layers, at), itemAt(lefts, at)];
    const { width } = itemAt(layer, i);
    const before = i === 0 ? -Infinity : itemAt(own, i - 1) + itemAt(layer, i - 1).width + GAP;
    const after = i === layer.length - 1 ? Infinity : itemAt(own, i + 1) - GAP - width;
    if (column < before || column > after || own[i] === column) return;
    own[i] = column;
    moved = true;
  };
  const isPassing = (at: number, i: number): boolean => itemAt(itemAt(layers, at), i).node < 0;
  links.forEach((between, at) => {
    for (const { upper, lower } of between) {
      if (!isPassing(at, upper) || !isPassing(at + 1, lower)) continue;
      follow(at + 1, lower, itemAt(itemAt(lefts, at), upper));
    }
  });
  return moved;
}

/** Of one layer, with the others where they are. */
function settled(
  at: number,
  layers: Layering["layers"],
  links: Layering["links"],
  lefts: readonly number[][],
): number[] {
  const layer = itemAt(layers, at);
  const wishes = layer.map((place, i) => wishOf({ place, i, at }, layers, links, lefts));
  const offsets: number[] = [];
  let offset = 0;
  for (const { width } of layer) {
    offsets.push(offset);
    offset += width + GAP;
  }
  const free = wishes.map(({ left, weight }, i) => ({ value: left - itemAt(offsets, i), weight }));
  return ascending(free).map((value, i) => Math.round(value) + itemAt(offsets, i));
}

interface Standing {
  readonly place: Place;
  readonly i: number;
  readonly at: number;
}

/** Where it would stand alone, and how much it cares. */
function wishOf(
  { place, i, at }: Standing,
  layers: Layering["layers"],
  links: Layering["links"],
  lefts: readonly number[][],
): { readonly left: number; readonly weight: number } {
  const [along, ends]: [number[], number[]] = [[], []];
  const note = (layer: number, other: (link: Link) => number): void => {
    const [places, columns] = [layers[layer], lefts[layer]];
    if (places === undefined || columns === undefined) return;
    const between = itemAt(links, Math.min(layer, at));
    const mine = between.filter((link) => (layer < at ? link.lower : link.upper) === i);
    for (const link of mine) {
      const to = itemAt(places, other(link));
      const column = joinOf(to, itemAt(columns, other(link)));
      (to.node < 0 ? along : ends).push(column);
    }
  };
  note(at - 1, ({ upper }) => upper);
  note(at + 1, ({ lower }) => lower);
  const own = itemAt(itemAt(lefts, at), i);
  // An edge on its way goes straight on; at its ends a box has room to meet it.
  const joins = place.node < 0 && along.length > 0 ? along : [...along, ...ends];
  if (joins.length === 0) return { left: own, weight: 1 };
  const middle = joins.reduce((sum, one) => sum + one, 0) / joins.length;
  return { left: middle - joinOf(place, 0), weight: place.node < 0 ? STRAIGHT : 1 };
}

/**
 * The ascending sequence next to these values, by least squares: neighbours that would be out of order are pooled
 * (the pool-adjacent-violators algorithm).
 */
export function ascending(
  values: readonly { readonly value: number; readonly weight: number }[],
): number[] {
  const pools: { value: number; weight: number; count: number }[] = [];
  for (const { value, weight } of values) {
    let pool = { value, weight, count: 1 };
    for (let last = pools.at(-1); last !== undefined && last.value > pool.value; ) {
      const sum = last.weight + pool.weight;
      const mean = (last.value * last.weight + pool.value * pool.weight) / sum;
      pool = { value: mean, weight: sum, count: last.count + pool.count };
      pools.pop();
      last = pools.at(-1);
    }
    pools.push(pool);
  }
  return pools.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
}
