/** Every planted fault, by name. */
import { callMutations } from "./calls.ts";
import { checkpointMutations } from "./checkpoint.ts";
import { deviceMutations } from "./devices.ts";
import { droppingMutations } from "./droppingUnits.ts";
import { estimateMutations } from "./estimate.ts";
import { guestMutations } from "./guests.ts";
import { hostEntryMutations } from "./hostEntries.ts";
import { hypervisorWriteMutations } from "./hypervisorWrites.ts";
import { interruptMutations } from "./interrupts.ts";
import { largeLeafMutations } from "./largeLeaves.ts";
import { lazyTypeMutations } from "./lazyTypes.ts";
import { machineUnitMutations } from "./machineUnit.ts";
import { migrationMutations } from "./migration.ts";
import type { Mutation } from "./mutation.ts";
import { operationMutations } from "./operations.ts";
import { pagingMutations } from "./paging.ts";
import { pieceMutations } from "./pieces.ts";
import { pmlMutations } from "./pml.ts";
import { postcopyMutations } from "./postcopy.ts";
import { prlMutations } from "./prl.ts";
import { schedulingMutations } from "./scheduling.ts";
import { slotMutations } from "./slots.ts";
import { stoppingMutations } from "./stoppingUnits.ts";

export const MUTATIONS: readonly Mutation[] = [
  ...pmlMutations,
  ...interruptMutations,
  ...prlMutations,
  ...operationMutations,
  ...migrationMutations,
  ...postcopyMutations,
  ...largeLeafMutations,
  ...lazyTypeMutations,
  ...checkpointMutations,
  ...estimateMutations,
  ...guestMutations,
  ...schedulingMutations,
  ...pagingMutations,
  ...pieceMutations,
  ...droppingMutations,
  ...machineUnitMutations,
  ...stoppingMutations,
  ...slotMutations,
  ...deviceMutations,
  ...hypervisorWriteMutations,
  ...hostEntryMutations,
  ...callMutations,
];
