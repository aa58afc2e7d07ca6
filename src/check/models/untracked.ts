/** What tracking leaves behind when it has ended: nothing but large leaves that are split. */

import { attributesAt, forEachLeaf, ordinaryLeaf } from "../../hardware/ept.ts";
import type { EntryFormat } from "../../hardware/formats/entryFormat.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { EPTP_ACCESSED_DIRTY, Field } from "../../hardware/vmcs.ts";
import { isUnresolved } from "../../hypervisor/lazyTypes.ts";
import { fieldOf, itemAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import { pagingPiece } from "../../system/memoryPieces.ts";
import type { System } from "../../system/system.ts";
import type { World } from "../../system/world.ts";
import { LOG_CONTROLS } from "../../units/all.ts";
import { over, type Predicate, type Property } from "../properties/property.ts";

export const ALL_RIGHTS_BACK = "an untracked VM has all its rights back";
export const NOTHING_LOGS = "an untracked VM logs nothing";
/** A processor goes on with the controls of its last entry, whatever its VMCS says since. */
export const NO_CPU_LOGS_ON = "no CPU runs an untracked VM with logging that it loaded before";

/** A right or a flag that an armed leaf lacks: with all of them it costs the guest nothing (Xen p2m_ram_rw). */
function lent({ allRights, write, accessed, dirty }: EntryFormat): number {
  return allRights | write | accessed | dirty;
}

function rightsBack(world: World, vm: number, isOff: Predicate): Property {
  const { ept, tracked } = itemAt(world.vms, vm);
  const slot = pagingPiece(world, vm);
  return {
    kind: "always",
    name: `${ALL_RIGHTS_BACK} (VM ${vm})`,
    when: isOff,
    that: over([`vm${vm}/paging`], (paging: Words) => {
      slot.restore(paging);
      let all = true;
      const mask = lent(ept.format);
      const ordinary = ordinaryLeaf(ept.format) & mask;
      forEachLeaf(ept, (word, _level, page) => {
        if ((attributesAt(ept, word) & mask) === ordinary) return;
        // Where types change lazily it has them back when it is touched next.
        if (!tracked.lazyTypes || !isUnresolved(ept, page)) all = false;
      });
      return all;
    }),
  };
}

/** Of every VM: while its tracker is off, its entries and its vCPUs' controls are as they were before. */
export function untrackedProperties({ world, actors }: System): Property[] {
  // Of units, those that somebody is told of.
  const unitsOf = (vcpu: number): string[] =>
    actors.flatMap(({ name, role }) => {
      return role.kind === "logUnit" && role.vcpu === vcpu ? [name] : [];
    });
  const each = 1 + unitsOf(0).length;
  return world.vms.flatMap(({ vcpus, tracked }, vm): Property[] => {
    const isOff: Predicate = over(
      [`vm${vm}/tracker`],
      ({ value }: ActorSnapshot) => value === "off",
    );
    return [
      // A page of KVM's slots has them back when it is written next (fast_page_fault).
      ...(tracked.slots === null ? [rightsBack(world, vm, isOff)] : []),
      {
        kind: "always",
        name: `${NOTHING_LOGS} (VM ${vm})`,
        when: isOff,
        that: over(
          vcpus.flatMap((vcpu) => [`vcpu${vcpu}/vmcs`, ...unitsOf(vcpu)]),
          (...slots: readonly (Words & ActorSnapshot)[]) =>
            slots.every((one, i) =>
              i % each === 0 ? isQuiet(...controlsOf(one)) : one.value === "off",
            ),
        ),
      },
      {
        kind: "always",
        name: `${NO_CPU_LOGS_ON} (VM ${vm})`,
        when: isOff,
        that: over(
          world.mmus.flatMap((_, pcpu) => [`pcpu${pcpu}/mmu`, `pcpu${pcpu}/tlb`]),
          (...slots: readonly (Words & ActorSnapshot)[]) =>
            world.mmus.every((_, pcpu) => {
              const [mmu, cpu] = slots.slice(2 * pcpu);
              const isOurs = vcpus.includes(itemAt(fieldOf(cpu!, "loaded"), 0) - 1);
              return !isOurs || mmu!.value === "idle" || isQuiet(...loadedControls(cpu!));
            }),
        ),
      },
    ];
  });
}

function controlsOf({ fields }: Words): [number, number] {
  return [itemAt(fields!, 2 * Field.secondaryControls), itemAt(fields!, 2 * Field.eptPointer)];
}

/** Secondary controls and EPT pointer (mmu.ts, controlWords). */
function loadedControls({ controls }: Words): [number, number] {
  return [itemAt(controls!, 0), itemAt(controls!, 1)];
}

/** No log is on, and the processor sets no flags (vmx_domain_disable_pml, ept_disable_pml). */
function isQuiet(controls: number, eptp: number): boolean {
  return (controls & LOG_CONTROLS) === 0 && (eptp & EPTP_ACCESSED_DIRTY) === 0;
}
