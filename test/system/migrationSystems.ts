/** Small systems whose first VM migrates: recipes for property tests, and what a run came to. */
import fc from "fast-check";
import { TRACKER_FAULTS, type TrackerFault } from "../../src/hypervisor/trackedVm.ts";
import type { Technique } from "../../src/interconnect/messages.ts";
import type { LogicKind } from "../../src/system/actors.ts";
import type { OperationFault } from "../../src/system/operation.ts";
import { operationIn } from "../../src/system/operations/all.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import type { MigrateConfig } from "../../src/system/operations/migration/migrateSchema.ts";
import type { PostcopyConfig } from "../../src/system/operations/migration/precopySchema.ts";
import { System } from "../../src/system/system.ts";
import { anyRecipe, configOf, type Recipe } from "./smallSystems.ts";

/** Techniques that find written pages. */
const TECHNIQUES = [
  "writeProtect",
  "pml",
  "accessedDirtyScan",
  "dirtyRing",
  "amdPml",
  "hdbss",
] as const;

export interface MigrationRecipe {
  readonly recipe: Recipe;
  readonly policy: "libxc" | "qemu";
  /** Cycles that the link takes for a page, and for each batch on top. */
  readonly pageCycles: number;
  readonly latency: number;
  readonly batch: number;
  readonly start: number;
  /** Cycles from the migration's start; null = never. */
  readonly abortAfter: number | null;
  readonly failAfter: number | null;
  /** Cycles that the run goes on; long enough for every workload to end, or 0. */
  readonly settle: number;
  /** Further migrations, and the cycles between two. */
  readonly repeat?: { readonly times: number; readonly after: number };
  /** How it goes on as post-copy, by QEMU's policy, and when there is another link after one that has failed. */
  readonly postcopy?: PostcopyConfig;
  readonly recoverAfter?: number;
}

/** Longer than any small workload. */
export const TO_THE_END = 1e9;

const pace = fc.constantFrom(1, 20, 300, 2000, 20_000);

/** Any migration that is neither aborted nor cut off. */
export const anyMigration: fc.Arbitrary<MigrationRecipe> = fc
  .record({
    recipe: anyRecipe,
    technique: fc.constantFrom<Technique>(...TECHNIQUES),
    passes: fc.integer({ min: 1, max: 60 }),
    policy: fc.constantFrom("libxc" as const, "qemu" as const),
    pageCycles: pace,
    latency: fc.constantFrom(0, 1, 500, 10_000),
    batch: fc.integer({ min: 1, max: 30 }),
    start: fc.constantFrom(0, 1, 3000, 50_000),
    settle: fc.constantFrom(0, TO_THE_END),
  })
  .map(({ recipe, technique, passes, ...rest }) => ({
    ...rest,
    recipe: { ...recipe, technique, passes, harvest: null, deadline: null },
    abortAfter: null,
    failAfter: null,
  }));

/** Faults of either kind. */
export type AnyFault = TrackerFault | OperationFault;

export function buildMigration(
  migration: MigrationRecipe,
  fault: AnyFault | null = null,
  logic: LogicKind = "compiled",
): System {
  const { recipe, policy } = migration;
  const base = configOf(recipe);
  const { world } = base;
  const config: MigrateConfig = {
    kind: "migrate",
    start: migration.start,
    link: {
      bandwidth: (4104 * 2.4e9) / migration.pageCycles,
      latency: migration.latency,
      ...(migration.failAfter === null ? {} : { failAfter: migration.failAfter }),
      ...(migration.recoverAfter === undefined ? {} : { recoverAfter: migration.recoverAfter }),
    },
    policy:
      policy === "libxc"
        ? { kind: "libxc" }
        : {
            kind: "qemu",
            downtimeLimit: 720_000_000,
            maxRounds: 50,
            ...(migration.postcopy === undefined ? {} : { postcopy: migration.postcopy }),
          },
    batch: migration.batch,
    samples: 40,
    settle: migration.settle,
    ...(migration.repeat === undefined ? {} : { repeat: migration.repeat }),
    ...(migration.abortAfter === null ? {} : { abortAfter: migration.abortAfter }),
  };
  return new System(
    {
      ...base,
      world: {
        ...world,
        vms: world.vms.map((vm) => ({ ...vm, keepVersions: true })),
        tracking: {
          ...world.tracking,
          faults: TRACKER_FAULTS.filter((one) => one === fault),
        },
      },
      operation: operationIn(config, { faults: fault === "cleanedBitmapNotSent" ? [fault] : [] }),
    },
    logic,
  );
}

export function resultOf(system: System): MigrateResult {
  return system.result() as MigrateResult;
}

/** Writes of each page that the scripts of a VM make in all, whatever the timing. */
export function writesOf(recipe: Recipe, vm: number): number[] {
  const { pages, vcpus } = recipe.vms[vm]!;
  const writes = new Array<number>(pages).fill(0);
  for (const { script } of vcpus) {
    for (const [page, kind] of script) {
      if (kind === 1 || kind === 3) writes[page % pages]! += recipe.passes;
    }
  }
  return writes;
}

/** The versions of a VM's data pages now. */
export function versionsOf(system: System, vm: number): number[] {
  const { guest, config } = system.world.vms[vm]!;
  return [...guest.versions.subarray(0, config.pages)];
}
