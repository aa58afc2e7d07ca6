/** The properties of the hypervisor's protocols, over the slots of a system model. */

import type { TrackerContext } from "../../../machines/tracker.ts";
import { findLeaf } from "../../hardware/ept.ts";
import { EPT_RWX, EPT_WRITE } from "../../hardware/eptEntry.ts";
import { META_SPACE_SHIFT } from "../../hardware/tlb.ts";
import { EPTP_ACCESSED_DIRTY, Field } from "../../hardware/vmcs.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";
import type { Words } from "../hypervisor/memorySlots.ts";
import { INDEX_IN_RANGE, NO_FLAG_WITHOUT_ACCESS, NO_PAGE_LOST } from "../hypervisor/stepChecks.ts";
import { EVERY_MESSAGE_TAKEN } from "../hypervisor/systemModel.ts";
import { over, type Predicate, type Property } from "../properties/property.ts";

export const NO_STALE_TRANSLATION = "no translation outlives the acknowledgement of its INVEPT";

const isIn = (actor: string, ...states: readonly string[]): Predicate =>
  over([actor], ({ value }: ActorSnapshot) => states.includes(value));

/** What every model of a tracked VM must do. */
export function protocolProperties(): Property[] {
  return [
    { kind: "noDeadlock", name: "no deadlock" },
    { kind: "step", name: EVERY_MESSAGE_TAKEN },
    { kind: "sometimes", name: "a measurement ends", that: isIn("toolstack", "done") },
  ];
}

/** What techniques that find written pages must do. */
export function writtenPagesProperties(system: System): Property[] {
  return [
    {
      kind: "step",
      name: NO_PAGE_LOST,
      seen: over(["vm0/truth"], ({ owed }: Words) => owed!.some((word) => word !== 0)),
    },
    { kind: "step", name: NO_FLAG_WITHOUT_ACCESS },
    ...noStaleTranslations(system),
    ...pausedVcpusRunAgain(system),
  ];
}

/** What PML must do, on every vCPU. */
export function pmlProperties(system: System): Property[] {
  return system.world.vcpus.flatMap((_, vcpu): Property[] => [
    ...(vcpu === 0 ? [{ kind: "step", name: INDEX_IN_RANGE } as const] : []),
    {
      kind: "leadsTo",
      name: `a full log of vCPU ${vcpu} is served`,
      when: isIn(`vcpu${vcpu}/pml`, "full"),
      that: isIn(`vcpu${vcpu}/pml`, "logging", "off"),
    },
  ]);
}

/** What PRL must do, on every vCPU. */
export function prlProperties(system: System): Property[] {
  return system.world.vcpus.flatMap((_, vcpu): Property[] => [
    ...(vcpu === 0 ? [{ kind: "step", name: INDEX_IN_RANGE } as const] : []),
    {
      kind: "leadsTo",
      name: `the log of vCPU ${vcpu} resumes after it was full`,
      when: over([`vcpu${vcpu}/vmcs`], isSuspended),
      that: over([`vcpu${vcpu}/vmcs`], (words: Words) => !isSuspended(words)),
    },
  ]);
}

function isSuspended(words: Words): boolean {
  return words["fields"]![2 * Field.pmlIndex]! < 0;
}

/** A vCPU that left its CPU gets one again, unless the run has come to its end. */
export function pausedVcpusRunAgain(system: System): Property[] {
  return system.world.vcpus.map((_, vcpu) => ({
    kind: "leadsTo",
    name: `vCPU ${vcpu} runs again after a pause`,
    when: over(
      [`vcpu${vcpu}`, "toolstack"],
      (state: ActorSnapshot, toolstack: ActorSnapshot) =>
        state.value === "ready" && toolstack.value !== "done",
    ),
    that: over(
      [`vcpu${vcpu}`, "toolstack"],
      (state: ActorSnapshot, toolstack: ActorSnapshot) =>
        state.value !== "ready" || toolstack.value === "done",
    ),
  }));
}

/**
 * While nobody waits for an INVEPT, no TLB grants more than the entries do (SDM vol. 3C 28.3.3.4: what
 * software has taken away may be used until the INVEPT is executed, and not after it).
 */
export function noStaleTranslations(system: System): Property[] {
  return system.world.mmus.map((mmu, pcpu) => ({
    kind: "always",
    name: `${NO_STALE_TRANSLATION} (CPU ${pcpu})`,
    when: over(["vm0/tracker"], ({ value, context }: ActorSnapshot) => {
      return value === "logging" && (context as TrackerContext).awaitedByHeldBack === 0;
    }),
    that: over(
      [`pcpu${pcpu}/tlb`, "vm0/paging", "vcpu0/vmcs"],
      (tlb: Words, paging: Words, vcpu: Words) => {
        const { ept } = system.world.vms[0]!;
        const flags = (vcpu["fields"]![2 * Field.eptPointer]! & EPTP_ACCESSED_DIRTY) !== 0;
        return tlb["l1.meta"]!.every((meta, at) => {
          const space = meta >>> META_SPACE_SHIFT;
          if (space === 0 || mmu.tlb.spaces[3 * (space - 1) + 1] !== ept.root) return true;
          const leaf = findLeaf(ept, tlb["l1.page"]![at]!);
          const low =
            leaf === null ? 0 : paging["words"]![leaf.word - ept.root * ept.memory.frameWords]!;
          const dirty = (low & (1 << 9)) !== 0;
          const rights = low & EPT_RWX & (flags && !dirty ? ~EPT_WRITE : -1);
          return (meta & EPT_RWX & ~rights) === 0;
        });
      },
    ),
  }));
}
