/** Draws ranks by Zipf's law: rank r in proportion to r^-exponent. */
import { itemAt, numberAt, present, wordAt } from "../src/lookup.ts";
import { power } from "./power.ts";
import type { Random } from "./random.ts";

/** Ranks up to this have a group of their own; above, each doubling of the rank has this many / 2. */
const SINGLE_RANKS = 128;
const TWO_32 = 2 ** 32;

/**
 * Chooses ranks in constant time. Ranks are in groups narrow enough that all members are nearly
 * equally likely. A group is chosen by its total if all were as likely as its first (an alias table:
 * Walker 1977), then a member; it is refused in proportion to what it is less likely than the first.
 */
export class ZipfSampler {
  private readonly exponent: number;
  private readonly groups: number;
  /** Of each slot: the probability that it stays, in 2^-32; the group it goes to otherwise. */
  private readonly stay: Float64Array;
  private readonly other: Int32Array;
  private readonly first: Int32Array;
  private readonly size: Int32Array;
  /** Of each group: how likely its last member is compared with its first. */
  private readonly least: Float64Array;

  constructor(ranks: number, exponent: number) {
    const starts: number[] = [];
    for (let rank = 1; rank <= ranks; ) {
      starts.push(rank);
      rank += rank < SINGLE_RANKS ? 1 : 2 ** (log2Floor(rank / SINGLE_RANKS) + 1);
    }
    const groups = starts.length;
    this.exponent = exponent;
    this.groups = groups;
    this.first = Int32Array.from(starts);
    this.size = this.first.map((start, i) => (starts[i + 1] ?? ranks + 1) - start);
    this.least = new Float64Array(groups);
    const weights = new Float64Array(groups);
    for (let i = 0; i < groups; i++) {
      const start = wordAt(this.first, i);
      const size = wordAt(this.size, i);
      weights[i] = size * power(start, -exponent);
      this.least[i] = size === 1 ? 1 : power((start + size - 1) / start, -exponent);
    }
    this.stay = new Float64Array(groups);
    this.other = new Int32Array(groups);
    fillAliasTable(weights, this.stay, this.other);
  }

  /** A rank, counted from 1. Takes two draws for the first ranks, four or more for the others. */
  draw(random: Random): number {
    const { groups, stay, other, first, size, least } = this;
    for (;;) {
      let group = (random.next() * (groups / TWO_32)) | 0;
      if (random.next() >= numberAt(stay, group)) group = wordAt(other, group);
      const start = wordAt(first, group);
      const members = wordAt(size, group);
      if (members === 1) return start;
      // Sizes are powers of two but for the last: members are as good as equally likely.
      const rank = start + ((random.next() * (members / TWO_32)) | 0);
      const test = random.next() / TWO_32;
      if (test < numberAt(least, group) || test < power(rank / start, -this.exponent)) return rank;
    }
  }
}

function log2Floor(x: number): number {
  return 31 - Math.clz32(x);
}

/** Splits each slot's probability 1 / length between itself and one other group. */
function fillAliasTable(weights: Float64Array, stay: Float64Array, other: Int32Array): void {
  const count = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = weights.map((weight) => (weight / total) * count);
  const small: number[] = [];
  const large: number[] = [];
  share.forEach((value, i) => {
    (value < 1 ? small : large).push(i);
    stay[i] = TWO_32;
    other[i] = i;
  });
  while (small.length > 0 && large.length > 0) {
    const poor = present(small.pop(), "a slot with too little");
    const rich = itemAt(large, large.length - 1);
    stay[poor] = numberAt(share, poor) * TWO_32;
    other[poor] = rich;
    share[rich] = numberAt(share, rich) - (1 - numberAt(share, poor));
    if (share[rich] < 1) {
      large.pop();
      small.push(rich);
    }
  }
}
