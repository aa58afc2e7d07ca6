/** Live migration of one VM between two emulated hosts over an emulated link. */

import { migrationMachine } from "../../../machines/migration.ts";
import type { MigrationInput } from "../../../machines/migrationContext.ts";
import { postcopySenderMachine } from "../../../machines/postcopySender.ts";
import { samplerMachine } from "../../../machines/sampler.ts";
import { type ThrottleInput, throttleMachine } from "../../../machines/throttle.ts";
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import { asTheyAre, joined, type NormalForm } from "../../hardware/normalForm.ts";
import { ArrivedBytes } from "../../hypervisor/arrivedBytes.ts";
import { countMarked } from "../../hypervisor/dirtyBitmap.ts";
import { Destination, destinationForm } from "../../hypervisor/migration/destination.ts";
import {
  hostContents,
  type Moving,
  PostcopyHosts,
  type PostcopyRule,
  postcopyForm,
} from "../../hypervisor/migration/postcopy.ts";
import { NO_SAVE_WORK, type SaveWork } from "../../hypervisor/migration/saveWork.ts";
import { SendQueue } from "../../hypervisor/migration/sendQueue.ts";
import type { Policy } from "../../hypervisor/migration/stats.ts";
import { findsEveryWrite, TECHNIQUES } from "../../hypervisor/techniques/all.ts";
import { itemAt } from "../../lookup.ts";
import { type ActorContexts, contextOf } from "../actorContexts.ts";
import { type MovedBytes, machineOf } from "../machineMove.ts";
import type { OperationFactory, OperationHelper, OperationWires } from "../operation.ts";
import type { VmState, World } from "../world.ts";
import {
  declareOperation,
  type OperationSubject,
  type OperatorAnswer,
  ownsTrackers,
  PLAIN_NEEDS,
  type ToolstackView,
} from "./declaration.ts";
import { MigrationDevice, SamplerDevice } from "./migration/device.ts";
import { migrateResult } from "./migration/migrateResult.ts";
import { type MigrateConfig, migrateSchema } from "./migration/migrateSchema.ts";
import { migrationTelling } from "./migration/migrationTelling.ts";
import { type PostcopyResult, postcopyResult } from "./migration/postcopyResult.ts";
import { refusePostcopy } from "./migration/postcopyRules.ts";
import { postcopySides } from "./migration/postcopySides.ts";
import { type PostcopyConfig, policyOf } from "./migration/precopySchema.ts";

/** CPU_THROTTLE_TIMESLICE_NS: 10 ms. */
const THROTTLE_SLICE_CYCLES = CYCLES_PER_SECOND / 100;
/** The first sampling interval: 100 us. It doubles as a run gets longer. */
const SAMPLE_CYCLES = CYCLES_PER_SECOND / 10_000;
/** How long a run goes on after a migration that did not complete, if the scenario has no "until". */
const GO_ON_CYCLES = CYCLES_PER_SECOND;

/** What the migration's machine is told beside its wires; and the points of the throughput curve at most. */
export interface MigratePlan {
  readonly migration: Omit<
    MigrationInput,
    "self" | "scheduler" | "sampler" | "throttle" | "sender" | "receiver" | "tracker" | "vms"
  >;
  readonly samples: number;
  readonly findsZeroPages: boolean;
  /** A planted fault: a migration after the first sends only what was written since. */
  readonly laterSendsDirtyAlone: boolean;
}

/** The VM is the one of that name, and its tracker finds every page that it writes. */
export function migratePlan(
  config: MigrateConfig,
  { world, technique, deadlineCycles, faults }: OperationSubject,
  problems: Problems,
): MigratePlan {
  const names = world.vms.map(({ name }) => name);
  const vm = config.vm === undefined ? 0 : names.indexOf(config.vm);
  if (vm < 0) {
    problems.add(["operation", "vm"], `there is no VM "${config.vm}" (VMs: ${names.join(", ")})`);
  }
  if (!findsEveryWrite(technique, world.units)) {
    const able = TECHNIQUES.filter((name) => findsEveryWrite(name, world.units));
    problems.add(
      ["tracker", "technique"],
      `"${technique}" cannot tell which pages were written, so nothing can be migrated with it; use one of ${able.join(", ")}`,
    );
  }
  refusePostcopy(config, world.vms[Math.max(0, vm)], problems);
  return {
    samples: config.samples,
    findsZeroPages: config.zeroPageDetection === "legacy",
    laterSendsDirtyAlone: faults.includes("laterSendsDirtyAlone"),
    migration: {
      vm,
      technique,
      policy: limitedPolicy(config, problems),
      latencyCycles: config.link.latency,
      cyclesPerByte: CYCLES_PER_SECOND / config.link.bandwidth,
      save: saveWork(config, problems),
      batchPages: config.batch,
      startCycles: config.start ?? 0,
      repeats: config.repeat?.times ?? 0,
      repeatCycles: config.repeat?.after ?? 0,
      abortCycles: config.abortAfter ?? -1,
      linkFailCycles: config.link.failAfter ?? -1,
      postcopyCycles: postcopyOf(config)?.after ?? -1,
      recoverCycles: config.link.recoverAfter ?? -1,
      settleCycles: config.settle ?? 0,
      goOnCycles: config.settle ?? (deadlineCycles > 0 ? -1 : GO_ON_CYCLES),
      deadlineCycles,
      forgetsCleaned: faults.includes("cleanedBitmapNotSent"),
    },
  };
}

/** The section of post-copy; undefined: it may not. */
function postcopyOf({ policy }: MigrateConfig): PostcopyConfig | undefined {
  return policy.kind === "qemu" ? policy.postcopy : undefined;
}

function limitedPolicy({ policy, maxBandwidth }: MigrateConfig, problems: Problems): Policy {
  const plain = policyOf(policy);
  if (maxBandwidth === undefined) return plain;
  if (plain.kind === "qemu") return { ...plain, maxBandwidth };
  problems.add(["operation", "maxBandwidth"], "needs policy qemu: libxc has no such limit");
  return plain;
}

function saveWork({ policy, save }: MigrateConfig, problems: Problems): SaveWork {
  if (save === undefined) return NO_SAVE_WORK;
  if (policy.kind !== "libxc") {
    problems.add(["operation", "save"], `needs policy libxc, whose work it is, not ${policy.kind}`);
  }
  return {
    batchCycles: save.batch,
    pageCycles: save.page,
    restoreCycles: save.restore,
    populateCycles: save.populate,
    resumeCycles: save.resume,
    interference: save.interference,
  };
}

export function migrate(plan: MigratePlan): OperationFactory {
  const { migration, findsZeroPages, laterSendsDirtyAlone } = plan;
  const { vm: number } = migration;
  return (world, host) => {
    const vm = itemAt(world.vms, number);
    if (vm.guest.versions.length === 0) throw new Error("a VM that migrates must keep contents");
    const queue = new SendQueue("migration/queue", vm.guest.pages);
    const { frameWords } = world.memory;
    const { pages } = vm.guest;
    const destination = new Destination("migration/destination", pages, vm.tables, frameWords);
    const bytes = movedBytes(vm);
    const rule = postcopyRuleOf(plan);
    const hosts =
      rule === null ? null : new PostcopyHosts(pages, world.vcpus.length, vm.tables, frameWords);
    const moving = hosts === null ? null : { vm, hosts, queue, destination };
    const memory = { queue, destination, findsZeroPages, laterSendsDirtyAlone, bytes, hosts };
    const contents = (): NormalForm =>
      moving === null
        ? destinationForm(destination, vm.guest, number)
        : hostContents(moving, number);
    return {
      kind: "migrate",
      main: {
        machine: migrationMachine,
        device: new MigrationDevice(world, vm, memory, host.now),
        input: (wires) => inputOf(plan, wires, world.vms.length),
      },
      helpers: helpersOf(plan, world, moving, host.now),
      ...(hosts === null ? {} : { pager: "receiver" }),
      parts: [
        queue,
        destination,
        ...(hosts?.parts ?? []),
        ...(bytes === null ? [] : [bytes.arrived]),
      ],
      form: joined([asTheyAre([queue]), ...(hosts === null ? [] : [postcopyForm(hosts)])]),
      contents: (one) => (one === number ? [contents()] : []),
      result: (actors) =>
        migrateResult(
          actors.of("toolstack", migrationMachine),
          actors.of("sampler", samplerMachine),
          vm.config.name,
          host.now(),
          countMarked(vm.reportedWritten),
          findsZeroPages,
          bytes?.arrived.result ?? null,
          hosts === null ? null : toldOfPostcopy(actors, hosts, host.now()),
        ),
    };
  };
}

/** Whether a helper slows the guest. */
function throttles({ migration: { policy, save } }: MigratePlan): boolean {
  return save.interference > 0 || (policy.kind === "qemu" && policy.autoConverge !== null);
}

/** Null: it does not go on as post-copy. */
function postcopyRuleOf({ migration: { policy } }: MigratePlan): PostcopyRule | null {
  return policy.kind === "qemu" ? (policy.postcopy ?? null) : null;
}

function inputOf(plan: MigratePlan, all: OperationWires, vms: number): MigrationInput {
  const { migration } = plan;
  const { self, scheduler, trackers, helpers, stopping } = all;
  const [sampler = 0, ...others] = helpers;
  const [throttle = 0, sender = 0, receiver = 0] = throttles(plan) ? others : [0, ...others];
  const [tracker = 0] = trackers.slice(migration.vm);
  const wires = { self, scheduler, sampler, throttle, sender, receiver, tracker };
  return { ...migration, ...wires, ...stopping, vms };
}

/** In the order in which the main actor's input names them. */
function helpersOf(
  plan: MigratePlan,
  world: World,
  moving: Moving | null,
  now: () => number,
): OperationHelper[] {
  const { migration, samples, findsZeroPages } = plan;
  const { vm, save, latencyCycles, cyclesPerByte, batchPages } = migration;
  const rule = postcopyRuleOf(plan);
  const sampler: OperationHelper = {
    role: { kind: "helper", helper: "sampler" },
    machine: samplerMachine,
    device: new SamplerDevice(world),
    input: ({ self }) => ({ self, vm, intervalCycles: SAMPLE_CYCLES, samplesMax: samples }),
  };
  const link = { latencyCycles, cyclesPerByte, batchPages };
  const handlerCycles = world.config.tracking.costs.violationHandler;
  return [
    sampler,
    ...(throttles(plan) ? [throttleOf(vm, save)] : []),
    ...(rule === null || moving === null
      ? []
      : postcopySides({ rule, moving, vm, link, findsZeroPages, handlerCycles, now })),
  ];
}

function toldOfPostcopy(actors: ActorContexts, hosts: PostcopyHosts, now: number): PostcopyResult {
  const { progress, link, linkIsDown } = actors.of("toolstack", migrationMachine);
  const { resumeTime: startTime, endTime } = progress;
  const sender = actors.of("sender", postcopySenderMachine);
  return postcopyResult(hosts, { sender, link, linkIsDown, startTime, endTime }, now);
}

/** Null: the pages of this VM have no bytes. */
function movedBytes(vm: VmState): MovedBytes | null {
  const machine = machineOf(vm);
  if (machine === null) return null;
  return { machine, arrived: new ArrivedBytes("migration/bytes", vm.guest.pages) };
}

/** Xen's ratelimit_us: how long who was given a CPU may keep it at least (sched_ratelimit_us, 1 ms). */
const SHARED_SLICE_CYCLES = CYCLES_PER_SECOND / 1000;

/** Slows the guest: QEMU's throttle, or a saving process that has the same CPU. */
function throttleOf(vm: number, { interference }: SaveWork): OperationHelper {
  const sliceCycles = interference > 0 ? SHARED_SLICE_CYCLES : THROTTLE_SLICE_CYCLES;
  return {
    role: { kind: "helper", helper: "throttle" },
    machine: throttleMachine,
    device: null,
    input: ({ self, scheduler }): ThrottleInput => {
      return { self, scheduler, vm, sliceCycles };
    },
  };
}

const KIND = "migrate";

export const migrateOperation = declareOperation({
  kind: KIND,
  schema: () => migrateSchema,
  needs: { ...PLAIN_NEEDS, contents: () => true, endsByItself: true },
  faults: ["cleanedBitmapNotSent", "laterSendsDirtyAlone"],
  faultLacks: ({ repeat }, fault) =>
    fault === "laterSendsDirtyAlone" && repeat === undefined ? '"repeat"' : null,
  estimator: () => null,
  file: null,
  comparison: null,
  resolve: migratePlan,
  create: migrate,
  telling: migrationTelling,
  operator: {
    ...ownsTrackers(KIND),
    start,
    end: abort,
  },
});

/** The migration, post-copy, or another link for it, whichever is next. */
function start(view: ToolstackView): OperatorAnswer {
  const { state, context } = view;
  if (state === "running") return { message: { type: "migrationDue" }, said: "migration begins" };
  if (state === "paused") {
    return { message: { type: "recoverDue" }, said: "post-copy: there is another link" };
  }
  const { policy, progress } = contextOf({ machine: migrationMachine, context }, migrationMachine);
  const mayMove = policy.kind === "qemu" && policy.postcopy !== undefined;
  if (!mayMove || progress.startTime < 0 || progress.suspendTime >= 0) {
    return ownsTrackers(KIND).start(view, "");
  }
  return { message: { type: "postcopyDue" }, said: "migration: goes on as post-copy" };
}

function abort({ state }: ToolstackView): OperatorAnswer {
  if (state === "running" || state === "created") {
    return { refusal: "the migration has not begun" };
  }
  if (["switching", "postcopy", "paused", "comparing"].includes(state)) {
    return {
      refusal: "the guest is at the destination, and not all of it: neither side is the VM",
    };
  }
  return { message: { type: "abortDue" }, said: "migration: abort requested" };
}
