/** Other numbers for pages, vCPUs and physical CPUs, and what they make of lists and bitmaps. */
import type { ActorId } from "../../interconnect/messages.ts";

/** The number that each gets; whoever is not exchanged keeps its own. */
export interface Permutation {
  page(vm: number, page: number): number;
  vcpu(vcpu: number): number;
  pcpu(pcpu: number): number;
  /** An actor's address; 0 stays 0. */
  actor(id: ActorId): ActorId;
}

/** A list with so many entries for each page, or for each vCPU; an empty one stays empty. */
export function renamedList<T>(list: readonly T[], to: (i: number) => number, each = 1): T[] {
  const renamed = [...list];
  list.forEach((value, at) => {
    const position = Math.floor(at / each);
    renamed[to(position) * each + (at % each)] = value;
  });
  return renamed;
}

const WORD_BITS = 32;

/** Words with so many bits for each of the pages. */
export function renamedBits(
  words: readonly number[],
  bits: 1 | 2,
  pages: number,
  to: (page: number) => number,
): number[] {
  const renamed = words.map(() => 0);
  if (words.length === 0) return renamed;
  for (let page = 0; page < pages; page++) {
    const at = page * bits;
    const value = (words[Math.floor(at / WORD_BITS)]! >>> (at % WORD_BITS)) & (2 ** bits - 1);
    const goal = to(page) * bits;
    const word = Math.floor(goal / WORD_BITS);
    renamed[word] = renamed[word]! | (value << (goal % WORD_BITS));
  }
  return renamed;
}

/** All orders of the numbers below `count`, as lists of what each becomes; the first changes nothing. */
export function permutations(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, i) => shorter.toSpliced(shorter.length - i, 0, count - 1)),
  );
}
