/** A share of the work, for one of several machines. */
import { UserError } from "../errors.ts";

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

const COUNT_MAX = 100_000;

/** Reads the value of --shard, such as "2/8". @throws UserError */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count && shard.count <= COUNT_MAX) return shard;
  throw new UserError(`--shard ${text}: expected a share and how many there are, such as 1/8`);
}

/**
 * Neighbours go to different shares: they take about as long as each other.
 * @param place among all of the work, from 0
 */
export function isOfShard(place: number, { index, count }: Shard): boolean {
  return place % count === index - 1;
}
