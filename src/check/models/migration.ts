/**
 * A live migration of one VM under PML, with its guest writing, the operator aborting, and the link
 * failing, at any moment. There is no time, so no bandwidth is measured: libxc's policy then goes by
 * counts of pages and rounds, QEMU's by rounds and by whether anything is left to send.
 */

import type * as z from "zod";
import { migrationMachine } from "../../../machines/migration.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { Field } from "../../hardware/vmcs.ts";
import { itemAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { OperationFactory, OperationFault } from "../../system/operation.ts";
import { operationIn } from "../../system/operations/all.ts";
import {
  type MigrateConfig,
  migrateSchema,
} from "../../system/operations/migration/migrateSchema.ts";
import type { System } from "../../system/system.ts";
import { LOG_CONTROLS } from "../../units/all.ts";
import type { Model } from "../engine/model.ts";
import { type SystemModelOptions, systemModel } from "../hypervisor/systemModel.ts";
import { over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";
import { nothingLeft } from "./aftermath.ts";
import { stoppedAtLast } from "./devices.ts";
import {
  HARVEST_STANDS_STILL,
  logProperties,
  noPageLost,
  noStaleTranslations,
  protocolProperties,
  standsStill,
} from "./properties.ts";
import { smallSystem } from "./smallSystem.ts";
import { indexInRange, noFlagWithoutAccess, servedLogIsEmpty } from "./stepChecks.ts";
import type { TrackingOptions } from "./tracking.ts";

export const MEMORY_EQUAL = "a migration ends with equal memory, or with the VM at the source";
/** libxc and QEMU alike: the VM goes on where it was, and log-dirty mode is switched off (xg_sr_save.c, cleanup). */
export const CANCELLED_RUNS_ON = "a cancelled migration leaves the VM running at the source";
export const CANCELLED_IS_UNTRACKED = "after a cancelled migration nothing is tracked";
export const LIVE_ROUNDS = "a second live round is sent";
export const GIVEN_UP = "the policy gives up";

/** States in which the toolstack waits for others, or for the link. */
const ASKING = [
  "pausingToArm",
  "arming",
  "sending",
  "sendingLast",
  "pausing",
  "harvesting",
  "suspending",
  "harvestingLast",
  "disarming",
  "pausingToCancel",
  "cancelling",
  "packaging",
  "switching",
  "postcopy",
  "comparing",
];

/** As scenarios write it; the explorer lets it come at any moment. */
export const SOON = "1 cycles";

export interface MigrationOptions extends TrackingOptions {
  readonly operationFaults?: readonly OperationFault[];
  /** Whether the operator may abort, and whether the link may fail. */
  readonly aborts?: boolean;
  readonly linkFails?: boolean;
  readonly policy: z.input<typeof migrateSchema>["policy"];
  /** When there is another link after one that has failed in post-copy. */
  readonly recovers?: { readonly recoverAfter: string };
}

/** @param changed what the model has in place of the operation as it is */
export function migrationSystem(
  options: MigrationOptions,
  changed: (operation: OperationFactory) => OperationFactory = (operation) => operation,
): System {
  const config = migrateSchema.parse({
    kind: "migrate",
    start: SOON,
    batch: 1,
    ...(options.aborts === true ? { abortAfter: SOON } : {}),
    link: options.linkFails === true ? { failAfter: SOON, ...options.recovers } : {},
    policy: options.policy,
  });
  const operation = operationIn(withoutTime(config), { faults: options.operationFaults ?? [] });
  return smallSystem({ ...options, keepVersions: true, operation: changed(operation) });
}

/**
 * There is no time in which to dirty memory too fast: each look at the dirty rate is at the end of a period, and
 * anything that is dirty is too much.
 */
function withoutTime(config: MigrateConfig): MigrateConfig {
  const { policy } = config;
  if (policy.kind !== "qemu" || policy.autoConverge === undefined) return config;
  const autoConverge = { ...policy.autoConverge, period: -1, threshold: 0 };
  return { ...config, policy: { ...policy, autoConverge } };
}

export function migrationModel(name: string, options: MigrationOptions): Model {
  return modelOf(name, migrationSystem(options), options);
}

/** What a model of post-copy has beside. */
type Besides = Pick<SystemModelOptions, "besides" | "stepChecks" | "properties">;

/** @param more what it has beside */
export function modelOf(
  name: string,
  system: System,
  options: MigrationOptions,
  more: Besides = { stepChecks: [], properties: [] },
): Model {
  const read = contextReader(system, "toolstack", migrationMachine);
  return systemModel(system, {
    ...more,
    name,
    timeStandsStill: "QEMU's policy measures the bandwidth, and looks at it every 50 ms",
    pagesDiffer: "pages are not alike: a migration sends them one by one, the lowest first",
    reads: options.reads ?? false,
    ...(options.device === undefined ? {} : { choosers: [options.device.chooser] }),
    stepChecks: [indexInRange, noFlagWithoutAccess, servedLogIsEmpty, ...more.stepChecks],
    properties: [
      ...more.properties,
      ...protocolProperties(system, ASKING),
      ...noPageLost(),
      ...noStaleTranslations(system),
      ...logProperties(system),
      {
        kind: "always",
        name: MEMORY_EQUAL,
        when: over(["toolstack"], (toolstack: ActorSnapshot) => {
          return read(toolstack).comparison !== "none";
        }),
        that: over(["toolstack"], (toolstack: ActorSnapshot) => {
          return read(toolstack).comparison === "equal";
        }),
      },
      standsStill(system, HARVEST_STANDS_STILL, ["harvesting", "harvestingLast"]),
      ...(options.device === undefined ? [] : stoppedAtLast(system)),
      ...(mayBeCancelled(options) ? cancelledProperties(system) : []),
      ...(isInRounds(options) ? roundProperties(system) : []),
    ],
  });
}

/** Whether the policy goes on while a few pages are dirty, and gives up after so many rounds. */
function isInRounds({ policy }: MigrationOptions): boolean {
  return policy?.kind === "qemu" && policy.postcopy === undefined;
}

function mayBeCancelled(options: MigrationOptions): boolean {
  return options.aborts === true || options.linkFails === true || isInRounds(options);
}

/** Given up by the operator, the link or the policy: the VM was never anywhere else. */
function cancelledProperties(system: System): Property[] {
  const [vcpu] = itemAt(system.world.vms, 0).vcpus;
  const read = contextReader(system, "toolstack", migrationMachine);
  const isCancelled = (toolstack: ActorSnapshot) => read(toolstack).cancelledBy !== "nobody";
  return [
    {
      kind: "leadsTo",
      name: CANCELLED_RUNS_ON,
      when: over(["toolstack"], isCancelled),
      that: over(
        ["toolstack", `vcpu${vcpu}`, "vm0/tracker"],
        (toolstack: ActorSnapshot, guest: ActorSnapshot, tracker: ActorSnapshot) =>
          isCancelled(toolstack) && guest.value === "guest" && tracker.value === "off",
      ),
    },
    nothingLeft(system, (toolstack) => isCancelled(toolstack) && toolstack.value === "settling"),
    {
      kind: "always",
      name: CANCELLED_IS_UNTRACKED,
      when: over(["toolstack"], (toolstack: ActorSnapshot) => {
        return isCancelled(toolstack) && ["settling", "done"].includes(toolstack.value);
      }),
      that: over(
        ["vm0/tracker", `vcpu${vcpu}/vmcs`],
        (tracker: ActorSnapshot, { fields }: Words) =>
          tracker.value === "off" &&
          (itemAt(fields!, 2 * Field.secondaryControls) & LOG_CONTROLS) === 0,
      ),
    },
  ];
}

/** What a policy of several rounds comes to, so that the rest says something about it. */
function roundProperties(system: System): Property[] {
  const read = contextReader(system, "toolstack", migrationMachine);
  return [
    {
      kind: "sometimes",
      name: LIVE_ROUNDS,
      that: over(["toolstack"], (toolstack: ActorSnapshot) => {
        return toolstack.value === "sending" && read(toolstack).progress.iteration > 0;
      }),
    },
    {
      kind: "sometimes",
      name: GIVEN_UP,
      that: over(["toolstack"], (toolstack: ActorSnapshot) => {
        return read(toolstack).cancelledBy === "policy";
      }),
    },
  ];
}
