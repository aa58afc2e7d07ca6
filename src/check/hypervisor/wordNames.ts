/** What the field calls the words of memory, for errors about them. */
import { type Ept, forEachLeaf } from "../../hardware/ept.ts";
import { Field, type FieldName } from "../../hardware/vmcs.ts";
import type { Extent } from "./memoryOwners.ts";

type NameOf = NonNullable<Extent["nameOf"]>;

/** @param vm whose tables these are, as they are now: tables that splits add later are named by their frame */
export function entryNames(ept: Ept, vm: number): NameOf {
  const { memory, geometry } = ept;
  const leaves = new Map<number, string>();
  forEachLeaf(ept, (word, level, page) => {
    const last = page + (1 << ((level - 1) * geometry.indexBits)) - 1;
    leaves.set(word, page === last ? `page ${page}` : `pages ${page} to ${last}`);
  });
  return (at) => {
    const low = at - (at % 2);
    const pages = leaves.get(low);
    const half = at === low ? "" : ", high word";
    if (pages !== undefined) return `the EPT entry of ${pages} of VM ${vm}${half}`;
    const entry = (low % memory.frameWords) / 2;
    const table = Math.floor(low / memory.frameWords);
    return `entry ${entry} of the EPT table in frame ${table} of VM ${vm}${half}`;
  };
}

/** @param where empty for the processor's copy */
export function fieldNames(vcpu: number, where: string): NameOf {
  const names = Object.keys(Field) as FieldName[];
  return (at) => {
    const name = names.find((field) => Field[field] === at >> 1) ?? "?";
    return `VMCS field ${name} of vCPU ${vcpu}${where}${at % 2 === 1 ? ", high word" : ""}`;
  };
}

/** @param first word where the logs begin. @param words of one log */
export function logNames(vcpu: number, first: number, words: number): NameOf {
  return (at) => {
    const [log, within] = [Math.floor((at - first) / words), (at - first) % words];
    return `entry ${within >> 1} of log ${log} of vCPU ${vcpu}${at % 2 === 1 ? ", high word" : ""}`;
  };
}

/** Words with some bits for each page. @param bits a power of two. @param what such as "the dirty bitmap of VM 0" */
export function pageBitNames(what: string, bits: number): NameOf {
  const perWord = 32 / bits;
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
