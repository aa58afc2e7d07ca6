/** Small systems that take checkpoints, and their contents as a test sees them. */
import fc from "fast-check";
import { findLeaf } from "../../src/hardware/ept.ts";
import { pageOfWords } from "../../src/hardware/words.ts";
import type { TrackerFault } from "../../src/hypervisor/trackedVm.ts";
import type { Technique } from "../../src/interconnect/messages.ts";
import type { LogicKind } from "../../src/system/actors.ts";
import { operationIn } from "../../src/system/operations/all.ts";
import type { CheckpointResult } from "../../src/system/operations/checkpoint/checkpointResult.ts";
import {
  type CheckpointConfig,
  type CheckpointMode,
  checkpointSchema,
} from "../../src/system/operations/checkpoint/checkpointSchema.ts";
import type { CheckpointSink } from "../../src/system/operations/checkpoint/sink.ts";
import { System } from "../../src/system/system.ts";
import {
  anyRecipe,
  configOf,
  costsOf,
  type Recipe,
  SIMPLE,
  shortestTurn,
  type VmRecipe,
} from "./smallSystems.ts";

export const WRITTEN_FINDERS = ["writeProtect", "pml", "accessedDirtyScan", "dirtyRing"] as const;

export interface CheckpointRecipe {
  readonly system: Recipe;
  readonly mode: CheckpointMode;
  /** Beyond the shortest one that lets a guest get on; or, but in mode live, between checkpoints. */
  readonly epoch: number;
  /** Checkpoints, but in mode live. */
  readonly stops: number;
  /** In mode diff: see the schema. */
  readonly fullEvery: number;
  readonly fails: readonly number[];
  readonly copyCycles: number;
  readonly acknowledge: number;
  readonly accessesPerOutput: number;
  readonly state: boolean;
  readonly rewriteAfter: number;
  readonly faults: readonly TrackerFault[];
}

/** One VM of one vCPU that writes its eight pages again and again. */
export const PLAIN: CheckpointRecipe = {
  system: {
    ...SIMPLE,
    passes: 12,
    vms: [
      {
        pages: 8,
        paging: "off",
        leafLevel: 1,
        vcpus: [
          { gap: 20_000, script: [0, 1, 2, 3, 1, 4, 1, 5].map((page) => [page, 1] as const) },
        ],
      },
    ],
  },
  mode: "live",
  epoch: 0,
  stops: 3,
  fullEvery: 0,
  fails: [],
  copyCycles: 10,
  acknowledge: 100,
  accessesPerOutput: 3,
  state: false,
  rewriteAfter: 1e9,
  faults: [],
};

export function configurationOf(recipe: CheckpointRecipe): CheckpointConfig {
  const { system, mode, copyCycles, accessesPerOutput, state } = recipe;
  const epoch = shortestTurn(costsOf(system), system.logEntries) + recipe.epoch;
  return {
    ...checkpointSchema.parse({ kind: "checkpoint", copyCycles, accessesPerOutput, state }),
    mode,
    epoch,
    times: Array.from({ length: mode === "live" ? 0 : recipe.stops }, (_, i) => (i + 1) * epoch),
    fullEvery: recipe.fullEvery,
    fails: [...recipe.fails],
    acknowledge: recipe.acknowledge,
    rewriteAfter: recipe.rewriteAfter / 4096,
  };
}

export function buildCheckpoints(
  recipe: CheckpointRecipe,
  sink?: CheckpointSink,
  logic: LogicKind = "compiled",
  scenario = "test",
): System {
  const config = configOf(recipe.system);
  const { vms, tracking } = config.world;
  const surroundings = { scenario, ...(sink === undefined ? {} : { sink }) };
  return new System(
    {
      ...config,
      world: {
        ...config.world,
        vms: vms.map((vm) => ({ ...vm, keepVersions: true })),
        tracking: { ...tracking, faults: recipe.faults },
      },
      operation: operationIn(configurationOf(recipe), {
        deadlineCycles: recipe.system.deadline ?? 0,
        ...surroundings,
      }),
    },
    logic,
  );
}

/** What a VM's memory holds: versions of its data pages, and the words of its paging structures. */
export function contentsOf({ world }: System): readonly number[][] {
  return world.vms.map(({ config, guest, tables, ept }) => {
    const contents = [...guest.versions.subarray(0, config.pages)];
    const { words, frameWords } = world.memory;
    for (let table = 0; table < (tables?.count ?? 0); table++) {
      const { word } = findLeaf(ept, tables!.firstPage + table)!;
      const from = pageOfWords(words[word]!, words[word + 1]!) * frameWords;
      contents.push(...words.subarray(from, from + frameWords));
    }
    return contents;
  });
}

export interface Watched {
  /** What the VMs held when each checkpoint's pages were copied. */
  readonly copied: (readonly number[][])[];
  readonly messages: number;
}

/**
 * Runs to the end, and takes a copy of the VMs' memory whenever they stand still to be copied.
 * @param onCommit after each checkpoint that was written, with its number
 */
export function watch(system: System, onCommit: (number: number) => void = () => {}): Watched {
  const copied: (readonly number[][])[] = [];
  const copying = (value: string) => value === "copying" || value === "writing";
  const toolstack = system.actor("toolstack");
  let before = toolstack.value;
  let messages = 0;
  const subscription = system.interconnect.delivered.subscribe(({ to, message }) => {
    messages++;
    if (to !== toolstack.id) return;
    const now = toolstack.value;
    if (copying(now) && !copying(before)) copied.push(contentsOf(system));
    before = now;
    if (message.type === "checkpointWritten") onCommit(copied.length - 1);
  });
  system.run(200_000);
  subscription.unsubscribe();
  if (!system.done) throw new Error("the run does not end");
  return { copied, messages };
}

export function resultOf(system: System): CheckpointResult {
  return system.result() as CheckpointResult;
}

const limits = fc.record({
  accesses: fc.constantFrom(3, 40, 100),
  /** Of the shortest epoch. */
  pace: fc.constantFrom(0, 0.1, 0.3, 0.3),
  epoch: fc.constantFrom(0, 0, 1000, 30_000, 300_000),
  stops: fc.integer({ min: 1, max: 4 }),
  fullEvery: fc.constantFrom(0, 0, 1, 2),
  fails: fc.subarray([0, 1, 2, 3]),
  copyCycles: fc.constantFrom(0, 10, 1000),
  acknowledge: fc.constantFrom(0, 500, 200_000),
  accessesPerOutput: fc.constantFrom(0, 1, 7),
  state: fc.boolean(),
  rewriteAfter: fc.constantFrom(1, 600, 1e9),
});

/** Any small system, with a technique that finds written pages. */
export function anyCheckpoints(
  ...modes: CheckpointRecipe["mode"][]
): fc.Arbitrary<CheckpointRecipe> {
  const technique: fc.Arbitrary<Technique> = fc.constantFrom(...WRITTEN_FINDERS);
  return fc
    .tuple(anyRecipe, technique, fc.constantFrom(...modes), limits)
    .map(([system, technique, mode, { accesses, pace, ...rest }]) => {
      const turn = shortestTurn(costsOf(system), system.logEntries);
      const gap = Math.floor(pace * turn);
      return {
        system: {
          ...system,
          technique,
          passes: passesFor(system.vms, accesses),
          deadline: system.deadline === null ? null : 20 * turn + system.deadline,
          vms: slower(system.vms, gap),
          // As shortestTurn says: a turn must have room for one access.
          timeslice: system.timeslice + 2 * gap,
        },
        mode,
        faults: [],
        ...rest,
        fails: mode === "diff" ? rest.fails : [],
        epoch: rest.epoch + 2 * gap,
      };
    });
}

/** Guests with work between their accesses, so that a few of them fill an epoch. */
function slower(vms: readonly VmRecipe[], gap: number): readonly VmRecipe[] {
  return vms.map((vm) => ({
    ...vm,
    vcpus: vm.vcpus.map((vcpu) => ({ ...vcpu, gap: vcpu.gap + gap })),
  }));
}

/** How often scripts are played, so that the longest makes about so many accesses. */
function passesFor(vms: readonly VmRecipe[], accesses: number): number {
  const longest = Math.max(...vms.flatMap(({ vcpus }) => vcpus.map(({ script }) => script.length)));
  return Math.ceil(accesses / Math.max(1, longest));
}
