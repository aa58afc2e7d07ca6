/**
 * A directed graph in layers (Sugiyama, Tagawa and Toda 1981): edges that go round a circle are turned, nodes stand on the
 * layer behind all that lead to them, edges pass the layers between as places of their own, and the order in a layer is
 * the one with the fewest crossings that sweeps of barycentres find. Labels of edges are places, too, on the layer next to
 * where the edge begins (as in Gansner et al. 1993, section 5.2).
 */
import { itemAt } from "../../lookup.ts";

export interface GraphNode {
  readonly name: string;
  /** In cells. */
  readonly width: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** In cells; 0 = it has no label. */
  readonly labelWidth: number;
}

/** Somebody's place in a layer: a node's, or of an edge on its way, or of its label. */
export interface Place {
  readonly width: number;
  /** Index of the node; -1 = it is an edge's. */
  readonly node: number;
  readonly edge: number;
  readonly isLabel: boolean;
}

/** From a place to one of the next layer, as indexes in their layers. */
export interface Link {
  readonly edge: number;
  readonly upper: number;
  readonly lower: number;
}

export interface Layering {
  /** From above; nodes stand in every second one, from the first on. */
  readonly layers: readonly (readonly Place[])[];
  /** By the layer that they begin in. */
  readonly links: readonly (readonly Link[])[];
  /** By edge: it leads upwards. */
  readonly turned: readonly boolean[];
}

/** Sweeps down and up; more hardly find fewer crossings. */
const SWEEPS = 12;

interface Ends {
  readonly from: number;
  readonly to: number;
}

export function layered(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Layering {
  const index = new Map(nodes.map(({ name }, i) => [name, i]));
  const ends = edges.map(({ from, to }): Ends => {
    return { from: index.get(from) ?? 0, to: index.get(to) ?? 0 };
  });
  const turned = turnedEdges(nodes.length, ends);
  const down = ends.map(({ from, to }, i) => (turned[i] ? { from: to, to: from } : { from, to }));
  const ranks = ranksOf(nodes.length, down);
  const made = placesOf(nodes, edges, { down, turned, ranks });
  return { ...ordered(made.layers, made.links), turned };
}

/** Edges that lead back to where a walk in depth has come from. */
function turnedEdges(nodes: number, ends: readonly Ends[]): boolean[] {
  const turned = ends.map(() => false);
  const state: ("new" | "open" | "done")[] = Array.from({ length: nodes }, () => "new");
  const visit = (node: number): void => {
    state[node] = "open";
    ends.forEach(({ from, to }, edge) => {
      if (from !== node) return;
      if (state[to] === "open") turned[edge] = true;
      else if (state[to] === "new") visit(to);
    });
    state[node] = "done";
  };
  for (let node = 0; node < nodes; node++) if (state[node] === "new") visit(node);
  return turned;
}

/** By node: the longest way to it. */
function ranksOf(nodes: number, down: readonly Ends[]): number[] {
  const ranks = Array.from({ length: nodes }, () => 0);
  for (let again = true; again; ) {
    again = false;
    for (const { from, to } of down) {
      const least = itemAt(ranks, from) + 1;
      if (itemAt(ranks, to) >= least) continue;
      ranks[to] = least;
      again = true;
    }
  }
  return ranks;
}

interface Ranked {
  readonly down: readonly Ends[];
  readonly turned: readonly boolean[];
  readonly ranks: readonly number[];
}

function placesOf(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  { down, turned, ranks }: Ranked,
): { readonly layers: Place[][]; readonly links: Link[][] } {
  const count = 2 * Math.max(0, ...ranks) + 1;
  const layers: Place[][] = Array.from({ length: count }, () => []);
  const links: Link[][] = Array.from({ length: count }, () => []);
  const put = (layer: number, place: Place): number => itemAt(layers, layer).push(place) - 1;
  const at = nodes.map(({ width }, node) =>
    put(2 * itemAt(ranks, node), { width, node, edge: -1, isLabel: false }),
  );
  down.forEach(({ from, to }, edge) => {
    const [first, last] = [2 * itemAt(ranks, from), 2 * itemAt(ranks, to)];
    const labelled = turned[edge] ? last - 1 : first + 1;
    const { labelWidth } = itemAt(edges, edge);
    let upper = itemAt(at, from);
    for (let layer = first + 1; layer <= last; layer++) {
      const isLabel = layer === labelled && labelWidth > 0;
      const place = { width: isLabel ? labelWidth : 1, node: -1, edge, isLabel };
      const lower = layer === last ? itemAt(at, to) : put(layer, place);
      itemAt(links, layer - 1).push({ edge, upper, lower });
      upper = lower;
    }
  });
  return { layers, links };
}

/** The same in the best order found. */
function ordered(
  layers: readonly Place[][],
  links: readonly Link[][],
): Pick<Layering, "layers" | "links"> {
  // By layer: the place of what was made there at a number.
  let ranks = layers.map((layer) => layer.map((_, i) => i));
  let [best, least] = [ranks, crossings(ranks, links)];
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    ranks = sweep % 2 === 0 ? sweptDown(ranks, links) : sweptUp(ranks, links);
    const now = crossings(ranks, links);
    if (now < least) [best, least] = [ranks, now];
  }
  return {
    layers: layers.map((layer, i) => {
      const sorted: Place[] = [];
      layer.forEach((place, made) => {
        sorted[itemAt(itemAt(best, i), made)] = place;
      });
      return sorted;
    }),
    links: links.map((between, i) =>
      between.map(({ edge, upper, lower }) => {
        const to = best[i + 1] ?? [];
        return { edge, upper: itemAt(itemAt(best, i), upper), lower: itemAt(to, lower) };
      }),
    ),
  };
}

function sweptDown(ranks: readonly number[][], links: readonly Link[][]): number[][] {
  const next = ranks.map((layer) => [...layer]);
  for (let layer = 1; layer < next.length; layer++) {
    const above = itemAt(next, layer - 1);
    const pull = itemAt(links, layer - 1).map(({ upper, lower }) => [lower, itemAt(above, upper)]);
    next[layer] = byBarycentre(itemAt(next, layer), pull);
  }
  return next;
}

function sweptUp(ranks: readonly number[][], links: readonly Link[][]): number[][] {
  const next = ranks.map((layer) => [...layer]);
  for (let layer = next.length - 2; layer >= 0; layer--) {
    const below = itemAt(next, layer + 1);
    const pull = itemAt(links, layer).map(({ upper, lower }) => [upper, itemAt(below, lower)]);
    next[layer] = byBarycentre(itemAt(next, layer), pull);
  }
  return next;
}

/** @param pull whom somebody's place draws, as pairs of number and place */
function byBarycentre(layer: readonly number[], pull: readonly (readonly number[])[]): number[] {
  const centres = layer.map((own, made) => {
    const places = pull.filter(([who]) => who === made).map(([, place = 0]) => place);
    return places.length === 0 ? own : places.reduce((sum, one) => sum + one, 0) / places.length;
  });
  const order = layer
    .map((own, made) => ({ own, made }))
    .sort((a, b) => itemAt(centres, a.made) - itemAt(centres, b.made) || a.own - b.own);
  const next: number[] = [];
  order.forEach(({ made }, place) => {
    next[made] = place;
  });
  return next;
}

function crossings(ranks: readonly number[][], links: readonly Link[][]): number {
  let sum = 0;
  links.forEach((between, layer) => {
    const [above = [], below = []] = [ranks[layer], ranks[layer + 1]];
    between.forEach((one, i) => {
      for (const other of between.slice(i + 1)) {
        const upper = itemAt(above, one.upper) - itemAt(above, other.upper);
        const lower = itemAt(below, one.lower) - itemAt(below, other.lower);
        if (upper * lower < 0) sum++;
      }
    });
  });
  return sum;
}
