/** Faults around a unit that tells nobody of a full log: what it has not taken is to be found by the flags. */

import { Field, writeField } from "../../hardware/vmcs.ts";
import { itemAt } from "../../lookup.ts";
import { UNITS } from "../../units/all.ts";
import type { Drops, UnitDeclaration } from "../../units/unit.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { kebab, modelOf } from "../usualUnits.ts";
import { around, type Mutation, rearmsNothing } from "./mutation.ts";

function mutationsOf(unit: UnitDeclaration, { hasDropped }: Drops): Mutation[] {
  const [name, model, breaks] = [kebab(unit.name), modelOf(unit), NO_PAGE_LOST];
  return [
    {
      name: `${name}-not-asked`,
      mistake: `a harvest does not ask whether the ${unit.label} log has dropped a page`,
      model,
      breaks,
      replace: around("tracker", ({ op }, perform, { vcpus }) => {
        if (op === "harvest") {
          for (const { vmcs } of vcpus) writeField(vmcs, Field.fullLogs, 0);
        }
        return perform();
      }),
    },
    {
      name: `${name}-not-said`,
      mistake: `the processor drops a page, and the ${unit.label} log does not say so`,
      model,
      breaks,
      replace: around("mmu", ({ vcpu }, perform, { vcpus }) => {
        const reply = perform();
        const { vmcs } = itemAt(vcpus, vcpu ?? 0);
        if (hasDropped(vmcs)) writeField(vmcs, Field.fullLogs, 0);
        return reply;
      }),
    },
    {
      name: `${name}-rearm-nothing`,
      mistake: `a harvest reports the pages, and leaves their D flags set: the ${unit.label} log has none of them again`,
      model,
      breaks,
      replace: rearmsNothing,
    },
  ];
}

export const droppingMutations: readonly Mutation[] = UNITS.flatMap((unit) =>
  unit.whenFull.kind === "drop" ? mutationsOf(unit, unit.whenFull) : [],
);
