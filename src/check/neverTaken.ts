/**
 * Transitions of the machines that no model takes, each with the reason; held against what models take, so that
 * the list neither hides a hole nor claims one.
 */

import { NEVER_TAKEN_OF_UNITS } from "../../machines/units/all.ts";
import type { MachineCoverage } from "./coverage.ts";

const ONE_VM = "models of operations have one VM";
const ONE_HALTS = "the model whose guest halts has one VM";
const NO_HALT = "in models of this operation no guest halts";
const NO_DEADLINE = "the operation's time begins when its VMs run: it is up then, or never";
const NO_END = "in models this operation ends by itself";
const NOT_OVERCOMMITTED = "in this machine's models every page has its frame";
const VALID_ENTRIES = "the VMCS of a model's guest is valid";
const NO_OTHER_EXITS = "guests of models read, write and halt";
const NO_CRASH = "no access of a model's guest goes where nothing is";
const PAUSED_FIRST =
  "a VM is paused before it is disarmed, and its exits are handled before it is paused";
const ONE_PROCESS = "one process computes on the pVM in models";
const NO_SUCH_COMMAND =
  "the operator of models waits for an answer, and leaves the write mix alone";
const AT_REST = "slots of models are changed while their tracker is at rest";
const ONE_ATTEMPT = "models migrate once, and end then";
const ARMED_BY_NOBODY_ELSE = "in models of this operation nothing is armed before it begins";
const ONE_TARGET = "a balloon of a model is told its next size when it rests";
const ONE_DEVICE = "a VM of a model has one device";
const STOPPED_ONCE = "a VM of a model that has stopped is not stopped again";
const BY_ROUNDS = "in models a migration goes on as post-copy after its rounds";
const LIMITED_ALONE = "the model with a limit has neither failing links nor a channel for requests";
const VM_TIME = "no model's interval goes by the time that a VM has run";

/** By machine: transitions, as branches.ts names them. */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  toolstack: {
    "any: vmHalted [otherwise]": ONE_HALTS,
    "arming: armed [isLastOfAll]": NO_DEADLINE,
    "running: vmHalted [otherwise]": ONE_HALTS,
  },
  mmu: {
    "running: entryRefused": VALID_ENTRIES,
  },
  dispatcher: {
    "guest: vmExit [otherwise]": NO_OTHER_EXITS,
    "guest: entryFailed": VALID_ENTRIES,
    "handling: handled [isNotFixed]": NO_CRASH,
  },
  vcpu: {
    "guest: entryFailed": VALID_ENTRIES,
  },
  ...NEVER_TAKEN_OF_UNITS,
  tracker: {
    "any: pageMissing [otherwise]": NOT_OVERCOMMITTED,
    "off: inveptDone [isLast]": PAUSED_FIRST,
    "off: inveptDone [otherwise]": PAUSED_FIRST,
    "preparing: tablesChanged [armsUnflushed]": "the planted fault skip-invept takes it",
    "preparing: tablesChanged [harvestsUnflushed]": "the planted fault skip-invept takes it",
    "preparing: harvestPeeked": "models harvest with CLEAN",
    "preparing: inveptDone [otherwise]":
      "models in which a ring fills while pages are armed have one CPU",
    "preparing: setRegion": AT_REST,
    "flushing: setRegion": AT_REST,
    "changing: setRegion": AT_REST,
    "changing: disarm": "in models of slots nobody disarms",
    "changing: inveptDone [otherwise]": "models of slots have one CPU",
    "logging: arm [answersLikeKvm]": "models answer as Xen does",
  },
  pvmCpu: {
    "any: compute [otherwise]": ONE_PROCESS,
  },
  operator: {
    "any: setWriteIntensity": NO_SUCH_COMMAND,
    "any: intensitySet": NO_SUCH_COMMAND,
    "any: typeText": NO_SUCH_COMMAND,
    "any: textTyped": NO_SUCH_COMMAND,
    "any: harvestNow": NO_SUCH_COMMAND,
    "any: switchTracker": NO_SUCH_COMMAND,
  },
  ioDevice: {
    "stopped: drainDevice": STOPPED_ONCE,
  },
  runState: {
    "controlling: deviceDrained [otherwise]": ONE_DEVICE,
  },
  balloon: {
    "any: targetSet": ONE_TARGET,
    "inflating: inflateDue [otherwise]": ONE_TARGET,
    "giving: gaveBack [goesOn]": "a balloon of a model has one page to give",
  },
  pager: {
    "flushing: inveptDone [otherwise]": "an overcommitted host of a model has one CPU",
  },
  postcopySender: {
    "sleeping: requested [isTaken]": LIMITED_ALONE,
    "sleeping: linkLost": LIMITED_ALONE,
  },
  migration: {
    "any: postcopyDue": BY_ROUNDS,
    "deciding: always [goesPostcopy]": BY_ROUNDS,
    "packaging: abortDue": "the operator of models of post-copy does not abort",
    "switching: disarmed [isNothingMissing]":
      "in models of post-copy pages are missing at the switch",
    "comparing: compared [otherwise]": ONE_ATTEMPT,
    "any: vmHalted": NO_HALT,
    "any: migrationDue": ONE_ATTEMPT,
    "any: deadline": NO_END,
    "arming: armRefused": ARMED_BY_NOBODY_ELSE,
    "arming: disarmed": ARMED_BY_NOBODY_ELSE,
    "disarming: disarmed [isToBeRepeated]": ONE_ATTEMPT,
    "disarming: disarmed [otherwise]": ONE_ATTEMPT,
    "sending: batchArrived [otherwise]": ONE_ATTEMPT,
    "sendingLast: batchArrived [otherwise]": ONE_ATTEMPT,
    "sendingLast: destinationReady [otherwise]": ONE_ATTEMPT,
    "cancelling: disarmed [isToBeRepeated]": ONE_ATTEMPT,
    "cancelling: disarmed [allAreHalted]": NO_HALT,
    "settling: vmHalted [isLastToHalt]": NO_HALT,
    "settling: vmHalted [otherwise]": NO_HALT,
    "done: settled": ONE_ATTEMPT,
  },
  checkpointLive: {
    "any: vmHalted [allHalted]": NO_HALT,
    "any: vmHalted [otherwise]": NO_HALT,
    "arming: armed [otherwise]": ONE_VM,
    "arming: armRefused": ARMED_BY_NOBODY_ELSE,
    "arming: disarmed": ARMED_BY_NOBODY_ELSE,
    "running: vmHalted [allHaltedAndWriting]": NO_HALT,
    "running: vmHalted [allHalted]": NO_HALT,
    "running: vmHalted [otherwise]": NO_HALT,
    "pausing: vmPaused [otherwise]": ONE_VM,
    "harvesting: harvested [otherwise]": ONE_VM,
    "stopping: vmPaused [otherwise]": ONE_VM,
    "disarming: disarmed [otherwise]": ONE_VM,
    "unprotected: vmHalted [allHalted]": NO_HALT,
    "unprotected: vmHalted [otherwise]": NO_HALT,
  },
  checkpointDiff: {
    "any: vmHalted [allHalted]": NO_HALT,
    "any: vmHalted [otherwise]": NO_HALT,
    "arming: armed [otherwise]": ONE_VM,
    "arming: armRefused": ARMED_BY_NOBODY_ELSE,
    "arming: disarmed": ARMED_BY_NOBODY_ELSE,
    "running: vmHalted [allHalted]": NO_HALT,
    "running: vmHalted [otherwise]": NO_HALT,
    "pausing: vmPaused [otherwise]": ONE_VM,
    "harvesting: harvested [otherwise]": ONE_VM,
  },
  checkpointStop: {
    "any: vmHalted [allHalted]": NO_HALT,
    "any: vmHalted [otherwise]": NO_HALT,
    "running: vmHalted [allHalted]": NO_HALT,
    "running: vmHalted [otherwise]": NO_HALT,
    "pausing: vmPaused [otherwise]": ONE_VM,
  },
  estimation: {
    "any: vmHalted": NO_HALT,
    "any: deadline": NO_END,
    "preparing: estimatorReady [isLastOfAll]": NO_END,
    "preparing: estimatorReady [otherwise]": ONE_VM,
    "running: vmHalted [allHalted]": NO_HALT,
    "running: vmHalted [otherwise]": NO_HALT,
    "ending: estimationEnded [otherwise]": ONE_VM,
  },
  estimator: {
    "arming: begun [isTruth]": "no model estimates by the truth",
    "arming: armRefused": ARMED_BY_NOBODY_ELSE,
    "arming: disarmed": ARMED_BY_NOBODY_ELSE,
    "ready: endEstimation": NO_END,
    "sleeping: notDue": VM_TIME,
    "sleeping: due [asks]": VM_TIME,
    "harvesting: harvested [otherwise]": ONE_VM,
    "reading: counted [isTruth]": "no model estimates by the truth",
    "ended: notDue": VM_TIME,
  },
};

/** What all models together have taken, and what is wrong with that. */
export interface CoverageVerdict {
  readonly transitions: number;
  readonly taken: number;
  readonly excepted: number;
  /** In sentences: never taken without a reason, taken in spite of one, and reasons for what is not there. */
  readonly wrong: readonly string[];
}

/**
 * @param reports of the models, one list each
 * @param isWhole every model was explored to its end: only then something was never taken
 */
export function judgeCoverage(
  reports: readonly (readonly MachineCoverage[])[],
  isWhole: boolean,
): CoverageVerdict {
  const machines = new Map<string, { readonly all: Set<string>; readonly taken: Set<string> }>();
  for (const { machine, takenTransitions, unseenTransitions } of reports.flat()) {
    if (NOT_OURS.includes(machine)) continue;
    const { all, taken } = machines.get(machine) ?? { all: new Set(), taken: new Set() };
    machines.set(machine, { all, taken });
    for (const one of takenTransitions) taken.add(one);
    for (const one of [...takenTransitions, ...unseenTransitions]) all.add(one);
  }
  const wrong: string[] = [];
  let [transitions, taken, excepted] = [0, 0, 0];
  for (const [machine, of] of machines) {
    const exceptions = EXCEPTIONS[machine] ?? {};
    transitions += of.all.size;
    taken += of.taken.size;
    for (const one of of.all) {
      const reason = exceptions[one];
      if (of.taken.has(one)) {
        if (reason !== undefined) wrong.push(`${machine}, ${one}: is taken, though "${reason}"`);
      } else if (reason !== undefined) excepted++;
      else if (isWhole) wrong.push(`${machine}, ${one}: no model takes it, and no reason is given`);
    }
    for (const one of Object.keys(exceptions)) {
      if (!of.all.has(one))
        wrong.push(`${machine} has no transition "${one}", for which a reason is given`);
    }
  }
  return { transitions, taken, excepted, wrong };
}

/** Machines of other systems than the emulator's. */
const NOT_OURS: readonly string[] = ["transactionManager", "resourceManager"];
