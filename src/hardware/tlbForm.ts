/** A TLB as a state: its valid entries, and in which sets they are when pages and vCPUs have other numbers. */
import { fieldOf, itemAt, wordAt } from "../lookup.ts";
import {
  type NormalForm,
  numberedNames,
  type Renumbering,
  SCRAMBLED,
  type Words,
} from "./normalForm.ts";
import { META_LARGE, META_SPACE_SHIFT, SPACE_WORDS, type Tlb } from "./tlb.ts";

/**
 * Of a TLB whose levels hold each page in a set of its own, and in which the space of vCPU i has number i + 1.
 * @param vmOf the VM of a vCPU
 */
export function tlbForm(tlb: Tlb, pcpu: number, vmOf: (vcpu: number) => number): NormalForm {
  const levels = Object.entries({ l1: tlb.l1, l2: tlb.l2, l1Large: tlb.l1Large });
  const listsOf = levels.flatMap(([name, { ways }]) =>
    ["meta", "tag", "page", ...(ways > 1 ? ["next"] : [])].map((list) => `${name}.${list}`),
  );
  return {
    extents: Object.keys(tlb.arrays()).map((array) => ({
      part: tlb,
      array,
      nameOf: numberedNames(`"${array}" of entry`, `the TLB of CPU ${pcpu}`),
    })),
    lists: ["state", "spaces", ...listsOf],
    save() {
      const lists: Record<string, number[]> = {
        state: Array.from(tlb.state),
        spaces: Array.from(tlb.spaces.subarray(0, SPACE_WORDS * wordAt(tlb.state, 0))),
      };
      for (const [name, { tag, meta, page, next, ways }] of levels) {
        const valid = (words: Int32Array): number[] =>
          Array.from(words, (word, at) => (meta[at] === 0 ? 0 : word));
        lists[`${name}.meta`] = Array.from(meta);
        lists[`${name}.tag`] = valid(tag);
        lists[`${name}.page`] = valid(page);
        if (ways > 1) lists[`${name}.next`] = Array.from(next);
      }
      return lists;
    },
    restore(lists) {
      tlb.state.set(fieldOf(lists, "state"));
      tlb.spaces.set(fieldOf(lists, "spaces"));
      for (const [name, level] of levels) {
        level.meta.set(fieldOf(lists, `${name}.meta`));
        level.tag.set(fieldOf(lists, `${name}.tag`));
        level.page.set(fieldOf(lists, `${name}.page`));
        level.next.set(lists[`${name}.next`] ?? level.next.map(() => 0));
      }
    },
    scramble() {
      for (const [, { tag, meta, page }] of levels) {
        meta.forEach((value, at) => {
          if (value !== 0) return;
          tag[at] = SCRAMBLED;
          page[at] = SCRAMBLED;
        });
      }
    },
    renumber(lists, to) {
      const { state, spaces } = lists;
      const renumbered = levels.map(([name]) =>
        renumberedLevel(lists, name, tlb.largeBits, vmOf, to),
      );
      return Object.assign({ state, spaces }, ...renumbered);
    },
  };
}

/** @param largeBits log2 of the pages of a large entry */
function renumberedLevel(
  lists: Words,
  level: string,
  largeBits: number,
  vmOf: (vcpu: number) => number,
  to: Renumbering,
): Words {
  if (lists[`${level}.next`] !== undefined) {
    throw new Error("a TLB with several ways has an order of its own");
  }
  const before = fieldOf(lists, `${level}.meta`);
  const [meta, tag, page] = [before.map(() => 0), before.map(() => 0), before.map(() => 0)];
  before.forEach((word, at) => {
    if (word === 0) return;
    const vcpu = (word >>> META_SPACE_SHIFT) - 1;
    const size = (word & META_LARGE) === 0 ? 1 : 2 ** largeBits;
    const goal = to.page(vmOf(vcpu), itemAt(fieldOf(lists, `${level}.page`), at));
    const image = Math.floor(goal / size) * size;
    const set = (image / size) & (before.length - 1);
    if (meta[set] !== 0) throw new Error("two translations in the place of one");
    const space = to.vcpu(vcpu) + 1;
    meta[set] = (word & ((1 << META_SPACE_SHIFT) - 1)) | (space << META_SPACE_SHIFT);
    tag[set] = image / size;
    page[set] = image;
  });
  return { [`${level}.meta`]: meta, [`${level}.tag`]: tag, [`${level}.page`]: page };
}
