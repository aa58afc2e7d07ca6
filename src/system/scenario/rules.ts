/** Rules across the fields of a scenario: what would change nothing, or could not be, is refused. */

import type { Problems } from "../../errors.ts";
import { FORMATS } from "../../hardware/formats/all.ts";
import { checkRingSize } from "../../hypervisor/dirtyRing.ts";
import type { SlotFault } from "../../hypervisor/slots/slotFaults.ts";
import {
  DESIGNED_TECHNIQUE,
  techniqueOn,
  techniques,
  unitOf,
} from "../../hypervisor/techniques/all.ts";
import type { Technique, TechniqueName } from "../../hypervisor/techniques/technique.ts";
import { TRACKER_FAULTS, type TrackerFault } from "../../hypervisor/trackedVm.ts";
import { recordOf } from "../../lookup.ts";
import {
  logProblem,
  mostOf,
  suits,
  UNIT_FAULTS,
  UNITS,
  type UnitFault,
  writeLog,
} from "../../units/all.ts";
import { WRITE_LOG_LABELS } from "../../units/texts.ts";
import type { Unit } from "../../units/unit.ts";
import { OPERATION_FAULTS, type OperationFault } from "../operation.ts";
import { OPERATIONS, type OperationConfig, ownerOfFault } from "../operations/all.ts";
import type { ConfiguredOperation } from "../operations/declaration.ts";
import type { Scenario } from "../scenarioSchema.ts";
import type { VmPlan } from "../worldPlan.ts";
import { logEntriesOf, scenarioFormat } from "./units.ts";

/** What a rule may look at. */
export interface RuleSubject {
  readonly scenario: Scenario;
  readonly operation: ConfiguredOperation<OperationConfig>;
  /** How the VMs are tracked. */
  readonly technique: TechniqueName;
  /** Of the processors. */
  readonly units: readonly Unit[];
}

type Rule = (subject: RuleSubject, problems: Problems) => void;

/** Those that need not know the guests. */
export const RULES: readonly Rule[] = [
  entryFormat,
  designed,
  ring,
  logs,
  beginsSet,
  splits,
  lazyTypes,
  slots,
  section,
  pieces,
  devices,
  faults,
];

/** The technique of a unit of the scenario's own needs one. */
function designed({ scenario: { machine }, technique }: RuleSubject, problems: Problems): void {
  if (technique !== DESIGNED_TECHNIQUE || machine.unit !== undefined) return;
  problems.add(
    ["machine", "unit"],
    `technique "${technique}" needs it: expected a unit (docs/units.md)`,
  );
}

/** A format of second-level entries has its own guests and units. */
function entryFormat(subject: RuleSubject, problems: Problems): void {
  const { machine, vms, tracker } = subject.scenario;
  const format = scenarioFormat(subject.scenario);
  if (!format.hasCompatibility && machine.compatibility !== "sdm") {
    const message = `with ${format.label} there is none to choose from: expected sdm`;
    problems.add(["machine", "compatibility"], message);
  }
  vms.forEach(({ paging }, number) => {
    if (format.loadsPdptes || paging !== "pae") return;
    const message = `PAE guests are not emulated with ${format.label}: expected longMode or off`;
    problems.add(["vms", number, "paging"], message);
  });
  const unit = loggingUnit(subject);
  if (unit === null || suits(unit, format)) return;
  const { label, formats } = unit.declaration;
  const field =
    techniqueOn(subject.units, tracker.technique)?.usesRing === true ? "ring" : "technique";
  problems.add(
    ["tracker", ...(field === "ring" ? ["ring", "source"] : [field])],
    `no processor with ${format.label} has ${label}: it goes with machine.entryFormat ${quoted(formats)}`,
  );
}

/** The ring has room for the reserve and a log that is drained into it. */
function ring({ scenario: { tracker, machine } }: RuleSubject, problems: Problems): void {
  const { entries, source } = tracker.ring;
  const log = source === "writeProtect" ? 0 : Math.min(machine.logEntries, mostOf(source));
  if (checkRingSize(entries, log) === null) return;
  problems.add(
    ["tracker", "ring", "entries"],
    `expected a power of two from 256 to 65536, with room for the reserve and a ${WRITE_LOG_LABELS} log, not ${entries}`,
  );
}

/** A log longer than its unit can have would not fill, or its index wrap. */
function logs(subject: RuleSubject, problems: Problems): void {
  const unit = loggingUnit(subject);
  const problem = unit === null ? null : logProblem(unit, logEntriesOf(subject.scenario));
  if (problem !== null) problems.add(["machine", "logEntries"], problem);
}

/** The unit that logs for the scenario's technique; null: none does. */
function loggingUnit({ scenario: { tracker }, technique, units }: RuleSubject): Unit | null {
  return unitOf(technique, units, writeLog(units, tracker.ring.source));
}

function splits({ scenario: { tracker }, units }: RuleSubject, problems: Problems): void {
  if (tracker.splitEagerly !== true) return;
  if (techniqueOn(units, tracker.technique)?.splitsAtWrite === true) return;
  const able = techniques().flatMap((one) => (one.splitsAtWrite === true ? [one.name] : []));
  problems.add(["tracker", "splitEagerly"], `expected technique ${quoted(able.sort())}`);
}

/** KVM's ways to arm write entries at once; and what takes pages from a VM looks at their flags. */
const NOT_WITH_LAZY_TYPES = [
  "initiallySet",
  "splitEagerly",
  "largePagesReturn",
  "manualProtect",
  "preemptEvery",
] as const;

function lazyTypes({ scenario, operation, units }: RuleSubject, problems: Problems): void {
  const { tracker, vms } = scenario;
  if (tracker.lazyTypes !== true) return;
  const path = ["tracker", "lazyTypes"];
  const technique = techniqueOn(units, tracker.technique);
  if (!operation.operatorDecides && technique?.changesTypes === undefined) {
    const able = techniques().flatMap((one) => (one.changesTypes === undefined ? [] : [one.name]));
    problems.add(path, `expected technique ${quoted(able.sort())}`);
  }
  if (scenarioFormat(scenario).unresolved === 0) {
    const able = FORMATS.flatMap((one) => (one.unresolved === 0 ? [] : [one.name]));
    problems.add(path, `it goes with machine.entryFormat ${quoted(able)}`);
  }
  const other = NOT_WITH_LAZY_TYPES.find((name) => (tracker[name] ?? false) !== false);
  if (other !== undefined) problems.add(path, `it does not go with tracker.${other}`);
  if (vms.some((vm) => vm.slots !== undefined))
    problems.add(path, 'it does not go with memory slots, which are KVM\'s ("slots")');
  if (operation.hostFrames !== null)
    problems.add(path, `operation "${operation.kind}" takes pages from VMs by their flags`);
}

function beginsSet(subject: RuleSubject, problems: Problems): void {
  const { scenario, operation, units } = subject;
  const { tracker } = scenario;
  if (tracker.initiallySet !== true) return;
  if (techniqueOn(units, tracker.technique)?.beginsSet === true && operation.beginsSet) return;
  const able = techniques()
    .flatMap((one) => (one.beginsSet === true ? [one.name] : []))
    .sort();
  const operations = OPERATIONS.flatMap((one) => (one.beginsSet ? [one.kind] : []));
  problems.add(
    ["tracker", "initiallySet"],
    `expected technique ${quoted(able)}, and operation ${quoted(operations)}`,
  );
}

/** Memory slots are KVM's: they have dirty bitmaps, and frames of their own. */
function slots(subject: RuleSubject, problems: Problems): void {
  const { scenario, operation, technique, units } = subject;
  const with_ = scenario.vms.findIndex((vm) => vm.slots !== undefined);
  if (with_ < 0) {
    if (scenario.tracker.manualProtect === undefined) return;
    problems.add(["tracker", "manualProtect"], 'it is of VMs with "slots": no VM has any');
    return;
  }
  const declared = techniqueOn(units, technique);
  if (declared !== null && declared.beginsSet !== true) {
    const able = techniques().flatMap((one) => (one.beginsSet === true ? [one.name] : []));
    problems.add(
      ["tracker", "technique"],
      `VMs with "slots" have dirty bitmaps: expected ${quoted([...able, "none"].sort())}, not "${technique}"`,
    );
  }
  if (operation.hostFrames === null) return;
  problems.add(["vms", with_, "slots"], `operation "${operation.kind}" gives VMs their frames`);
}

/** The section of the technique that is used says all that it has to. */
function section(subject: RuleSubject, problems: Problems): void {
  const { technique, units } = subject;
  const { tracker } = subject.scenario;
  const used = techniqueOn(units, technique)?.section;
  const given: Readonly<Record<string, unknown>> = tracker;
  if (used === undefined || given[used.name] !== undefined) return;
  for (const { path } of used.schema.safeParse({}).error?.issues ?? []) {
    problems.add(["tracker", used.name, ...path.map(String)], "this tracker needs it");
  }
}

/** In a session the operator may arm what he likes. */
function pieces(subject: RuleSubject, problems: Problems): void {
  const { operation, technique, units } = subject;
  const { tracker } = subject.scenario;
  if (operation.operatorDecides || tracker.preemptEvery === undefined) return;
  if (techniqueOn(units, technique)?.armsEntries === true) return;
  problems.add(
    ["tracker", "preemptEvery"],
    `technique "${technique}" handles no entries: expected one that arms them`,
  );
}

/** What a device needs of the VM's host and of its tracking. In a session the operator may arm what he likes. */
function devices(
  { scenario: { vms }, operation, technique }: RuleSubject,
  problems: Problems,
): void {
  const tracks = operation.operatorDecides || (operation.tracks && technique !== "none");
  vms.forEach(({ devices: own = [], hypervisorWrites }, vm) => {
    if (hypervisorWrites !== undefined && operation.hostFrames !== null) {
      const message = `what the hypervisor writes must have its frame: operation "${operation.kind}" takes frames away`;
      problems.add(["vms", vm, "hypervisorWrites"], message);
    }
    if (own.length > 0 && operation.hostFrames !== null) {
      const message = `what a device writes must have its frame: operation "${operation.kind}" takes frames away`;
      problems.add(["vms", vm, "devices"], message);
    }
    own.forEach(({ tracking }, device) => {
      if (tracking !== "none" || !tracks) return;
      const message = `nobody knows what the device writes, so the VM cannot be tracked (Xen paging_log_dirty_enable: EINVAL): expected vmm, vhost, iommu or allDirty`;
      problems.add(["vms", vm, "devices", device, "tracking"], message);
    });
  });
}

/** A planted fault that could do nothing is refused. In a session the operator may arm what he likes. */
function faults(subject: RuleSubject, problems: Problems): void {
  if (subject.operation.operatorDecides) return;
  subject.scenario.faults.forEach((fault, i) => {
    const [isThere, what] = isTrackers(fault)
      ? TRACKER_NEEDS[fault](subject)
      : operationsNeed(fault, subject);
    if (isThere) return;
    problems.add(["faults", i], `"${fault}" can do nothing here: it needs ${what}`);
  });
}

/** Whether a fault can do something, and what it needs for it. */
type Need = readonly [isThere: boolean, what: string];

function isTrackers(fault: Scenario["faults"][number]): fault is TrackerFault {
  return TRACKER_FAULTS.some((one) => one === fault);
}

function operationsNeed(fault: OperationFault, { operation }: RuleSubject): Need {
  const owner = ownerOfFault(fault);
  if (operation.kind !== owner) return [false, `operation "${owner}"`];
  const lacks = operation.faultLacks(fault);
  return [lacks === null, lacks ?? ""];
}

type Needs<Fault extends string> = Readonly<Record<Fault, (subject: RuleSubject) => Need>>;

/** A unit that is on in some of a VM's vCPUs alone. */
const UNIT_NEEDS: Needs<UnitFault> = recordOf(UNIT_FAULTS, (fault) => {
  const units = UNITS.filter(({ onSomeVcpus }) => onSomeVcpus === fault);
  return (subject): Need => [
    loggingUnit(subject)?.declaration.onSomeVcpus === fault &&
      subject.scenario.vms.some(({ vcpus }) => vcpus > 1),
    `${units.map(({ label }) => label).join(" or ")}, and a VM of several vCPUs`,
  ];
});

type Vms = RuleSubject["scenario"]["vms"];
type SlotChange = NonNullable<Vms[number]["slotChanges"]>[number];

function hasChange(vms: Vms, is: (change: SlotChange) => boolean): boolean {
  return vms.some(({ slotChanges = [] }) => slotChanges.some(is));
}

const SLOT_NEEDS: Needs<SlotFault> = {
  slotDeletedUnharvested: ({ scenario: { vms }, technique }) => [
    technique !== "none" &&
      hasChange(vms, ({ memory, address }) => memory === 0 || address !== undefined),
    "a tracker, and a slot that is moved or deleted",
  ],
  slotLoggingDropped: ({ scenario: { vms }, technique }) => [
    technique !== "none" && hasChange(vms, ({ log }) => log === false),
    'a tracker, and a slot whose "log" is turned off',
  ],
  slotMemoryUnseen: ({ scenario: { vms }, technique }) => [
    technique !== "none" && hasChange(vms, ({ memory }) => memory !== 0),
    "a tracker, and a slot that is made or moved",
  ],
  slotsInWrongPlace: ({ scenario: { vms }, technique }) => [
    technique !== "none" &&
      vms.some(({ slots: all = [] }) => all.some(({ address }) => address !== undefined)),
    "a tracker, and slots with a gap between them",
  ],
  slotArmedByPosition: ({ scenario: { vms }, technique }) => [
    technique !== "none" && vms.some(({ slots: all = [] }) => all.length > 1),
    "a tracker, and a VM of several slots",
  ],
};

const TRACKER_NEEDS: Needs<TrackerFault> = {
  ...UNIT_NEEDS,
  ...SLOT_NEEDS,
  skipInvept: ({ technique }) => [technique !== "none", "a tracker"],
  harvestBeforeDrain: (subject) => techniquesNeed("harvestBeforeDrain", subject),
  protectedBeforeTaken({ scenario: { tracker }, operation, technique, units }) {
    const keeps = techniqueOn(units, technique)?.beginsSet === true;
    const isAsked = keeps && tracker.preemptEvery !== undefined && operation.isLive;
    return [
      isAsked,
      'a technique with a dirty bitmap, "preemptEvery", and operation "measure" with "live: true"',
    ];
  },
  tornEntries(subject) {
    const { operation } = subject;
    const { tracker } = subject.scenario;
    const [isOwn, what] = techniquesNeed("tornEntries", subject);
    return [
      isOwn && tracker.preemptEvery !== undefined && operation.isLive,
      `${what}, "preemptEvery", and operation "measure" with "live: true"`,
    ];
  },
};

function techniquesNeed(fault: TrackerFault, { technique, units }: RuleSubject): Need {
  const has = (one: Technique | null): boolean => one?.faults?.includes(fault) === true;
  const able = techniques().filter(has);
  return [has(techniqueOn(units, technique)), `technique ${quoted(able.map(({ name }) => name))}`];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(" or ");
}

/** Planted faults of operations that a scenario asks for. */
export function operationFaults({ faults: asked }: Scenario): readonly OperationFault[] {
  return OPERATION_FAULTS.filter((fault) => asked.includes(fault));
}

/** A run must end: with a workload that never does, the scenario says when. */
export function checkEnd(
  { scenario: { until }, operation }: RuleSubject,
  vms: readonly VmPlan[],
  problems: Problems,
): void {
  if (until !== undefined || operation.endsByItself) return;
  vms.forEach(({ name, workloads }, number) => {
    if (!workloads.some(({ endless }) => endless === true)) return;
    problems.addWhole(
      ["vms", number, "workload"],
      `VM "${name}": its workload never ends; set "until" (or --until), or limit its "accesses"`,
    );
  });
}
