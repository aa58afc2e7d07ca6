/** What tests ask of a running system, besides its deliveries. */
import { Counter } from "../../src/hardware/counters.ts";
import { findLeaf } from "../../src/hardware/ept.ts";
import { setsFlags } from "../../src/hardware/formats/entryFormat.ts";
import { RWX, WRITE } from "../../src/hardware/rights.ts";
import { META_LARGE, META_SPACE_SHIFT, type TlbLevel } from "../../src/hardware/tlb.ts";
import { Field, readField } from "../../src/hardware/vmcs.ts";
import type { MessageType } from "../../src/interconnect/messages.ts";
import type { System } from "../../src/system/system.ts";

const SPACE_WORDS = 3;

/** A counter, summed over the vCPUs that `among` lets through. */
export function sumCounter(
  { world }: System,
  counter: number,
  among: (vcpu: number) => boolean = () => true,
): number {
  let sum = 0;
  world.vcpus.forEach(({ counters }, vcpu) => {
    if (among(vcpu)) sum += counters.values[counter]!;
  });
  return sum;
}

/** Accesses that one VM has completed. */
export function accessesOf(system: System, vm: number): number {
  return sumCounter(system, Counter.accesses, (vcpu) => system.world.vcpus[vcpu]!.vm === vm);
}

/** Messages of these types that are under way. */
export function underWay(system: System, ...types: MessageType[]): number {
  return system.interconnect.pending().filter(({ message }) => types.includes(message.type)).length;
}

/**
 * Mappings of a VM that any TLB holds and that would let an access pass unseen: with a right that the
 * EPT entry has not, or without the flag that the access would have to set.
 */
export function staleMappings({ world }: System, vm: number): string[] {
  const { ept, vcpus } = world.vms[vm]!;
  const pointer = readField(world.vcpus[vcpus[0]!]!.vmcs, Field.eptPointer);
  const { accessed, dirty } = ept.format;
  const flags = setsFlags(ept.format, pointer);
  const stale: string[] = [];
  world.mmus.forEach(({ tlb }, pcpu) => {
    const ours = (meta: number): boolean => {
      const space = meta >>> META_SPACE_SHIFT;
      return space > 0 && tlb.spaces[(space - 1) * SPACE_WORDS + 1] === ept.root;
    };
    const look = (name: string, { meta, page }: TlbLevel): void => {
      meta.forEach((word, slot) => {
        if (!ours(word)) return;
        const rights = word & RWX;
        const size = (word & META_LARGE) === 0 ? 1 : 1 << tlb.largeBits;
        for (let i = 0; i < size; i++) {
          const leaf = findLeaf(ept, page[slot]! + i);
          const low = leaf === null ? 0 : ept.memory.words[leaf.word]!;
          const unseen =
            (rights & ~low) !== 0 ||
            (flags && (low & accessed) === 0) ||
            (flags && (rights & WRITE) !== 0 && (low & dirty) === 0);
          if (unseen) stale.push(`pcpu${pcpu} ${name}: page ${page[slot]! + i} ${rights}`);
        }
      });
    };
    look("l1", tlb.l1);
    look("l1Large", tlb.l1Large);
    look("l2", tlb.l2);
  });
  return stale;
}
