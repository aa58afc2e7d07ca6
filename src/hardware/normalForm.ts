/**
 * Memory as states that can be compared, and given other numbers for what is alike. Each part says beside itself which
 * of its words are state (others nothing reads before they are written), which pages and vCPUs they name, and what
 * they are called. Asked by who explores all states (src/check); no run needs it.
 */
import { fieldOf, itemAt } from "../lookup.ts";
import type { Part, PartWords, WordArray } from "./part.ts";

/** Named lists of words: equal for states that make no difference. */
export type Words = Readonly<Record<string, readonly number[]>>;

/** A part, or what can be read and put back like one. */
export interface MemoryPart extends Part {
  /** The actor from whose state it is made anew before each of its steps: nobody else writes or reads it. */
  readonly madeBy?: string;
  /** What the field calls a word of one of its arrays. */
  nameOf?(array: string, at: number): string;
}

/** Words of one array of a part. */
export interface Extent {
  readonly part: MemoryPart;
  readonly array: string;
  /** Default: from the first on, as many as there are or come to be. */
  readonly from?: number;
  readonly end?: number;
  /** What the field calls a word. @param changed bits of it that are spoken of */
  readonly nameOf?: NameOf;
}
export type NameOf = (at: number, changed: number) => string;

/** The number that each gets; whoever is not exchanged keeps its own. */
export interface Renumbering {
  /** Whether some page gets another number. */
  readonly movesPages: boolean;
  page(vm: number, page: number): number;
  vcpu(vcpu: number): number;
  pcpu(pcpu: number): number;
}

export interface NormalForm {
  /** The words that it stands for. */
  readonly extents: readonly Extent[];
  /** The lists that it may have. */
  readonly lists: readonly string[];
  save(): Words;
  restore(words: Words): void;
  /**
   * Puts other values where a value says nothing, and nothing may look: the same must be saved again. For the check
   * that nothing does look (src/check/audit/stepAudit.ts).
   */
  scramble(): void;
  /**
   * What it holds when pages and vCPUs have other numbers: of a vCPU's memory, what that of the vCPU which it becomes
   * holds then.
   */
  renumber(words: Words, to: Renumbering): Words;
}

/**
 * Renumbers what goes by the numbers of pages, such as the order in which they are sent, and names no vCPU.
 * @throws Error if pages get other numbers
 */
export function whilePagesStay(words: Words, { movesPages }: Renumbering): Words {
  if (movesPages) throw new Error("it goes by the numbers of pages, which are not alike");
  return words;
}

/** Put where a value says nothing. */
export const SCRAMBLED = 5;

/** Several together. They are restored in this order. @throws if two have a list of the same name: one would hide the other */
export function joined(forms: readonly NormalForm[]): NormalForm {
  const lists = forms.flatMap((form) => form.lists);
  const twice = lists.find((list, at) => lists.indexOf(list) !== at);
  if (twice !== undefined) throw new Error(`two forms have a list "${twice}"`);
  const merged = (words: readonly Words[]): Words => Object.assign({}, ...words);
  return {
    extents: forms.flatMap(({ extents }) => extents),
    lists,
    save: () => merged(forms.map((form) => form.save())),
    restore(words) {
      for (const form of forms) form.restore(words);
    },
    scramble() {
      for (const form of forms) form.scramble();
    },
    // One that leaves all as it is gives back what it got, the lists of the others among it.
    renumber: (words, to) =>
      merged(forms.map((form) => onlyOf(form.lists, form.renumber(words, to)))),
  };
}

function onlyOf(lists: readonly string[], words: Words): Words {
  return Object.fromEntries(Object.entries(words).filter(([list]) => lists.includes(list)));
}

/** All words of some parts as they are. */
export function wholeOf(parts: readonly MemoryPart[]): Extent[] {
  return parts.flatMap((part) => Object.keys(part.arrays()).map((array) => ({ part, array })));
}

/**
 * Parts as they are: what of them is neither a statistic nor a setting. Of their arrays each says whether it names
 * nothing (Part.plain), or goes by the numbers of pages (Part.byPageNumber).
 */
export function asTheyAre(parts: readonly MemoryPart[]): NormalForm {
  const arrays = parts.flatMap((part) => {
    const others = [...(part.statistics ?? []), ...(part.settings ?? [])].map(arrayOf);
    return Object.keys(part.arrays())
      .filter((array) => !others.includes(array))
      .map((array) => ({ part, array, list: `${part.name}.${array}` }));
  });
  const ofPart = (part: MemoryPart) => arrays.filter((one) => one.part === part);
  return {
    extents: arrays,
    lists: arrays.map(({ list }) => list),
    save: () =>
      Object.fromEntries(
        arrays.map(({ part, array, list }) => [list, Array.from(fieldOf(part.arrays(), array))]),
      ),
    restore(lists) {
      for (const part of parts) {
        const own = ofPart(part).map(({ array, list }) => [array, fieldOf(lists, list)] as const);
        part.resize?.(Object.fromEntries(own.map(([array, { length }]) => [array, length])));
        if (part.put !== undefined) part.put(putBack(part, own));
        else for (const [array, words] of own) fieldOf(part.arrays(), array).set(words);
      }
    },
    scramble() {},
    renumber(lists, to) {
      const others = arrays.filter(({ part, array }) => part.plain?.includes(array) !== true);
      const unknown = others.find(({ part, array }) => part.byPageNumber?.includes(array) !== true);
      if (unknown !== undefined) throw new Error(`what "${unknown.list}" holds is not known`);
      return others.length === 0 ? lists : whilePagesStay(lists, to);
    },
  };
}

/** Words as a part's own arrays would hold them. */
function putBack(
  part: MemoryPart,
  own: readonly (readonly [array: string, words: readonly number[]])[],
): Readonly<Record<string, WordArray>> {
  const arrays = part.arrays();
  const entries = own.map(([array, words]) => {
    const isWhole = fieldOf(arrays, array) instanceof Int32Array;
    return [array, isWhole ? Int32Array.from(words) : Float64Array.from(words)] as const;
  });
  return Object.fromEntries(entries);
}

function arrayOf(words: PartWords): string {
  return typeof words === "string" ? words : words.array;
}

/** In place of a version of a page's contents: there is no such copy. */
export const NO_COPY = -1;
/** Above every version that a restored copy gets, so that a write makes a page unlike all its copies. */
const NOW = 16;

/** One copy of each of a VM's pages, as versions of their contents. */
export interface PageCopies {
  read(): ArrayLike<number>;
  write(versions: Int32Array): void;
}

/**
 * Contents that are only ever copied and compared: what matters of a page is which of its copies are alike.
 * @param list that holds it. @param copies the first is the page itself. @param extents words of all of them
 */
export function copiesForm(
  list: string,
  vm: number,
  copies: readonly PageCopies[],
  extents: readonly Extent[],
): NormalForm {
  return {
    extents,
    lists: [list],
    save() {
      const all = copies.map((copy) => copy.read());
      const ofPage = (page: number): number[] => {
        const versions = all.map((copy) => copy[page] ?? NO_COPY);
        // Each as the number of the first that is alike.
        return versions.map((one) => (one === NO_COPY ? NO_COPY : versions.indexOf(one)));
      };
      return { [list]: Array.from(itemAt(all, 0), (_, page) => ofPage(page)).flat() };
    },
    restore(words) {
      const labels = fieldOf(words, list);
      const versionOf = (label: number): number => (label === NO_COPY ? NO_COPY : NOW - label);
      copies.forEach((copy, at) => {
        const own = labels.filter((_, i) => i % copies.length === at);
        copy.write(Int32Array.from(own, versionOf));
      });
    },
    scramble() {},
    renumber: (words, { page }) => ({
      [list]: renumberedList(fieldOf(words, list), (one) => page(vm, one), copies.length),
    }),
  };
}

/** A list with so many entries for each page, or for each vCPU; an empty one stays empty. */
export function renumberedList<T>(list: readonly T[], to: (i: number) => number, each = 1): T[] {
  const renumbered = [...list];
  list.forEach((value, at) => {
    const position = Math.floor(at / each);
    renumbered[to(position) * each + (at % each)] = value;
  });
  return renumbered;
}

const WORD_BITS = 32;

/** Words with so many bits for each of the pages. */
export function renumberedBits(
  words: readonly number[],
  bits: 1 | 2,
  pages: number,
  to: (page: number) => number,
): number[] {
  const renumbered = words.map(() => 0);
  if (words.length === 0) return renumbered;
  for (let page = 0; page < pages; page++) {
    const at = page * bits;
    const value =
      (itemAt(words, Math.floor(at / WORD_BITS)) >>> (at % WORD_BITS)) & (2 ** bits - 1);
    const goal = to(page) * bits;
    const word = Math.floor(goal / WORD_BITS);
    renumbered[word] = itemAt(renumbered, word) | (value << (goal % WORD_BITS));
  }
  return renumbered;
}

/** Words with some bits for each page. @param bits a power of two. @param what such as "the dirty bitmap of VM 0" */
export function pageBitNames(what: string, bits: number): NameOf {
  const perWord = WORD_BITS / bits;
  return (at, changed) => {
    const pages = Array.from({ length: perWord }, (_, i) => i)
      .filter((i) => ((changed >>> (i * bits)) & ((1 << bits) - 1)) !== 0)
      .map((i) => at * perWord + i);
    if (pages.length === 0) return `${what}, pages ${at * perWord} to ${(at + 1) * perWord - 1}`;
    return `${what}, page ${pages.join(", ")}`;
  };
}

/** Arrays with a word for each of something. @param what such as "the count of page" */
export function numberedNames(what: string, of: string): NameOf {
  return (at) => `${what} ${at} of ${of}`;
}
