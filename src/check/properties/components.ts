/** A graph in two arrays, and its strongly connected components (Tarjan's algorithm without recursion). */

import { wordAt } from "../../lookup.ts";

export interface Graph {
  /** By node: where its edges begin; one more entry than there are nodes. */
  readonly first: Int32Array;
  readonly targets: Int32Array;
}

/** Nodes between two looks at whether to go on. */
const PAUSE_NODES = 1 << 16;

/** The nodes of each strongly connected component; and null now and then, for who wants to do something else. */
export function* componentsOf({ first, targets }: Graph): Generator<readonly number[] | null> {
  const nodes = first.length - 1;
  /** 1 + the order of the visit; 0 = not visited. */
  const order = new Int32Array(nodes);
  const low = new Int32Array(nodes);
  const onStack = new Uint8Array(nodes);
  const next = first.slice(0, nodes);
  const open: number[] = [];
  const path: number[] = [];
  let visited = 0;
  const enter = (node: number): void => {
    order[node] = low[node] = ++visited;
    onStack[node] = 1;
    open.push(node);
    path.push(node);
  };
  let paused = 0;
  for (let root = 0; root < nodes; root++) {
    if (order[root] !== 0) continue;
    enter(root);
    if (visited - paused >= PAUSE_NODES) {
      paused = visited;
      yield null;
    }
    while (path.length > 0) {
      const node = path.at(-1)!;
      if (wordAt(next, node) < wordAt(first, node + 1)) {
        const target = wordAt(targets, wordAt(next, node));
        next[node] = wordAt(next, node) + 1;
        if (order[target] === 0) enter(target);
        else if (onStack[target] === 1)
          low[node] = Math.min(wordAt(low, node), wordAt(order, target));
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(wordAt(low, parent), wordAt(low, node));
      if (low[node] !== order[node]) continue;
      const members: number[] = [];
      let member: number;
      do {
        member = open.pop()!;
        onStack[member] = 0;
        members.push(member);
      } while (member !== node);
      yield members;
    }
  }
}

/** The part of a graph between some of its nodes, which are numbered anew in this order. */
export function subgraph({ first, targets }: Graph, nodes: readonly number[]): Graph {
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const starts: number[] = [0];
  const ends: number[] = [];
  for (const node of nodes) {
    for (let edge = wordAt(first, node); edge < wordAt(first, node + 1); edge++) {
      const target = numbers.get(wordAt(targets, edge));
      if (target !== undefined) ends.push(target);
    }
    starts.push(ends.length);
  }
  return { first: Int32Array.from(starts), targets: Int32Array.from(ends) };
}
