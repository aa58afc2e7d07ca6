/** From the shares of a work to the whole of it. */
import { UserError } from "../errors.ts";
import type { Shard } from "./shard.ts";

/** What a share says of itself, wherever it was read. */
export interface Part<Item extends { readonly index: number }> {
  readonly file: string;
  /** Version of the program that has done it. */
  readonly code: string;
  /** Of all that was asked for. */
  readonly digest: string;
  /** All else that it says of the whole; the same in all shares. */
  readonly head: unknown;
  /** Items of the whole. */
  readonly count: number;
  /** Null: it is the whole. */
  readonly shard: Shard | null;
  readonly items: readonly Item[];
}

/** How messages call the work and its items. */
export interface Words<Item> {
  /** Such as "sweep". */
  readonly work: string;
  /** Such as "point". */
  readonly item: string;
  /** Which one it is, beside its number. */
  readonly told: (item: Item) => string;
  /** What two results of one item must have in common; default: everything. */
  readonly same?: (item: Item) => unknown;
}

/** Items that a message names. */
const NAMED_MAX = 5;

/**
 * All items, in their order. Results are deterministic: an item that is in two files must be the same in both.
 * @throws UserError if they are of different works or programs, differ in an item, or leave one out
 */
export function combine<Item extends { readonly index: number }>(
  parts: readonly Part<Item>[],
  words: Words<Item>,
): Item[] {
  const [first, ...others] = parts;
  if (first === undefined) throw new UserError("expected results to merge");
  for (const other of others) refuseForeign(first, other, words);
  const { count } = first;
  const found = new Map<number, Found<Item>>();
  for (const { file, items } of parts) {
    for (const item of items) {
      if (item.index >= count) {
        throw new UserError(
          `${file}: has ${words.item} ${item.index}, of a ${words.work} of ${count} ${words.item}s`,
        );
      }
      const before = found.get(item.index);
      if (before === undefined) found.set(item.index, { item, file });
      else {
        refuseDifferent(before, { item, file }, words);
        // Where something may differ, the order of the files shall not decide which one is kept.
        if (JSON.stringify(item) < JSON.stringify(before.item))
          found.set(item.index, { item, file });
      }
    }
  }
  const all = Array.from({ length: count }, (_, index) => index);
  const missing = all.filter((index) => !found.has(index));
  if (missing.length > 0) {
    const named = missing.slice(0, NAMED_MAX).join(", ");
    const more = missing.length > NAMED_MAX ? `, and ${missing.length - NAMED_MAX} more` : "";
    throw new UserError(
      `${missing.length} of ${count} ${words.item}s are missing: ${named}${more}${sharesMissing(parts)}`,
    );
  }
  return all.flatMap((index) => found.get(index)?.item ?? []);
}

function refuseForeign<Item extends { readonly index: number }>(
  one: Part<Item>,
  other: Part<Item>,
  { work }: Words<Item>,
): void {
  const where = `${one.file} and ${other.file}`;
  if (one.digest !== other.digest) throw new UserError(`${where} are of different ${work}s`);
  if (one.code !== other.code) {
    throw new UserError(`${where} were made by different versions of the program`);
  }
  // The same digest: else somebody has changed what a file says of itself.
  if (one.count !== other.count || JSON.stringify(one.head) !== JSON.stringify(other.head)) {
    throw new UserError(`${where} say different things of one ${work}; one of them is damaged`);
  }
}

interface Found<Item> {
  readonly item: Item;
  readonly file: string;
}

function refuseDifferent<Item extends { readonly index: number }>(
  one: Found<Item>,
  other: Found<Item>,
  { item, told, same = (whole) => whole }: Words<Item>,
): void {
  if (JSON.stringify(same(one.item)) === JSON.stringify(same(other.item))) return;
  throw new UserError(
    `${one.file} and ${other.file} differ in ${item} ${one.item.index} (${told(one.item)}); a run has one result, so one of them is damaged`,
  );
}

/** Which shares are not there, if all that are there are of one split. */
function sharesMissing(parts: readonly { readonly shard: Shard | null }[]): string {
  const shards = parts.map(({ shard }) => shard);
  const [first] = shards;
  if (first === undefined || first === null) return "";
  const { count } = first;
  if (shards.some((shard) => shard === null || shard.count !== count)) return "";
  const there = new Set(shards.map((shard) => shard?.index));
  const missing = Array.from({ length: count }, (_, n) => n + 1).filter((n) => !there.has(n));
  if (missing.length === 0) return "";
  const named = missing
    .slice(0, NAMED_MAX)
    .map((n) => `${n}/${count}`)
    .join(", ");
  return ` (no file of --shard ${named}${missing.length > NAMED_MAX ? " and others" : ""})`;
}
