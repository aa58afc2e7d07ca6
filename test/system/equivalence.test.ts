/**
 * The law of page tracking (case 89): whatever the technique, each round reports exactly the pages that
 * were written in it. A technique that exits before the write may report the page a vCPU was about to
 * write; leaving one out is never allowed.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FORMATS } from "../../src/hardware/formats/all.ts";
import type { EntryFormat } from "../../src/hardware/formats/entryFormat.ts";
import { EPT } from "../../src/hardware/formats/ept.ts";
import { clearTruth, wasTouched, wasWritten } from "../../src/hardware/guestPages.ts";
import { EPTP_ACCESSED_DIRTY, Field } from "../../src/hardware/vmcs.ts";
import { DEFAULT_HYPERVISOR_COSTS, type HypervisorCosts } from "../../src/hypervisor/costs.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { techniqueNamed, techniques, unitOf } from "../../src/hypervisor/techniques/all.ts";
import { isNoted, type TechniqueName } from "../../src/hypervisor/techniques/technique.ts";
import type { TrackerFault } from "../../src/hypervisor/trackedVm.ts";
import { System } from "../../src/system/system.ts";
import type { VmState } from "../../src/system/world.ts";
import { formatFor, WRITE_LOGS, type WriteLogName, writeLog } from "../../src/units/all.ts";
import { IS_ALL } from "../share.ts";
import { configOf, drive, type Recipe, withTechnique } from "./smallSystems.ts";

/** Cheap events and a long workload: as many rounds as possible. */
const CHEAP = Object.fromEntries(
  Object.keys(DEFAULT_HYPERVISOR_COSTS).map((name) => [name, 1]),
) as Partial<HypervisorCosts>;

function recipes(technique: TechniqueName): fc.Arbitrary<Recipe> {
  return fc
    .tuple(withTechnique(technique), fc.integer({ min: 10, max: 60 }), fc.nat(2000), fc.nat(4))
    .map(([recipe, passes, harvest, more]) => {
      const vms = more === 4 ? fourVcpus(recipe.vms) : recipe.vms;
      return { ...recipe, vms, passes, harvest, costs: CHEAP };
    });
}

/** The first VM alone, with four vCPUs that run its scripts in turn. */
function fourVcpus(vms: Recipe["vms"]): Recipe["vms"] {
  const { vcpus, ...vm } = vms[0]!;
  return [{ ...vm, vcpus: Array.from({ length: 4 }, (_, i) => vcpus[i % vcpus.length]!) }];
}

interface Variant {
  readonly lazyTypes?: boolean;
  readonly ringSource?: WriteLogName;
  readonly faults?: readonly TrackerFault[];
  readonly logLimit?: number;
}

/** With entries of this format; default: of that which goes with the technique's unit. */
function build(recipe: Recipe, variant: Variant, format?: EntryFormat): System {
  const config = configOf(recipe);
  const tracking = { ...config.world.tracking, ...variant };
  const { units, mmu: own } = config.world;
  const logging = unitOf(recipe.technique, units, writeLog(units, tracking.ringSource));
  const goesWith = logging === null ? own.format : formatFor(logging);
  const mmu = { ...own, format: format ?? goesWith };
  // With NPT the processor does not load PDPTEs, which is not emulated.
  const vms = config.world.vms.map((vm) =>
    vm.paging === "pae" && !mmu.format.loadsPdptes ? { ...vm, paging: "longMode" as const } : vm,
  );
  return new System({ ...config, world: { ...config.world, vms, tracking, mmu } });
}

/** What a round of one VM should have found, and what it found. */
interface RoundOfVm {
  readonly vm: number;
  readonly omitted: readonly number[];
  readonly added: readonly number[];
}

/** Runs a system and compares every round with the ground truth of that round. */
function rounds(system: System, found: "written" | "touched"): RoundOfVm[] {
  const { vms } = system.world;
  const used = found === "written" ? wasWritten : wasTouched;
  const truths = vms.map(() => new Set<number>());
  const seen: RoundOfVm[] = [];
  const trackers = vms.map((_, vm) => system.actor(`vm${vm}/tracker`).id);
  drive(system, ({ message, from }) => {
    if (message.type === "vmPaused") {
      truths[message.vm] = takeTruth(vms[message.vm]!, used);
    } else if (message.type === "harvested") {
      const vm = trackers.indexOf(from);
      const truth = truths[vm]!;
      const { tracked, config } = vms[vm]!;
      const omitted = [...truth].filter((page) => !isMarked(tracked.handedOver, page));
      const added: number[] = [];
      for (let page = 0; page < config.pages; page++) {
        if (isMarked(tracked.handedOver, page) && !truth.has(page)) added.push(page);
      }
      seen.push({ vm, omitted, added });
    }
  });
  return seen;
}

function takeTruth({ guest, config }: VmState, used: typeof wasWritten): Set<number> {
  const pages = new Set<number>();
  for (let page = 0; page < config.pages; page++) if (used(guest, page)) pages.add(page);
  clearTruth(guest);
  return pages;
}

/** Every write-finding technique, with how many pages each vCPU may add to a round. */
const findingWrites: readonly (readonly [string, TechniqueName, Variant, number])[] = [
  ...techniques()
    .filter(({ findsWritten }) => findsWritten)
    // What an exit tells is told before the write.
    // On processors that have what it needs, these set flags.
    .map((one) => [one.name, one.name, {}, one.toldBy === "exits" ? 1 : 0] as const),
  ["PML without log pages: write protection", "pml", { logLimit: 0 }, 1],
  ...(["writeProtect", "pml"] as const).map(
    (technique) => [`${technique}, lazily`, technique, { lazyTypes: true }, 1] as const,
  ),
  ...WRITE_LOGS.map(
    (ringSource) => [`dirty ring fed by ${ringSource}`, "dirtyRing", { ringSource }, 0] as const,
  ),
];

describe.each(findingWrites)("%s", (_name, technique, variant, pending) => {
  it("reports exactly the pages written in each round", () => {
    fc.assert(
      fc.property(recipes(technique), (recipe) => {
        for (const { vm, omitted, added } of rounds(build(recipe, variant), "written")) {
          expect(omitted).toEqual([]);
          // Large leaves are write-protected by every technique, and exit before the write.
          const mayAdd = recipe.vms[vm]!.leafLevel > 1 ? 1 : pending;
          expect(added.length).toBeLessThanOrEqual(mayAdd * recipe.vms[vm]!.vcpus.length);
        }
      }),
      { numRuns: IS_ALL ? 1000 : 500 },
    );
  });
});

describe.each(["presentBit", "accessedDirtyScan"] as const)("%s", (technique) => {
  it("reports exactly the pages touched in each round", () => {
    expect(techniqueNamed(technique)?.findsTouched).toBe(true);
    fc.assert(
      fc.property(recipes(technique), (recipe) => {
        const system = build(recipe, {});
        // The scan hands over the dirty pages; its touched pages are in the reports' counts.
        if (technique === "accessedDirtyScan") {
          for (const { omitted } of rounds(system, "written")) expect(omitted).toEqual([]);
          return;
        }
        for (const { vm, omitted, added } of rounds(system, "touched")) {
          expect(omitted).toEqual([]);
          expect(added.length).toBeLessThanOrEqual(recipe.vms[vm]!.vcpus.length);
        }
      }),
      { numRuns: IS_ALL ? 400 : 200 },
    );
  });
});

describe.each(FORMATS.filter((format) => format !== EPT))("with entries of $name", (format) => {
  it.each(["writeProtect", "dirtyRing", "accessedDirtyScan"] as const)(
    "%s reports exactly the pages written in each round",
    (technique) => {
      // Where software sets the flags, the access that lacks one comes after its exit, as under write protection.
      const pending = isNoted(techniqueNamed(technique)!, format) ? 0 : 1;
      fc.assert(
        fc.property(recipes(technique), (recipe) => {
          for (const { vm, omitted, added } of rounds(build(recipe, {}, format), "written")) {
            expect(omitted).toEqual([]);
            const mayAdd = recipe.vms[vm]!.leafLevel > 1 ? 1 : pending;
            expect(added.length).toBeLessThanOrEqual(mayAdd * recipe.vms[vm]!.vcpus.length);
          }
        }),
        { numRuns: 120 },
      );
    },
  );

  it("a planted fault loses a page, and it is noticed", () => {
    const details = fc.check(
      fc.property(recipes("accessedDirtyScan"), (recipe) => {
        const faulty = build(recipe, { faults: ["skipInvept"] }, format);
        for (const { omitted } of rounds(faulty, "written")) expect(omitted).toEqual([]);
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(details.failed).toBe(true);
  });
});

/** Known ways to lose a page: the law above must notice each one. */
const faults: readonly (readonly [TrackerFault, TechniqueName])[] = [
  ["skipInvept", "pml"],
  ["skipInvept", "writeProtect"],
  ["skipInvept", "accessedDirtyScan"],
  ["harvestBeforeDrain", "pml"],
  ["pmlOnSomeVcpus", "pml"],
  ["skipInvept", "amdPml"],
  ["harvestBeforeDrain", "amdPml"],
  ["skipInvept", "hdbss"],
  ["harvestBeforeDrain", "hdbss"],
];

it("the runs above have many rounds in which pages are written", () => {
  const counts: number[] = [];
  fc.assert(
    fc.property(recipes("pml"), (recipe) => {
      const system = build(recipe, {});
      let busy = 0;
      drive(system, ({ message }) => {
        if (message.type === "harvested" && (message.pagesWritten ?? 0) > 0) busy++;
      });
      counts.push(busy);
    }),
    { numRuns: 300, seed: 3 },
  );
  counts.sort((a, b) => a - b);
  expect(counts[150]).toBeGreaterThanOrEqual(3);
});

it("the runs above have one to four vCPUs, large pages, every paging mode, and A/D flags on and off", () => {
  const seen = new Set<string>();
  for (const [name, technique, variant] of findingWrites) {
    for (const recipe of fc.sample(recipes(technique), { numRuns: 60, seed: 11 })) {
      const system = build(recipe, variant);
      system.run(60);
      for (const { config, vcpus } of system.world.vms) {
        seen.add(`${vcpus.length} vCPUs`).add(`leaf level ${config.leafLevel}`).add(config.paging);
      }
      const low = system.world.vcpus[0]!.vmcs.words[2 * Field.eptPointer]!;
      seen.add(`${name}: A/D ${(low & EPTP_ACCESSED_DIRTY) === 0 ? "off" : "on"}`);
    }
  }
  const wanted = ["1 vCPUs", "2 vCPUs", "3 vCPUs", "4 vCPUs", "leaf level 1", "leaf level 2"];
  for (const what of [...wanted, "off", "pae", "longMode"]) expect(seen).toContain(what);
  // Without A/D flags write protection and the ring that it feeds must do; with them, the others.
  expect(seen).toContain("writeProtect: A/D off");
  expect(seen).toContain("dirtyRing: A/D off");
  for (const name of ["accessedDirtyScan", "pml"]) expect(seen).toContain(`${name}: A/D on`);
});

describe("a planted fault", () => {
  it.each(faults)("%s loses a page under %s, and it is noticed", (fault, technique) => {
    const details = fc.check(
      fc.property(recipes(technique), (recipe) => {
        for (const { omitted } of rounds(build(recipe, { faults: [fault] }), "written")) {
          expect(omitted).toEqual([]);
        }
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(details.failed).toBe(true);
  });
});
