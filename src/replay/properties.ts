/** What may be expected of a run, by name: for cutting a failing run down, and for asking when it was lost. */
import { vmOf } from "../system/roles.ts";
import type { System } from "../system/system.ts";
import { standstillOf, standstillText } from "../system/verdict/standstill.ts";
import { type Broken, brokenPromises } from "../system/verdict/verdict.ts";

/** How a run fails: two runs fail in the same way if property and role are the same. */
export interface Failure {
  readonly property: string;
  /** Whose failure it is. */
  readonly actor: string;
  /** What that actor is, independent of how many others there are: "tracker of db". */
  readonly role: string;
  /** One sentence. */
  readonly what: string;
}

export interface Property {
  readonly name: string;
  readonly description: string;
  /** Of a run that has ended, or got stuck. Null: it holds. */
  check(system: System): Failure | null;
}

const noFailure: Property = {
  name: "noFailure",
  description:
    "the operation succeeds, no vCPU stops before its workload has ended, no page is lost",
  check(system) {
    const [what] = system.result().failures;
    if (what !== undefined) return toolstackFailure(this.name, what);
    const [broken] = system.examine(() => brokenPromises(system));
    return broken === undefined ? null : failureOf(this.name, broken, system);
  },
};

const ends: Property = {
  name: "ends",
  description: "the run comes to its end: it does not get stuck, or go on for ever",
  check(system) {
    if (system.done) return null;
    const standstill = standstillOf(system);
    const what = standstill === null ? "it goes on for too long" : standstillText(standstill);
    return toolstackFailure(this.name, what);
  },
};

const noLostPage: Property = {
  name: "noLostPage",
  description: "every harvest reports what the guest wrote (or touched) in its round",
  check(system) {
    const lost = system
      .examine(() => brokenPromises(system))
      .find(({ promise }) => promise === "no page is lost");
    return lost === undefined ? null : failureOf(this.name, lost, system);
  },
};

function failureOf(property: string, { actor, what }: Broken, system: System): Failure {
  const { world } = system;
  const { role } = system.actor(actor);
  const vm = world.vms[vmOf(role) ?? -1];
  if (vm === undefined) return { ...toolstackFailure(property, what), actor, role: actor };
  const kind = role.kind === "vcpu" ? "vCPU" : role.kind;
  return { property, actor, role: `${kind} of ${vm.config.name}`, what };
}

function toolstackFailure(property: string, what: string): Failure {
  return { property, actor: "toolstack", role: "toolstack", what };
}

export const PROPERTIES: readonly Property[] = [noFailure, ends, noLostPage];
