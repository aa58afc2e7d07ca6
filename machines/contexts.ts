/**
 * What the contexts of all machines hold, each machine's declarations in one: what it is set up with, and what it notes
 * besides. Restoring from a file, other numbers for what is alike, and what is no state to the explorer follow from them.
 */
import type { AnyStateMachine, ContextFrom } from "xstate";
import type * as kind from "../src/interconnect/fields.ts";
import { balloonFields, balloonInput, balloonMachine } from "./balloon.ts";
import {
  checkpointDiffFields,
  checkpointDiffInput,
  checkpointDiffMachine,
} from "./checkpointDiff.ts";
import {
  checkpointLiveFields,
  checkpointLiveInput,
  checkpointLiveMachine,
} from "./checkpointLive.ts";
import {
  checkpointStopFields,
  checkpointStopInput,
  checkpointStopMachine,
} from "./checkpointStop.ts";
import { dispatcherFields, dispatcherInput, dispatcherMachine } from "./dispatcher.ts";
import { estimationFields, estimationInput, estimationMachine } from "./estimation.ts";
import { estimatorMachine } from "./estimator.ts";
import { estimatorFields, estimatorInput } from "./estimatorContext.ts";
import { ioDeviceFields, ioDeviceInput, ioDeviceMachine } from "./ioDevice.ts";
import { migrationMachine } from "./migration.ts";
import { migrationFields, migrationInput } from "./migrationContext.ts";
import { mmuFields, mmuInput, mmuMachine } from "./mmu.ts";
import { operatorFields, operatorInput, operatorMachine } from "./operator.ts";
import {
  overcommitmentFields,
  overcommitmentInput,
  overcommitmentMachine,
} from "./overcommitment.ts";
import { pagerFields, pagerInput, pagerMachine } from "./pager.ts";
import {
  postcopyReceiverFields,
  postcopyReceiverInput,
  postcopyReceiverMachine,
} from "./postcopyReceiver.ts";
import {
  postcopySenderFields,
  postcopySenderInput,
  postcopySenderMachine,
} from "./postcopySender.ts";
import { pvmCpuFields, pvmCpuInput, pvmCpuMachine } from "./pvmCpu.ts";
import { runStateFields, runStateInput, runStateMachine } from "./runState.ts";
import { samplerFields, samplerInput, samplerMachine } from "./sampler.ts";
import { schedulerFields, schedulerInput, schedulerMachine } from "./scheduler.ts";
import { sessionFields, sessionInput, sessionMachine } from "./session.ts";
import { throttleFields, throttleInput, throttleMachine } from "./throttle.ts";
import { toolstackFields, toolstackInput, toolstackMachine } from "./toolstack.ts";
import { trackerMachine } from "./tracker.ts";
import { trackerFields, trackerInput } from "./trackerContext.ts";
import { UNIT_STATECHARTS } from "./units/all.ts";
import { vcpuFields, vcpuInput, vcpuMachine } from "./vcpu.ts";

/** A field of a machine's context that is not declared does not compile here. */
function of<Machine extends AnyStateMachine>(
  { id }: Machine,
  fields: Readonly<Record<keyof ContextFrom<Machine>, kind.Fields[string]>>,
): readonly [machine: string, kind.Fields] {
  return [id, fields];
}

const CONTEXTS = new Map([
  of(balloonMachine, { ...balloonInput, ...balloonFields }),
  of(checkpointDiffMachine, { ...checkpointDiffInput, ...checkpointDiffFields }),
  of(checkpointLiveMachine, { ...checkpointLiveInput, ...checkpointLiveFields }),
  of(checkpointStopMachine, { ...checkpointStopInput, ...checkpointStopFields }),
  of(dispatcherMachine, { ...dispatcherInput, ...dispatcherFields }),
  of(estimationMachine, { ...estimationInput, ...estimationFields }),
  of(estimatorMachine, { ...estimatorInput, ...estimatorFields }),
  of(ioDeviceMachine, { ...ioDeviceInput, ...ioDeviceFields }),
  of(migrationMachine, { ...migrationInput, ...migrationFields }),
  of(mmuMachine, { ...mmuInput, ...mmuFields }),
  of(operatorMachine, { ...operatorInput, ...operatorFields }),
  of(overcommitmentMachine, { ...overcommitmentInput, ...overcommitmentFields }),
  of(pagerMachine, { ...pagerInput, ...pagerFields }),
  of(postcopyReceiverMachine, { ...postcopyReceiverInput, ...postcopyReceiverFields }),
  of(postcopySenderMachine, { ...postcopySenderInput, ...postcopySenderFields }),
  ...UNIT_STATECHARTS.map(({ machine: { id }, fields }) => [id, fields] as const),
  of(pvmCpuMachine, { ...pvmCpuInput, ...pvmCpuFields }),
  of(runStateMachine, { ...runStateInput, ...runStateFields }),
  of(samplerMachine, { ...samplerInput, ...samplerFields }),
  of(schedulerMachine, { ...schedulerInput, ...schedulerFields }),
  of(sessionMachine, { ...sessionInput, ...sessionFields }),
  of(throttleMachine, { ...throttleInput, ...throttleFields }),
  of(toolstackMachine, { ...toolstackInput, ...toolstackFields }),
  of(trackerMachine, { ...trackerInput, ...trackerFields }),
  of(vcpuMachine, { ...vcpuInput, ...vcpuFields }),
]);

/** The fields of a machine's context, by the machine's name; undefined if it is none of these. */
export function contextFields(machine: string): kind.Fields | undefined {
  return CONTEXTS.get(machine);
}
