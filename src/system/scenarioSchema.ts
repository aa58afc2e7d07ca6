/** What a scenario file says: the machine, the VMs and their workloads, and the measurement. */

import * as z from "zod";
import { kernelSchema } from "../../workloads/kernel/demandPaging.ts";
import {
  addWorkloadKind,
  type OwnWorkload,
  workloadSchema,
} from "../../workloads/workloadKinds.ts";
import { CYCLES_PER_SECOND, positiveDuration, size } from "../config/units.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../hardware/costs.ts";
import { FORMAT_NAMES } from "../hardware/formats/all.ts";
import { DEFAULT_GEOMETRY } from "../hardware/geometry.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../hypervisor/costs.ts";
import {
  addOwnUnit,
  addTracker,
  DEFAULT_TECHNIQUE,
  type SectionOf,
  sections,
  techniqueField,
} from "../hypervisor/techniques/all.ts";
import type { OwnTracker } from "../hypervisor/techniques/own.ts";
import { TRACKER_FAULTS } from "../hypervisor/trackedVm.ts";
import type { OwnEstimator } from "../hypervisor/wss/estimators/own.ts";
import { fieldOf, namesOf, recordOf } from "../lookup.ts";
import { DESIGN_SECTION, DESIGNED, MOST_LOG_ENTRIES, UNITS } from "../units/all.ts";
import type { OwnUnit } from "../units/own.ts";
import { INTERRUPTING_LABELS, UNIT_LABELS } from "../units/texts.ts";
import { deviceSchema, hypervisorWritesSchema } from "./deviceSchema.ts";
import { DEFAULT_ENERGY_COSTS } from "./energy.ts";
import { OPERATION_FAULTS } from "./operation.ts";
import { addOperationEstimator, operationSchema } from "./operations/all.ts";
import { slotChangesSchema, slotsSchema } from "./scenario/slotPlans.ts";
import { HANDLER_BUDGET } from "./systemPlan.ts";

/** Between two messages a run cannot be interrupted. */
const QUANTUM_MAX = 0.1 * CYCLES_PER_SECOND;

const cycles = z.int().min(0).max(1e12);

/** Every cost, each with its default. */
function costsOf<Cost extends string>(defaults: Readonly<Record<Cost, number>>) {
  return z.strictObject(
    recordOf(namesOf(defaults), (name) => cycles.default(fieldOf(defaults, name))),
  );
}

const tlbLevel = z.strictObject({
  sets: z
    .int()
    .min(1)
    .max(65536)
    .refine((n) => (n & (n - 1)) === 0, { error: "expected a power of two" }),
  ways: z.int().min(1).max(64),
});

const machine = z
  .strictObject({
    cpus: z.int().min(1).max(64).default(1).describe("physical CPUs for guests"),
    pvmCpus: z.int().min(1).max(16).default(1).describe("CPUs of the pVM"),
    handlerBudget: z
      .int()
      .min(1)
      .max(1e6)
      .default(HANDLER_BUDGET)
      .describe(
        `how often ${INTERRUPTING_LABELS}'s handler serves full logs in a row before the pVM's processes get its CPU`,
      ),
    entryFormat: z
      .enum(FORMAT_NAMES)
      .optional()
      .describe(
        `of the entries that translate a guest's addresses; default: ${FORMAT_NAMES[0]}, or the one that the technique's unit goes with`,
      ),
    compatibility: z
      .enum(["sdm", "bochs", "kvm"])
      .default("sdm")
      .describe("whose behaviour is followed where implementations differ (docs/choices.md)"),
    quantum: positiveDuration
      .prefault("100us")
      .refine((cycles) => cycles <= QUANTUM_MAX, { error: "expected at most 100ms" })
      .describe("longest that a guest accesses memory between messages"),
    timeslice: positiveDuration.prefault("30ms").describe("a vCPU's turn while others wait"),
    logEntries: z
      .int()
      .min(1)
      .max(MOST_LOG_ENTRIES)
      .default(DEFAULT_GEOMETRY.logEntries)
      .describe(
        `entries of a ${UNIT_LABELS} log: ${UNITS.map(({ entriesText }) => entriesText).join("; ")}`,
      ),
    unit: DESIGN_SECTION.optional().describe(
      `a page-logging unit of your own, for technique ${DESIGNED.name} (docs/units.md)`,
    ),
    tlb: z
      .strictObject({
        l1: tlbLevel.default(DEFAULT_GEOMETRY.tlb.l1).describe("first level, 4 KiB pages"),
        l1Large: tlbLevel
          .default(DEFAULT_GEOMETRY.tlb.l1Large)
          .describe("first level, 2 MiB pages"),
        l2: tlbLevel.default(DEFAULT_GEOMETRY.tlb.l2).describe("second level, for both"),
      })
      .prefault({})
      .describe("each physical CPU's TLB"),
    costs: z
      .strictObject({
        // An access takes time, or a guest in its TLB would never come to the end of a burst.
        processor: costsOf(DEFAULT_PROCESSOR_COSTS)
          .extend({ access: cycles.min(1).default(DEFAULT_PROCESSOR_COSTS.access) })
          .prefault({}),
        hypervisor: costsOf(DEFAULT_HYPERVISOR_COSTS).prefault({}),
        energy: costsOf(DEFAULT_ENERGY_COSTS).prefault({}),
      })
      .prefault({})
      .describe("cycles and energy of each event (docs/costs.md)"),
  })
  .prefault({})
  .describe("the host");

const vmWith = (workload: typeof workloadSchema) =>
  z.strictObject({
    name: z
      .string()
      .regex(/^[\w-]{1,40}$/, "expected letters, digits, - and _")
      .optional()
      .describe("default: vm0, vm1 and so on"),
    memory: size.optional().describe("guest-physical memory; default: what the workload touches"),
    paging: z
      .enum(["off", "pae", "longMode"])
      .default("longMode")
      .describe("the guest's own paging"),
    pageSize: z.enum(["4K", "2M", "1G"]).default("4K").describe("leaves of the EPT"),
    gaps: z
      .enum(["work", "wait"])
      .optional()
      .describe(
        "what the workload's gaps are: work, which takes longer if the guest runs less (default); or a wait for the time of the next access, and what comes late is caught up",
      ),
    slots: slotsSchema.optional(),
    slotChanges: slotChangesSchema.optional(),
    kernel: kernelSchema.optional(),
    devices: z
      .array(deviceSchema)
      .min(1)
      .max(16)
      .optional()
      .describe("devices that write its memory by DMA; default: none"),
    hypervisorWrites: hypervisorWritesSchema.optional(),
    contents: z
      .union([z.boolean(), z.literal("bytes")])
      .default(false)
      .describe(
        "keep a version of each page's contents; bytes: a migration moves, and checkpoints keep, the pages of the guest itself, a live Linux or program (docs/guests.md)",
      ),
    vcpus: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("each runs the workload, over the same pages, with a seed of its own"),
    workload,
  });

/** The types know those whose name is a constant. */
type Sections = {
  [Section in SectionOf as string extends Section["name"]
    ? never
    : Section["name"]]: Section["schema"];
};

function sectionsOf(): Sections {
  return Object.fromEntries(sections().map(({ name, schema }) => [name, schema])) as Sections;
}

/** With the techniques that there are now. */
function trackerSchema() {
  return z
    .strictObject({
      technique: techniqueField()
        .default(DEFAULT_TECHNIQUE)
        .describe("how accesses are tracked (docs/first-steps.md)"),
      logLimit: z
        .int()
        .min(0)
        .optional()
        .describe(`${UNIT_LABELS} logs that can be allotted; default: as many as vCPUs`),
      largePagesReturn: z
        .boolean()
        .optional()
        .describe(
          "whether large leaves come back when tracking ends, as in KVM; default: not, as in Xen",
        ),
      splitEagerly: z
        .boolean()
        .optional()
        .describe(
          "whether large leaves are split before they are armed, as in KVM (eager_page_split); default: each by the first write to it, as in Xen",
        ),
      lazyTypes: z
        .boolean()
        .optional()
        .describe(
          "whether arming, CLEAN and the end of tracking mark the entries of the top table alone, and what is touched is resolved region by region, one EPT misconfiguration each, as in Xen (ept_change_entry_type_global); default: all entries that change are written at once",
        ),
      initiallySet: z
        .boolean()
        .optional()
        .describe("whether a dirty bitmap begins with all bits set (KVM_DIRTY_LOG_INITIALLY_SET)"),
      manualProtect: z
        .boolean()
        .optional()
        .describe(
          "of VMs with memory slots: whether a GET of a log takes nothing, and CLEAR follows (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)",
        ),
      armedTwice: z
        .enum(["xen", "kvm"])
        .default("xen")
        .describe(
          "how arming what is armed already is answered: xen with EINVAL, kvm with success; nothing is done",
        ),
      preemptEvery: z
        .int()
        .min(1)
        .max(1e9)
        .optional()
        .describe(
          "entries that arming, a harvest or disarming handles between two moments at which other CPUs and interrupts have their turn; default: all",
        ),
      ...sectionsOf(),
    })
    .prefault({})
    .describe("how the VMs are tracked");
}

function schemaWith(workload: typeof workloadSchema) {
  return z
    .strictObject({
      name: z.string().min(1).max(200).describe("of the scenario, for reports"),
      seed: z.int().min(0).max(0xffffffff).default(1).describe("of all random choices"),
      machine,
      vms: z.array(vmWith(workload)).min(1).max(64).describe("the VMs on the host"),
      tracker: trackerSchema(),
      operation: operationSchema.default({ kind: "measure" }),
      faults: z
        .array(z.enum([...TRACKER_FAULTS, ...OPERATION_FAULTS]))
        .default([])
        .describe("known ways to lose a page, planted to see them caught"),
      until: positiveDuration.optional().describe("virtual time after which the run ends"),
    })
    .describe("a Trackvisor scenario");
}

/** Of scenario files. Another one once something was registered: importers see the present one. */
export let scenarioSchema = schemaWith(workloadSchema);

/**
 * From now on a scenario can name this kind of workload.
 * @throws UserError if the name is taken, or is none
 */
export function registerWorkload(own: OwnWorkload): void {
  addWorkloadKind(own);
  scenarioSchema = schemaWith(workloadSchema);
}

/**
 * From now on a scenario can name this estimator.
 * @throws UserError if the name is taken, or it is none
 */
export function registerEstimator(own: OwnEstimator): void {
  addOperationEstimator(own);
  scenarioSchema = schemaWith(workloadSchema);
}

/**
 * From now on a scenario can name this tracker.
 * @throws UserError if the name is taken, or it is none
 */
export function registerTracker(own: OwnTracker): void {
  addTracker(own);
  scenarioSchema = schemaWith(workloadSchema);
}

/**
 * From now on processors have this page-logging unit, and a scenario can name the technique that uses it.
 * @throws UserError if the name is taken, or it is none
 */
export function registerUnit(own: OwnUnit): void {
  addOwnUnit(own);
  scenarioSchema = schemaWith(workloadSchema);
}

/** A scenario with its defaults filled in; durations in cycles, sizes in pages. */
export type Scenario = z.output<typeof scenarioSchema>;
