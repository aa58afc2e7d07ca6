/** The models of what a toolstack does with tracked VMs: migrations, checkpoints, estimations. */

import type { Technique } from "../interconnect/messages.ts";
import { fieldOf } from "../lookup.ts";
import type { CheckpointMode } from "../system/operations/checkpoint/checkpointSchema.ts";
import type { System } from "../system/system.ts";
import type { UnitDeclaration } from "../units/unit.ts";
import {
  faultsOf,
  geometry,
  type ModelEntry,
  type Parameter,
  sizesOf,
  type Values,
} from "./modelEntry.ts";
import {
  type CheckpointModelOptions,
  checkpointModel,
  checkpointSystem,
} from "./models/checkpoint.ts";
import { withDevice } from "./models/devices.ts";
import { type EstimateModelOptions, estimateModel, estimateSystem } from "./models/estimate.ts";
import { type MigrationOptions, migrationModel, migrationSystem } from "./models/migration.ts";
import {
  type OvercommitModelOptions,
  overcommitModel,
  overcommitSystem,
} from "./models/overcommit.ts";
import { postcopyModel, postcopySystem } from "./models/postcopy.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { ACCESSES, WRITES } from "./usualUnits.ts";

/** How a model of migrations is made from its options. */
interface Made {
  readonly model: typeof migrationModel;
  readonly system: (options: MigrationOptions) => System;
}

interface MigratedVm {
  readonly technique?: Technique;
  readonly pages?: number;
  /** It has a device, whose writes are marked by software. */
  readonly device?: true;
  /** Whether the operator may abort, unless it is said. */
  readonly aborts?: number;
  /** And whether the link may fail. */
  readonly fails?: number;
}

function migrationEntry(
  name: string,
  what: string,
  own: readonly Parameter[],
  policyOf: (values: Values) => MigrationOptions["policy"],
  { technique = WRITES.name, pages = 2, device, aborts = 1, fails = 1 }: MigratedVm = {},
  made: Made = { model: migrationModel, system: migrationSystem },
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): MigrationOptions => {
    const fault = mutation?.operationFault;
    return {
      technique,
      vcpus: [values["vcpus"] ?? 1],
      ...sizesOf(values),
      // A large leaf stands above the last level.
      eptLevels: Math.max(fieldOf(values, "levels"), fieldOf(values, "leaf")),
      leafLevel: values["leaf"] === 2 ? 2 : 1,
      aborts: values["aborts"] === 1,
      linkFails: values["fails"] === 1,
      policy: policyOf(values),
      ...(device === undefined ? {} : withDevice(fieldOf(values, "pages"), ["vmm", 1])),
      ...(fault === undefined ? {} : { operationFaults: [fault] }),
      ...faultsOf(mutation),
    };
  };
  return {
    name,
    what,
    parameters: [
      ...geometry(pages, 1, 0),
      { name: "vcpus", value: 1, min: 1, max: 2, what: "vCPUs of the VM" },
      { name: "leaf", value: 1, min: 1, max: 2, what: "2: large leaves, split at the first write" },
      { name: "aborts", value: aborts, min: 0, max: 1, what: "1: the operator may abort" },
      { name: "fails", value: fails, min: 0, max: 1, what: "1: the link may fail" },
      ...own,
    ],
    build: (values, mutation) => made.model(name, options(values, mutation)),
    system: (values, mutation) => made.system(options(values, mutation)),
  };
}

function postcopyEntry(
  name: string,
  what: string,
  usual: Readonly<Record<"fails" | "rounds" | "preempt" | "limited", number>>,
): ModelEntry {
  const { fails, rounds, preempt, limited } = usual;
  return migrationEntry(
    name,
    what,
    [
      { name: "rounds", value: rounds, min: 0, max: 2, what: "live rounds before" },
      {
        name: "preempt",
        value: preempt,
        min: 0,
        max: 1,
        what: "1: requested pages have a channel",
      },
      { name: "limited", value: limited, min: 0, max: 1, what: "1: other pages have a limit" },
    ],
    (values) => ({
      kind: "qemu",
      downtimeLimit: "1 cycles",
      postcopy: {
        rounds: fieldOf(values, "rounds"),
        preempt: values["preempt"] === 1,
        // Any page is more than a window may have.
        ...(values["limited"] === 1 ? { maxBandwidth: "0.001MiB/s" } : {}),
      },
    }),
    { technique: "writeProtect", aborts: 0, fails },
    { model: postcopyModel, system: postcopySystem },
  );
}

const migrations: readonly ModelEntry[] = [
  migrationEntry(
    "migration",
    `a live migration of one VM under ${WRITES.label}, by libxc's policy: one live round, as so few pages are dirty`,
    [],
    () => ({ kind: "libxc" }),
  ),
  migrationEntry(
    "migration-rounds",
    "the same by QEMU's policy with no downtime to spare: live rounds with harvests between them",
    [{ name: "rounds", value: 3, min: 1, max: 5, what: "live rounds at most (maxRounds)" }],
    // Without time no bandwidth is measured, and nothing but an empty queue is little enough.
    (values) => ({ kind: "qemu", downtimeLimit: "1 cycles", maxRounds: fieldOf(values, "rounds") }),
  ),
  migrationEntry(
    "migration-write-protection",
    "a live migration of one VM under write protection, by libxc's policy",
    [],
    () => ({ kind: "libxc" }),
    { technique: "writeProtect" },
  ),
  migrationEntry(
    "migration-throttled",
    "the same by QEMU's policy with auto-converge: the VM is made to run less, and let go at the end",
    [{ name: "rounds", value: 3, min: 3, max: 5, what: "live rounds at most (maxRounds)" }],
    (values) => ({
      kind: "qemu",
      downtimeLimit: "1 cycles",
      maxRounds: fieldOf(values, "rounds"),
      autoConverge: { initial: 50, increment: 49, max: 99 },
    }),
    { technique: "writeProtect", pages: 1 },
  ),
  postcopyEntry(
    "postcopy",
    "a migration that goes on as post-copy: the guest runs at the destination, and waits for pages that are requested",
    { fails: 0, rounds: 0, preempt: 0, limited: 1 },
  ),
  postcopyEntry(
    "postcopy-recovery",
    "the same with a channel for requested pages, and links that fail: the rest is what has not come",
    { fails: 1, rounds: 0, preempt: 1, limited: 0 },
  ),
  migrationEntry(
    "migration-device",
    "a live migration of one VM, whose device writes its memory until the VM is stopped",
    [],
    () => ({ kind: "libxc" }),
    { technique: "writeProtect", pages: 1, device: true },
  ),
];

function checkpointEntry(
  name: string,
  what: string,
  mode: CheckpointMode,
  more: readonly Parameter[],
  technique: Technique = WRITES.name,
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): CheckpointModelOptions => ({
    technique: mode === "stop" ? "none" : technique,
    vcpus: [1],
    ...sizesOf(values),
    mode,
    times: values["times"] ?? 0,
    inPlace: mutation?.storageFault === "writesInPlace",
    operationFaults: mutation?.operationFault === undefined ? [] : [mutation.operationFault],
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    parameters: [...geometry(2, 1, 0), ...more],
    build: (values, mutation) => checkpointModel(name, options(values, mutation)),
    system: (values, mutation) => checkpointSystem(options(values, mutation)).system,
  };
}

const checkpoints: readonly ModelEntry[] = [
  checkpointEntry(
    "checkpoint",
    `live checkpoints of one VM under ${WRITES.label}, epoch by epoch`,
    "live",
    [],
  ),
  checkpointEntry(
    "checkpoint-write-protection",
    "live checkpoints of one VM under write protection",
    "live",
    [],
    "writeProtect",
  ),
  checkpointEntry("checkpoint-stop", "stop-and-copy checkpoints of one VM", "stop", [
    { name: "times", value: 2, min: 1, max: 3, what: "checkpoints taken" },
  ]),
  checkpointEntry(
    "checkpoint-diff",
    `differential checkpoints of one VM under ${WRITES.label}, one of which the storage may refuse`,
    "diff",
    [{ name: "times", value: 3, min: 1, max: 4, what: "checkpoints taken" }],
  ),
];

function estimateEntry(
  reader: UnitDeclaration,
  how: string,
  source: EstimateModelOptions["source"],
  reads: 0 | 1,
): ModelEntry {
  const name = `estimate-${reader.name}`;
  const options = (values: Values, mutation: Mutation | null): EstimateModelOptions => ({
    technique: reader.name,
    vcpus: [1],
    ...sizesOf(values),
    source,
    ...faultsOf(mutation),
  });
  return {
    name,
    what: `an estimation with ${reader.label}: ${how}`,
    // Of a log of one entry VEE21's slot rule uses none.
    parameters: geometry(2, source === "counts" ? 2 : 1, reads),
    build: (values, mutation) => estimateModel(name, options(values, mutation)),
    system: (values, mutation) => estimateSystem(options(values, mutation)),
  };
}

const estimates: readonly ModelEntry[] = [
  estimateEntry(ACCESSES, "armed, looked at, disarmed", "counts", 1),
  estimateEntry(WRITES, "a CLEAN each interval", "harvests", 0),
];

interface HostSizes {
  readonly vcpus: readonly number[];
  readonly pages: number;
  readonly frames: number;
  readonly balloons?: 0 | 1;
}

function overcommitEntry(
  name: string,
  what: string,
  technique: Technique,
  { vcpus, pages, frames, balloons = 1 }: HostSizes,
): ModelEntry {
  const options = (values: Values, mutation: Mutation | null): OvercommitModelOptions => ({
    technique,
    vcpus,
    cpus: values["cpus"] ?? 1,
    ...sizesOf(values),
    frames: fieldOf(values, "frames"),
    initialPages: Math.min(
      fieldOf(values, "pages"),
      Math.floor(fieldOf(values, "frames") / vcpus.length),
    ),
    harvests: values["harvests"] === 1,
    balloons: values["balloons"] === 1,
    swapsUnflushed: mutation?.operationFault === "swapBeforeInvept",
    ...faultsOf(mutation),
  });
  return {
    name,
    what,
    parameters: [
      // With one level no table is added when a page comes.
      ...geometry(pages, 1, 0).filter((one) => one.name !== "levels"),
      { name: "frames", value: frames, min: 2, max: 6, what: "frames of the host" },
      ...(vcpus.length > 1
        ? [{ name: "cpus", value: 1, min: 1, max: 2, what: "physical CPUs" }]
        : []),
      {
        name: "balloons",
        value: balloons,
        min: 0,
        max: 1,
        what: "1: balloons are told sizes at any moment",
      },
      { name: "harvests", value: 0, min: 0, max: 1, what: "1: harvests at any moment" },
    ],
    build: (values, mutation) => overcommitModel(name, options(values, mutation)),
    system: (values, mutation) => overcommitSystem(options(values, mutation)).system,
  };
}

const hosts: readonly ModelEntry[] = [
  overcommitEntry(
    "paging",
    "a VM of three pages on a host of two frames, and its balloon",
    "none",
    {
      vcpus: [1],
      pages: 3,
      frames: 2,
    },
  ),
  overcommitEntry("paging-two-vms", "two VMs that take frames from each other", "none", {
    vcpus: [1, 1],
    pages: 2,
    frames: 2,
    balloons: 0,
  }),
  overcommitEntry(
    "paging-write-protection",
    "a VM that is paged and tracked at once",
    "writeProtect",
    {
      vcpus: [1],
      pages: 3,
      frames: 2,
    },
  ),
  overcommitEntry(`paging-${WRITES.name}`, `the same under ${WRITES.label}`, WRITES.name, {
    vcpus: [1],
    pages: 3,
    frames: 2,
  }),
  overcommitEntry("paging-scan", "the same with scans of A and D flags", "accessedDirtyScan", {
    vcpus: [1],
    pages: 3,
    frames: 2,
  }),
];

export const OPERATIONS: readonly ModelEntry[] = [
  ...migrations,
  ...checkpoints,
  ...estimates,
  ...hosts,
];
