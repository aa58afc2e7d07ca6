/**
 * Checkpoints of one VM, with its guest writing at any moment: of the running VM, in epochs, as Remus
 * does (NSDI'08: output waits for the acknowledgement of its epoch), stop-and-copy, and differential. The storage may
 * fail at any moment: for good, or of differential checkpoints one.
 */
import { checkpointDiffMachine } from "../../../machines/checkpointDiff.ts";
import { checkpointLiveMachine } from "../../../machines/checkpointLive.ts";
import { checkpointStopMachine } from "../../../machines/checkpointStop.ts";
import { Problems } from "../../errors.ts";
import { WRITTEN } from "../../hardware/guestForm.ts";
import { joined } from "../../hardware/normalForm.ts";
import { itemAt, present } from "../../lookup.ts";
import { contextOf } from "../../system/actorContexts.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { Operation, OperationFactory, OperationFault } from "../../system/operation.ts";
import { subjectOf } from "../../system/operations/all.ts";
import type { CheckpointResult } from "../../system/operations/checkpoint/checkpointResult.ts";
import {
  type CheckpointMode,
  checkpointSchema,
} from "../../system/operations/checkpoint/checkpointSchema.ts";
import { CheckpointOperation, checkpointPlan } from "../../system/operations/checkpoint.ts";
import { isMeant } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { Model } from "../engine/model.ts";
import type { StepCheck, StepContext } from "../hypervisor/stepContext.ts";
import { type Commands, systemModel } from "../hypervisor/systemModel.ts";
import { over, type Property } from "../properties/property.ts";
import { nothingLeft } from "./aftermath.ts";
import { CheckpointState } from "./checkpointState.ts";
import { ModelStorage, STORAGE, storageActor } from "./failingStorage.ts";
import {
  logProperties,
  noPageLost,
  noStaleTranslations,
  pausedVcpusRunAgain,
  protocolProperties,
  standsStill,
} from "./properties.ts";
import { smallSystem } from "./smallSystem.ts";
import { indexInRange, noFlagWithoutAccess, servedLogIsEmpty } from "./stepChecks.ts";
import type { TrackingOptions } from "./tracking.ts";

export const RESTORED_IS_MEMORY = "a restored checkpoint equals memory at its epoch";
export const LAST_ONE_STAYS = "a failure at any moment leaves the last complete checkpoint";
export const OUTPUT_WAITS = "output is released only after the acknowledgement of its epoch";

export const STANDS_STILL = "pages are copied while the VM stands still";

/** As scenarios write it; the explorer lets it end at any moment. */
const SHORTEST_EPOCH = "1ms";

export interface CheckpointModelOptions extends TrackingOptions {
  readonly mode: CheckpointMode;
  /** Modes stop and diff: how many checkpoints are taken. */
  readonly times?: number;
  /** A planted fault: the storage writes over the file that it has. */
  readonly inPlace?: boolean;
  /** A planted fault of the operation. */
  readonly operationFaults?: readonly OperationFault[];
}

interface CheckpointSystem {
  readonly system: System;
  readonly state: CheckpointState;
}

export function checkpointSystem(options: CheckpointModelOptions): CheckpointSystem {
  const { mode, times = 1 } = options;
  const storage = new ModelStorage(options.inPlace ?? false, mode === "diff");
  const config = checkpointSchema.parse({
    kind: "checkpoint",
    mode,
    epoch: SHORTEST_EPOCH,
    times: mode !== "live" ? Array.from({ length: times }, (_, i) => `${i + 1} cycles`) : [],
    accessesPerOutput: 1,
    // The VM's memory alone: what goes with it would be the state of the explorer's own step.
    state: false,
  });
  const made: { state?: CheckpointState } = {};
  const factory: OperationFactory = (world, host): Operation => {
    const subject = subjectOf(world.config, {
      deadlineCycles: 1,
      faults: options.operationFaults ?? [],
    });
    const plan = checkpointPlan(config, subject, new Problems());
    const operation = new CheckpointOperation(plan, storage, world, host);
    const state = new CheckpointState(world, operation.device, storage);
    made.state = state;
    return {
      kind: operation.kind,
      main: operation.main,
      helpers: [storageActor(storage)],
      parts: operation.parts,
      form: joined(state.forms()),
      contents: (vm) => state.contents(vm),
      result: (actors): CheckpointResult => operation.result(actors),
    };
  };
  const system = smallSystem({ ...options, keepVersions: true, operation: factory });
  return { system, state: present(made.state, "the operation's state") };
}

export function checkpointModel(name: string, options: CheckpointModelOptions): Model {
  const { system, state } = checkpointSystem(options);
  const { mode } = options;
  const live = mode === "live";
  const tracks = mode !== "stop";
  return systemModel(system, {
    name,
    reads: options.reads ?? false,
    owed: tracks ? WRITTEN : 0,
    commands: storageFails,
    stepChecks: [indexInRange, noFlagWithoutAccess, servedLogIsEmpty, ...checkpointChecks(state)],
    properties: [
      ...protocolProperties(system, ASKING[mode]),
      ...(tracks ? [...noPageLost(), ...noStaleTranslations(system)] : []),
      ...pausedVcpusRunAgain(system),
      ...(tracks ? logProperties(system) : []),
      standsStill(system, STANDS_STILL, live ? ["copying"] : ["writing"]),
      { kind: "step", name: RESTORED_IS_MEMORY },
      { kind: "step", name: LAST_ONE_STAYS },
      // A stop-and-copy checkpoint whose storage has failed goes back to where others do; a differential one to tracking.
      ...(mode === "diff"
        ? []
        : [nothingLeft(system, ({ value }) => value === (live ? "unprotected" : "running"))]),
      ...(live ? liveProperties() : []),
    ],
  });
}

/** States in which the toolstack waits for somebody. */
const ASKING: Readonly<Record<CheckpointMode, readonly string[]>> = {
  live: [
    "arming",
    "copying",
    "late",
    "pausing",
    "harvesting",
    "finishing",
    "stopping",
    "disarming",
  ],
  stop: ["pausing", "writing", "closing"],
  diff: ["arming", "pausing", "harvesting", "writing", "closing"],
};
/** The storage has failed, and the toolstack knows. */
const GIVEN_UP = ["stopping", "disarming", "unprotected", "failed"];

const storageFails: Commands = (actor, { value }) =>
  isMeant(actor, { helper: STORAGE }) && value === "working" ? [{ type: "linkDown" }] : [];

function liveProperties(): Property[] {
  const isOneOf = (...states: readonly string[]) =>
    over(["toolstack"], ({ value }: ActorSnapshot) => states.includes(value));
  return [
    { kind: "step", name: OUTPUT_WAITS },
    {
      kind: "leadsTo",
      name: "an epoch comes to its end",
      when: isOneOf("running"),
      that: isOneOf("late", "pausing", "done", ...GIVEN_UP),
    },
    { kind: "sometimes", name: "an epoch waits for its storage", that: isOneOf("late") },
    { kind: "sometimes", name: "the VM runs on unprotected", that: isOneOf("unprotected") },
  ];
}

/** How many checkpoints the toolstack knows that it has not written. */
function failuresOf(system: System): number {
  const toolstack = system.actor("toolstack");
  const machine = [checkpointStopMachine, checkpointDiffMachine].find(
    ({ id }) => id === toolstack.machine.id,
  );
  return contextOf(toolstack, machine ?? checkpointLiveMachine).failures.length;
}

/** In this order: the first notes what the others compare with. */
function checkpointChecks(state: CheckpointState): readonly StepCheck[] {
  const { copied, acknowledged, storage } = state;
  const book = state.device.book;
  const opOf = ({ role, requests }: StepContext): string =>
    role.kind === "toolstack" ? (requests[0]?.op ?? "") : "";
  const restoresTo = (wanted: readonly Int32Array[], bytes?: Buffer): boolean => {
    const found = state.restored(bytes);
    if (found === null) return wanted.every((versions) => versions.every((one) => one < 0));
    return found.every((versions, vm) =>
      versions.every((version, page) => version === itemAt(wanted, vm)[page]),
    );
  };
  return [
    {
      property: LAST_ONE_STAYS,
      begin(step) {
        if (opOf(step) !== "commit") return null;
        return () => storage.crashes().every((bytes) => restoresTo(acknowledged, bytes));
      },
    },
    {
      property: RESTORED_IS_MEMORY,
      begin(step) {
        const { system } = step;
        const op = opOf(step);
        if (op === "copy") {
          system.world.vms.forEach(({ guest }, vm) => {
            itemAt(copied, vm).set(guest.versions);
          });
          state.durable = false;
        }
        if (op !== "commit") return null;
        const failures = failuresOf(system);
        return () => {
          if (storage.commits > 0) state.durable = true;
          // The toolstack believes that it is on the storage.
          if (failuresOf(system) === failures) {
            for (const [vm, versions] of copied.entries()) itemAt(acknowledged, vm).set(versions);
          }
          return restoresTo(acknowledged);
        };
      },
    },
    {
      property: OUTPUT_WAITS,
      begin({ role, system }) {
        if (role.kind !== "toolstack") return null;
        const { outputs } = book.held;
        return () => {
          const { value } = system.actor("toolstack").snapshot;
          return book.held.outputs === outputs || state.durable || GIVEN_UP.includes(value);
        };
      },
    },
  ];
}
