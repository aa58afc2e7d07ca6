/** Live migration of one VM between two emulated hosts over an emulated link. */

import { migrationMachine } from "../../../machines/migration.ts";
import type { MigrationInput } from "../../../machines/migrationContext.ts";
import { samplerMachine } from "../../../machines/sampler.ts";
import { type ThrottleInput, throttleMachine } from "../../../machines/throttle.ts";
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import { asTheyAre } from "../../hardware/normalForm.ts";
import { ArrivedBytes } from "../../hypervisor/arrivedBytes.ts";
import { countMarked } from "../../hypervisor/dirtyBitmap.ts";
import { Destination, destinationForm } from "../../hypervisor/migration/destination.ts";
import { NO_SAVE_WORK, type SaveWork } from "../../hypervisor/migration/saveWork.ts";
import { SendQueue } from "../../hypervisor/migration/sendQueue.ts";
import type { Policy } from "../../hypervisor/migration/stats.ts";
import { findsEveryWrite, TECHNIQUES } from "../../hypervisor/techniques/all.ts";
import { itemAt } from "../../lookup.ts";
import { type MovedBytes, machineOf } from "../machineMove.ts";
import type { OperationFactory, OperationHelper, OperationWires } from "../operation.ts";
import type { VmState } from "../world.ts";
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
import { policyOf } from "./migration/precopySchema.ts";

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
    "self" | "scheduler" | "sampler" | "throttle" | "tracker" | "vms"
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
      settleCycles: config.settle ?? 0,
      goOnCycles: config.settle ?? (deadlineCycles > 0 ? -1 : GO_ON_CYCLES),
      deadlineCycles,
      forgetsCleaned: faults.includes("cleanedBitmapNotSent"),
    },
  };
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
  const { migration, samples, findsZeroPages, laterSendsDirtyAlone } = plan;
  const { vm: number, policy, save } = migration;
  const throttles =
    save.interference > 0 || (policy.kind === "qemu" && policy.autoConverge !== null);
  return (world, host) => {
    const vm = itemAt(world.vms, number);
    if (vm.guest.versions.length === 0) throw new Error("a VM that migrates must keep contents");
    const pages = vm.guest.pages;
    const queue = new SendQueue("migration/queue", pages);
    const { frameWords } = world.memory;
    const destination = new Destination("migration/destination", pages, vm.tables, frameWords);
    const bytes = movedBytes(vm);
    const memory = { queue, destination, findsZeroPages, laterSendsDirtyAlone, bytes };
    const input = (all: OperationWires): MigrationInput => {
      const { self, scheduler, trackers, helpers, stopping } = all;
      const [sampler = 0, throttle = 0] = helpers;
      const [tracker = 0] = trackers.slice(number);
      const wires = { self, scheduler, sampler, throttle: throttles ? throttle : 0, tracker };
      return { ...migration, ...wires, ...stopping, vms: world.vms.length };
    };
    return {
      kind: "migrate",
      main: {
        machine: migrationMachine,
        device: new MigrationDevice(world, vm, memory, host.now),
        input,
      },
      helpers: [
        {
          role: { kind: "helper", helper: "sampler" },
          machine: samplerMachine,
          device: new SamplerDevice(world),
          input: ({ self }) => ({
            self,
            vm: number,
            intervalCycles: SAMPLE_CYCLES,
            samplesMax: samples,
          }),
        },
        ...(throttles ? [throttleOf(number, save)] : []),
      ],
      parts: [queue, destination, ...(memory.bytes === null ? [] : [memory.bytes.arrived])],
      form: asTheyAre([queue]),
      contents: (one) => (one === number ? [destinationForm(destination, vm.guest, one)] : []),
      result: (actors) =>
        migrateResult(
          actors.of("toolstack", migrationMachine),
          actors.of("sampler", samplerMachine),
          vm.config.name,
          host.now(),
          countMarked(vm.reportedWritten),
          findsZeroPages,
          memory.bytes?.arrived.result ?? null,
        ),
    };
  };
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
    start(view) {
      if (view.state !== "running") return ownsTrackers(KIND).start(view, "");
      return { message: { type: "migrationDue" }, said: "migration begins" };
    },
    end: abort,
  },
});

function abort({ state }: ToolstackView): OperatorAnswer {
  if (state === "running" || state === "created") {
    return { refusal: "the migration has not begun" };
  }
  return { message: { type: "abortDue" }, said: "migration: abort requested" };
}
