/** Live migration of one VM between two emulated hosts over an emulated link. */
import * as z from "zod";
import { migrationMachine } from "../../../machines/migration.ts";
import type { MigrationContext, MigrationInput } from "../../../machines/migrationContext.ts";
import { type SamplerContext, samplerMachine } from "../../../machines/sampler.ts";
import { type ThrottleInput, throttleMachine } from "../../../machines/throttle.ts";
import { CYCLES_PER_SECOND, duration, rate } from "../../config/units.ts";
import { fieldError } from "../../errors.ts";
import { countMarked } from "../../hypervisor/dirtyBitmap.ts";
import { Destination } from "../../hypervisor/migration/destination.ts";
import { SendQueue } from "../../hypervisor/migration/sendQueue.ts";
import { findsEveryWrite, TECHNIQUES } from "../../hypervisor/techniques/all.ts";
import type { TechniqueName } from "../../hypervisor/techniques/technique.ts";
import type {
  OperationFactory,
  OperationFault,
  OperationHelper,
  OperationWires,
} from "../operation.ts";
import type { World } from "../world.ts";
import { MigrationDevice, SamplerDevice } from "./migration/device.ts";
import { policyOf, precopyFields } from "./migration/precopySchema.ts";
import { migrateResult } from "./migration/result.ts";

/** CPU_THROTTLE_TIMESLICE_NS: 10 ms. */
const THROTTLE_SLICE_CYCLES = CYCLES_PER_SECOND / 100;
/** The first sampling interval: 100 us. It doubles as a run gets longer. */
const SAMPLE_CYCLES = CYCLES_PER_SECOND / 10_000;
/** How long a run goes on after a migration that did not complete, if the scenario has no "until". */
const GO_ON_CYCLES = CYCLES_PER_SECOND;

const link = z
  .strictObject({
    bandwidth: rate.prefault("10Gbit/s").describe("what the link carries"),
    latency: duration.prefault("100us").describe("of each batch, on top"),
    failAfter: duration.optional().describe("the link fails so long after the migration's start"),
  })
  .prefault({})
  .describe("the link between the two hosts");

export const migrateSchema = z
  .strictObject({
    kind: z.literal("migrate"),
    vm: z.string().optional().describe("name of the VM to migrate; default: the first"),
    start: duration.optional().describe("when the migration begins; default: with the VMs"),
    link,
    ...precopyFields,
    samples: z
      .int()
      .min(2)
      .max(65536)
      .default(40)
      .describe("points of the throughput curve at most; at least half as many in a long run"),
    abortAfter: duration.optional().describe("the operator aborts so long after the start"),
    repeat: z
      .strictObject({
        times: z.int().min(1).max(1000).default(1).describe("how often"),
        after: duration
          .prefault("0s")
          .describe("from the end of a migration to the start of the next"),
      })
      .optional()
      .describe(
        "migrate again: on to another empty host once a migration has completed, from where the VM is once one was given up; `abortAfter` and `failAfter` count from the first start, and come once",
      ),
    settle: duration
      .optional()
      .describe(
        "how long the run goes on after the last migration; default: not at all once it has completed, else to the end of the workloads, for a second at most if there is no `until`",
      ),
  })
  .describe("migrate a VM live to another host");

export type MigrateConfig = z.output<typeof migrateSchema>;

/**
 * @param deadlineCycles end of the run, 0 = when the migration has ended
 * @throws FieldError if there is no such VM, or its tracking technique cannot find written pages
 */
export function migrate(
  config: MigrateConfig,
  deadlineCycles: number,
  faults: readonly OperationFault[],
): OperationFactory {
  return (world, host) => {
    const number = findVm(world, config.vm);
    const vm = world.vms[number]!;
    const { technique } = host;
    checkTechnique(technique);
    if (vm.guest.versions.length === 0) throw new Error("a VM that migrates must keep contents");
    const pages = vm.guest.pages;
    const queue = new SendQueue("migration/queue", pages);
    const { frameWords } = world.memory;
    const destination = new Destination("migration/destination", pages, vm.tables, frameWords);
    const chosen = policyOf(config.policy);
    const throttles = chosen.kind === "qemu" && chosen.autoConverge !== null;
    const input = ({ self, scheduler, trackers, helpers }: OperationWires): MigrationInput => ({
      self,
      scheduler,
      sampler: helpers[0]!,
      throttle: throttles ? helpers[1]! : 0,
      tracker: trackers[number]!,
      vm: number,
      vms: world.vms.length,
      technique,
      policy: chosen,
      latencyCycles: config.link.latency,
      cyclesPerByte: CYCLES_PER_SECOND / config.link.bandwidth,
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
    });
    return {
      kind: "migrate",
      main: {
        machine: migrationMachine,
        device: new MigrationDevice(world, number, queue, destination, host.now),
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
            samplesMax: config.samples,
          }),
        },
        ...(throttles ? [throttleOf(number)] : []),
      ],
      parts: [queue, destination],
      result: (contexts) =>
        migrateResult(
          contexts["toolstack"] as MigrationContext,
          contexts["sampler"] as SamplerContext,
          vm.config.name,
          host.now(),
          countMarked(vm.reportedWritten),
        ),
    };
  };
}

function throttleOf(vm: number): OperationHelper {
  return {
    role: { kind: "helper", helper: "throttle" },
    machine: throttleMachine,
    device: null,
    input: ({ self, scheduler }): ThrottleInput => {
      return { self, scheduler, vm, sliceCycles: THROTTLE_SLICE_CYCLES };
    },
  };
}

function findVm(world: World, name: string | undefined): number {
  if (name === undefined) return 0;
  const names = world.vms.map(({ config }) => config.name);
  const found = names.indexOf(name);
  if (found < 0) {
    throw fieldError(["operation", "vm"], `there is no VM "${name}" (VMs: ${names.join(", ")})`);
  }
  return found;
}

function checkTechnique(technique: TechniqueName): void {
  if (findsEveryWrite(technique)) return;
  const able = TECHNIQUES.filter(findsEveryWrite);
  throw fieldError(
    ["tracker", "technique"],
    `"${technique}" cannot tell which pages were written, so nothing can be migrated with it; use one of ${able.join(", ")}`,
  );
}
