/** Checkpointing: stop-and-copy at given times, or of running VMs in the manner of Remus. */
import { checkpointDiffMachine } from "../../../machines/checkpointDiff.ts";
import { checkpointLiveMachine } from "../../../machines/checkpointLive.ts";
import { checkpointStopMachine } from "../../../machines/checkpointStop.ts";
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import type { Part } from "../../hardware/part.ts";
import { findsEveryWrite, servesDifferences, TECHNIQUES } from "../../hypervisor/techniques/all.ts";
import type { TechniqueName } from "../../hypervisor/techniques/technique.ts";
import type { ActorContexts } from "../actorContexts.ts";
import { machineOf } from "../machineMove.ts";
import type { Operation, OperationActor, OperationFactory, OperationHost } from "../operation.ts";
import { expectedFrames, type World } from "../world.ts";
import { type CheckpointResult, checkpointResult } from "./checkpoint/checkpointResult.ts";
import {
  type CheckpointConfig,
  type CheckpointMode,
  checkpointSchema,
} from "./checkpoint/checkpointSchema.ts";
import { checkpointTelling } from "./checkpoint/checkpointTelling.ts";
import { CheckpointDevice } from "./checkpoint/device.ts";
import { type CheckpointHeader, PAGE_BYTES } from "./checkpoint/format.ts";
import { type CheckpointSink, MemorySink } from "./checkpoint/sink.ts";
import { layoutOf } from "./checkpoint/vmImage.ts";
import {
  declareOperation,
  endsAtDeadline,
  type OperationSubject,
  ownsTrackers,
  PLAIN_NEEDS,
  type Surroundings,
} from "./declaration.ts";

/** The state is one text; longer ones cannot be made. */
const STATE_WORDS_MAX = 1 << 26;

export interface CheckpointPlan {
  readonly config: CheckpointConfig;
  readonly technique: TechniqueName;
  /** Whether vCPUs and workloads are kept, too. */
  readonly keepsState: boolean;
  /** End of the run; 0 = when the workloads have ended. */
  readonly deadlineCycles: number;
  /** Identifies the scenario; empty if it is unknown. */
  readonly scenario: string;
  /** A planted fault: what a checkpoint owed that failed is forgotten. */
  readonly forgetsFailed: boolean;
}

export function checkpointPlan(
  config: CheckpointConfig,
  { world, technique, deadlineCycles, scenario, faults }: OperationSubject,
  problems: Problems,
): CheckpointPlan {
  const hasMachines = world.vms.some((config) => machineOf({ config }) !== null);
  const keepsState = config.state ?? (hasMachines || config.mode !== "live");
  if (hasMachines && !keepsState) {
    problems.add(
      ["operation", "state"],
      'a checkpoint of contents "bytes" has the machine\'s state, without which nothing can go on from its memory',
    );
  }
  const serves = config.mode === "diff" ? servesDifferences : findsEveryWrite;
  if (config.mode !== "stop" && !serves(technique, world.units)) {
    const able = TECHNIQUES.filter((name) => serves(name, world.units)).join(", ");
    problems.add(
      ["tracker", "technique"],
      `${config.mode === "live" ? "live" : "differential"} checkpoints need a tracker that finds written pages (${able}); "${technique}" does not`,
    );
  }
  const words = expectedFrames(world) * 2 ** (world.geometry.indexBits + 1);
  if (keepsState && words > STATE_WORDS_MAX) {
    problems.addWhole(
      ["operation", "state"],
      "the VMs are too large for checkpoints with their state: set state: false",
    );
  }
  const forgetsFailed = faults.includes("failedCheckpointForgotten");
  return { config, technique, keepsState, deadlineCycles, scenario, forgetsFailed };
}

export function checkpoint(plan: CheckpointPlan, { sink }: Surroundings): OperationFactory {
  return (world, host) => new CheckpointOperation(plan, sink, world, host);
}

export class CheckpointOperation implements Operation {
  readonly kind = "checkpoint";
  readonly main: OperationActor;
  readonly helpers = [];
  readonly device: CheckpointDevice;
  readonly scenario: string;
  readonly #config: CheckpointConfig;
  readonly #host: OperationHost;
  /** Its name, if there is one. */
  readonly #file: string | null;

  /** @param sink null: checkpoints stay in memory */
  constructor(
    plan: CheckpointPlan,
    sink: CheckpointSink | null,
    world: World,
    host: OperationHost,
  ) {
    const { config, technique, scenario } = plan;
    this.#config = config;
    this.#host = host;
    this.scenario = scenario;
    this.#file = sink?.name ?? null;
    const { eptLevels, guestLevels, indexBits } = world.config.geometry;
    const header: CheckpointHeader = {
      mode: config.mode,
      technique: config.mode === "stop" ? "none" : technique,
      scenario,
      geometry: { eptLevels, guestLevels, indexBits },
      vms: world.vms.map(layoutOf),
    };
    const live = config.mode === "live";
    this.device = new CheckpointDevice(
      world,
      host,
      {
        header,
        copyCycles: config.copyCycles,
        writeCycles: (PAGE_BYTES * CYCLES_PER_SECOND) / config.bandwidth,
        acknowledgeCycles: config.acknowledge,
        accessesPerOutput: live ? config.accessesPerOutput : 0,
        keepState: plan.keepsState,
        fileLimit: config.rewriteAfter * PAGE_BYTES,
        fails: config.fails,
        differential: config.mode === "diff" ? { forgetsFailed: plan.forgetsFailed } : null,
      },
      sink ?? new MemorySink(),
    );
    this.main = { ...MACHINES[config.mode](plan), device: this.device };
  }

  get parts(): readonly Part[] {
    return this.device.parts;
  }

  result(actors: ActorContexts): CheckpointResult {
    const { mode, epoch } = this.#config;
    return checkpointResult(actors, this.device, this.#host.now(), {
      mode,
      epoch,
      file: this.#file,
    });
  }
}

/** By mode: the toolstack's machine, and what it is set up with. */
const MACHINES: Readonly<
  Record<CheckpointMode, (plan: CheckpointPlan) => Omit<OperationActor, "device">>
> = {
  live: ({ config: { epoch: epochCycles }, technique, deadlineCycles }) => ({
    machine: checkpointLiveMachine,
    input({ self, scheduler, trackers, stopping }) {
      return { self, scheduler, trackers, technique, epochCycles, deadlineCycles, ...stopping };
    },
  }),
  stop: ({ config: { times }, deadlineCycles }) => ({
    machine: checkpointStopMachine,
    input({ self, scheduler, trackers: { length: vms }, stopping }) {
      return { self, scheduler, vms, times, deadlineCycles, ...stopping };
    },
  }),
  diff: ({ config: { times, fullEvery }, technique, deadlineCycles }) => ({
    machine: checkpointDiffMachine,
    input({ self, scheduler, trackers, stopping }) {
      const own = { self, scheduler, trackers, technique, times, fullEvery, deadlineCycles };
      return { ...own, ...stopping };
    },
  }),
};

const KIND = "checkpoint";

export const checkpointOperation = declareOperation({
  kind: KIND,
  schema: () => checkpointSchema,
  needs: {
    ...PLAIN_NEEDS,
    contents: () => true,
    beginsSet: true,
    // Stopped VMs write nothing, and each checkpoint has all pages.
    tracks: ({ mode }: CheckpointConfig) => mode !== "stop",
  },
  faults: ["failedCheckpointForgotten"],
  faultLacks: ({ mode, fails }) =>
    mode === "diff" && fails.length > 0 ? null : 'mode "diff", and a checkpoint that fails',
  estimator: () => null,
  file: ({ file }: CheckpointConfig) => file ?? null,
  comparison: null,
  resolve: checkpointPlan,
  create: checkpoint,
  telling: checkpointTelling,
  operator: {
    ...ownsTrackers(KIND),
    start(view) {
      if (view.machine === checkpointLiveMachine.id) return ownsTrackers(KIND).start(view, "");
      return { message: { type: "checkpointDue" }, said: "checkpoint requested" };
    },
    end: () => endsAtDeadline(KIND),
  },
});
