/** A live migration of one VM under PML, with its guest writing, and the operator aborting, at any moment. */
import type { MigrationContext } from "../../../machines/migrationContext.ts";
import { Destination } from "../../hypervisor/migration/destination.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { OperationFault } from "../../system/operation.ts";
import { migrate, migrateSchema } from "../../system/operations/migrate.ts";
import type { System } from "../../system/system.ts";
import type { Model } from "../engine/model.ts";
import { partsSlot } from "../hypervisor/memorySlots.ts";
import { indexInRange, noFlagWithoutAccess, servedLogIsEmpty } from "../hypervisor/stepChecks.ts";
import { systemModel } from "../hypervisor/systemModel.ts";
import type { PageContents } from "../hypervisor/truthSlot.ts";
import { over } from "../properties/property.ts";
import {
  noPageLost,
  noStaleTranslations,
  pmlProperties,
  protocolProperties,
} from "./properties.ts";
import { smallSystem } from "./smallSystem.ts";
import type { TrackingOptions } from "./tracking.ts";

export const MEMORY_EQUAL = "a migration ends with equal memory, or with the VM at the source";

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
];

/** As scenarios write it; the explorer lets it come at any moment. */
const SOON = "1 cycles";

export interface MigrationOptions extends TrackingOptions {
  readonly operationFaults?: readonly OperationFault[];
  /** Whether the operator may abort. */
  readonly aborts?: boolean;
}

export function migrationSystem(options: MigrationOptions): System {
  const config = migrateSchema.parse({
    kind: "migrate",
    start: SOON,
    batch: 1,
    ...(options.aborts === true ? { abortAfter: SOON } : {}),
    policy: { kind: "libxc" },
  });
  const operation = migrate(config, 0, options.operationFaults ?? []);
  return smallSystem({ ...options, keepVersions: true, operation });
}

export function migrationModel(name: string, options: MigrationOptions): Model {
  const system = migrationSystem(options);
  const destination = system.operation.parts.find((part) => part instanceof Destination);
  if (destination === undefined) throw new Error("a migration without a destination");
  return systemModel(system, {
    name,
    contents: () => copiedPages(system, destination),
    operation: partsSlot(
      "operation",
      system.operation.parts.filter((part) => part !== destination),
    ),
    debug: options.debug ?? false,
    reads: options.reads ?? false,
    stepChecks: [indexInRange, noFlagWithoutAccess, servedLogIsEmpty],
    properties: [
      ...protocolProperties(system, ASKING),
      ...noPageLost(),
      ...noStaleTranslations(system),
      ...(options.technique === "pml" ? pmlProperties(system) : []),
      {
        kind: "always",
        name: MEMORY_EQUAL,
        when: over(["toolstack"], ({ context }: ActorSnapshot) => {
          return (context as MigrationContext).comparison !== "none";
        }),
        that: over(["toolstack"], ({ context }: ActorSnapshot) => {
          return (context as MigrationContext).comparison === "equal";
        }),
      },
    ],
  });
}

/** Whether each page's copy is as the page is: how often it was written does not matter. */
function copiedPages({ world }: System, destination: Destination): PageContents {
  const { guest } = world.vms[0]!;
  return {
    save: () => ({
      copied: Array.from(guest.versions, (version, page) =>
        destination.versions[page] === version ? 1 : 0,
      ),
      present: Array.from(destination.present),
    }),
    restore({ copied, present }) {
      destination.versions.set(copied!);
      destination.present.set(present!);
    },
  };
}
