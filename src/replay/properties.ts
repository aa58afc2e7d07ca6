/** What may be expected of a run, by name: for cutting a failing run down, and for asking when it was lost. */
import { countTruth, wasTouched, wasWritten } from "../hardware/guestPages.ts";
import { isMarked } from "../hypervisor/dirtyBitmap.ts";
import { techniqueNamed } from "../hypervisor/techniques/all.ts";
import { summarize } from "../system/summary.ts";
import type { System } from "../system/system.ts";

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
  description: "the operation succeeds, and no vCPU stops before its workload has ended",
  check(system) {
    const [what] = summarize(system).failures;
    if (what === undefined) return null;
    const number = /^vCPU (\d+):/.exec(what)?.[1];
    if (number === undefined) return toolstackFailure(this.name, what);
    const { world } = system;
    const { name } = world.vms[world.vcpus[Number(number)]!.vm]!.config;
    return { property: this.name, actor: `vcpu${number}`, role: `vCPU of ${name}`, what };
  },
};

const ends: Property = {
  name: "ends",
  description: "the run comes to its end: it does not get stuck, or go on for ever",
  check(system) {
    if (system.done) return null;
    const pending = system.interconnect.pending().length;
    const what = pending === 0 ? "nothing is left to be delivered" : "it goes on for too long";
    return toolstackFailure(this.name, what);
  },
};

const noLostPage: Property = {
  name: "noLostPage",
  description:
    "every page that a guest wrote (or touched, as far as the tracker can know) was reported at least once",
  check({ world, done }) {
    const technique = techniqueNamed(world.config.tracking.technique);
    if (technique === null || !done) return null;
    for (const { guest, config, reportedWritten, reportedTouched } of world.vms) {
      if (countTruth(guest).pagesTouched === 0) continue;
      for (let page = 0; page < config.pages; page++) {
        const written = technique.findsWritten && wasWritten(guest, page);
        const lost = written
          ? !isMarked(reportedWritten, page)
          : technique.findsTouched && wasTouched(guest, page) && !isMarked(reportedTouched, page);
        if (!lost) continue;
        const what = `page ${page} of ${config.name} was ${written ? "written" : "touched"} but not reported`;
        const vm = world.vms.findIndex((one) => one.guest === guest);
        const role = `tracker of ${config.name}`;
        return { property: this.name, actor: `vm${vm}/tracker`, role, what };
      }
    }
    return null;
  },
};

function toolstackFailure(property: string, what: string): Failure {
  return { property, actor: "toolstack", role: "toolstack", what };
}

export const PROPERTIES: readonly Property[] = [noFailure, ends, noLostPage];
