/**
 * Whose each word of memory is: a memory slot's, an actor's (MemoryPart.madeBy), or nobody's, if its part says that it is a
 * statistic or a setting. Every word of every part has exactly one owner: another is an error when the model is
 * built. With it a step is held to what it declares (stepAudit.ts).
 */
import type { MemoryPart } from "../../hardware/normalForm.ts";
import { elementAt, type PartWords, restorePart, savePart } from "../../hardware/part.ts";
import { fieldOf } from "../../lookup.ts";
import { MemoryOutside } from "./memoryOutside.ts";
import { type Domain, FIXED, type Row, type Span, STATISTICS } from "./memoryOwners.ts";

/** Words in an array that is empty, for a trial. */
const TRIAL = 1 << 10;
/** What says how long others are stands in few words. */
const SCALARS = 1 << 10;

export class MemoryMap {
  readonly #rows: readonly Row[];
  readonly #outside = new Map<string, MemoryOutside>();

  /**
   * @param parts all memory that there is
   * @throws if a word has no owner, or two
   */
  constructor(parts: readonly MemoryPart[], domains: readonly Domain[]) {
    this.#rows = parts.flatMap((part) =>
      Object.keys(part.arrays()).map((array) => rowOf(part, array, domains)),
    );
  }

  /** All memory but that of these owners. */
  outside(owners: readonly string[]): MemoryOutside {
    const key = owners.join();
    const known = this.#outside.get(key);
    if (known !== undefined) return known;
    const made = new MemoryOutside(this.#rows, new Set(owners));
    this.#outside.set(key, made);
    return made;
  }
}

function rowOf(part: MemoryPart, array: string, domains: readonly Domain[]): Row {
  const all = spansOf(part, array, domains);
  const spanAt = (at: number) => all.find(({ from, end }) => at >= from && at < end);
  const nameOf = (at: number, changed: number): string =>
    spanAt(at)?.nameOf?.(at, changed) ??
    part.nameOf?.(array, at) ??
    `word ${at} of "${array}" of ${part.name}`;
  for (const [i, { owner, end }] of all.entries()) {
    const next = all[i + 1];
    if (next === undefined || end <= next.from) continue;
    const word = nameOf(next.from, 0);
    throw new Error(`${word} belongs to ${owner} and to ${next.owner}: a word has one owner`);
  }
  const { length } = fieldOf(part.arrays(), array);
  for (let at = 0; at < length; at++) {
    if (spanAt(at) !== undefined) continue;
    throw new Error(`${nameOf(at, 0)} is in no slot of the model: its part says what it is`);
  }
  return { part, array, spans: all, lengths: lengthWords(part, array), nameOf };
}

/** Of an array: what slots have of it, what its maker has, and between them what it says of itself. */
function spansOf(part: MemoryPart, array: string, domains: readonly Domain[]): readonly Span[] {
  const taken = domains.flatMap(({ name, extents }) =>
    extents.flatMap((extent): Span[] => {
      const { from = 0, end = Number.POSITIVE_INFINITY, nameOf } = extent;
      if (extent.part !== part || extent.array !== array) return [];
      return [{ owner: name, from, end, ...(nameOf === undefined ? {} : { nameOf }) }];
    }),
  );
  if (part.madeBy !== undefined) {
    taken.push({ owner: part.madeBy, from: 0, end: Number.POSITIVE_INFINITY });
  }
  const statistics = restOf(part.statistics, array, STATISTICS);
  const settings = restOf(part.settings, array, FIXED);
  return [...statistics, ...settings].reduce(
    withRest,
    taken.sort((a, b) => a.from - b.from),
  );
}

function restOf(words: readonly PartWords[] | undefined, array: string, owner: string): Span[] {
  return (words ?? []).flatMap((one): Span[] => {
    const of = typeof one === "string" ? { array: one, from: 0 } : one;
    return of.array === array ? [{ owner, from: of.from, end: Number.POSITIVE_INFINITY }] : [];
  });
}

/** The spans, and between them what is left to another. */
function withRest(spans: readonly Span[], rest: Span): Span[] {
  const all: Span[] = [];
  let at = rest.from;
  for (const span of spans) {
    if (span.from > at) all.push({ ...rest, from: at, end: span.from });
    all.push(span);
    at = Math.max(at, span.end);
  }
  if (at < rest.end) all.push({ ...rest, from: at });
  return all;
}

/** Found by trial, with something in arrays that are empty: with another value there, an array has another length. */
function lengthWords(part: MemoryPart, array: string): ReadonlySet<number> {
  const found = new Set<number>();
  if (part.resize === undefined || part.put !== undefined) return found;
  const saved = savePart(part);
  const sizes = Object.entries(saved.arrays).map(([name, { length }]) => [name, length || TRIAL]);
  part.resize(Object.fromEntries(sizes));
  const lengths = (): string =>
    Object.values(part.arrays())
      .map(({ length }) => length)
      .join();
  const before = lengths();
  const words = fieldOf(part.arrays(), array);
  for (let at = 0; at < Math.min(words.length, SCALARS); at++) {
    const value = elementAt(words, at);
    for (const other of [value + 1, 0]) {
      words[at] = other;
      if (lengths() !== before) found.add(at);
    }
    words[at] = value;
  }
  restorePart(part, saved);
  return found;
}
