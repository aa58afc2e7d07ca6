/** The model checker beside SPIN on the same model, and beside xstate/graph on one machine; its speed and memory. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assign, setup } from "xstate";
import { getAdjacencyMap } from "xstate/graph";
import { buildModel } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { twoPhaseCommit } from "../../src/check/models/twoPhaseCommit.ts";
import { ParallelSearch } from "../../src/check/workers/parallelSearch.ts";
import { type Benchmark, CounterMismatchError, median, type Result, secondsOf } from "./harness.ts";
import { twoPhaseCommitPromela } from "./twoPhaseCommitPromela.ts";

const MANAGERS = 9;
const DISTINCT = 10_340_352;
const GENERATED = 123_558_402;
/** Pairs of a run of SPIN and one of ours. */
const PAIRS = 3;
const PML_STATES = 2_000_000;
/** Large enough that starting up does not count. */
const RATE_MANAGERS = 8;

export const modelChecking: Benchmark = {
  name: "modelChecking",
  async run() {
    return [...besideSpin(), twoThreads(), pmlRate(), besideXstateGraph()];
  },
};

/** Pairs again: one thread, then two. */
function twoThreads(): Result {
  const target = { model: "two-phase-commit", set: { managers: MANAGERS }, mutation: null };
  const ratios = Array.from({ length: PAIRS }, () => {
    const one = ours().seconds;
    const search = new ParallelSearch(target, 2);
    const two = secondsOf(() => search.run());
    if (search.distinct !== DISTINCT || search.generated !== GENERATED) {
      throw new CounterMismatchError(`two threads found ${search.distinct} states`);
    }
    return two / one;
  });
  return {
    what: "two-phase commit on two threads: time, one thread's = 1",
    value: median(ratios),
    unit: "x",
    bar: { atMost: 1 },
  };
}

interface Ours {
  readonly seconds: number;
  readonly bytes: number;
}

function ours(): Ours {
  const exploration = new Exploration(twoPhaseCommit(MANAGERS));
  const seconds = secondsOf(() => exploration.run());
  const { distinct, generated, states } = exploration;
  if (distinct !== DISTINCT || generated !== GENERATED) {
    throw new CounterMismatchError(`two-phase commit: ${distinct} states, ${generated} generated`);
  }
  return { seconds, bytes: states.bytes / distinct };
}

/** Paired: what else the machine does hits both alike. */
function besideSpin(): Result[] {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-spin-"));
  try {
    const { program, reason } = compileSpin(directory);
    const ratios: number[] = [];
    const runs: Ours[] = [];
    for (let pair = 0; pair < (program === null ? 1 : PAIRS); pair++) {
      const spin = program === null ? null : runSpin(program, directory);
      const one = ours();
      runs.push(one);
      if (spin !== null) ratios.push(one.seconds / spin);
    }
    const seconds = median(runs.map((run) => run.seconds));
    return [
      {
        what: `two-phase commit, ${MANAGERS} managers: time, SPIN's = 1`,
        value: ratios.length === 0 ? null : median(ratios),
        unit: "x",
        bar: { atMost: 0.65 },
        ...(program === null ? { note: reason } : {}),
      },
      { what: "two-phase commit: generated states", value: GENERATED / seconds / 1e6, unit: "M/s" },
      {
        what: "two-phase commit: memory",
        value: runs[0]!.bytes,
        unit: "bytes/state",
        bar: { atMost: 48 },
      },
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function compileSpin(directory: string): { program: string | null; reason: string } {
  writeFileSync(join(directory, "model.pml"), twoPhaseCommitPromela(MANAGERS));
  const options = { cwd: directory, encoding: "utf8" } as const;
  if (spawnSync("spin", ["-a", "model.pml"], options).status !== 0) {
    return { program: null, reason: "SPIN is not installed" };
  }
  const flags = ["-w", "-O3", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=8000", "-o", "pan", "pan.c"];
  if (spawnSync("cc", flags, options).status !== 0) {
    return { program: null, reason: "no C compiler for SPIN's verifier" };
  }
  return { program: join(directory, "pan"), reason: "" };
}

function runSpin(program: string, cwd: string): number {
  let output = "";
  const seconds = secondsOf(() => {
    output = spawnSync(program, ["-w26", "-n", "-E", "-m1000000"], {
      cwd,
      encoding: "utf8",
    }).stdout;
  });
  if (!output.includes(`${DISTINCT} states, stored`)) {
    throw new CounterMismatchError("SPIN has found another number of states");
  }
  return seconds;
}

function pmlRate(): Result {
  const model = buildModel({ model: "pml-two-vcpus", set: {}, mutation: null });
  const exploration = new Exploration(model, { bounds: { states: PML_STATES } });
  const seconds = secondsOf(() => exploration.run());
  return {
    what: "PML on two vCPUs: generated states",
    value: exploration.generated / seconds / 1e6,
    unit: "M/s",
    bar: { atLeast: 1 },
  };
}

/**
 * xstate/graph explores one machine, not several actors: so here it gets two-phase commit as one machine.
 * Compared is how many distinct states each finds in a second.
 */
function besideXstateGraph(): Result {
  const managers = 5;
  const events = [
    { type: "chooseCommit", manager: 0 },
    { type: "chooseAbort", manager: 0 },
    ...["prepared", "prepare", "giveUp", "commit", "abort"].flatMap((type) =>
      Array.from({ length: managers }, (_, manager) => ({ type, manager })),
    ),
  ];
  let states = 0;
  const theirs = secondsOf(() => {
    states = Object.keys(getAdjacencyMap(wholeCommit(managers), { events, limit: 1e9 })).length;
  });
  const exploration = new Exploration(twoPhaseCommit(RATE_MANAGERS));
  const mine = secondsOf(() => exploration.run());
  const small = new Exploration(twoPhaseCommit(managers));
  small.run();
  if (states !== small.distinct) {
    throw new CounterMismatchError(`xstate/graph found ${states} states, not ${small.distinct}`);
  }
  return {
    what: "two-phase commit: states a second, xstate/graph's = 1",
    value: exploration.distinct / mine / (states / theirs),
    unit: "x",
    bar: { atLeast: 20 },
  };
}

interface Whole {
  readonly transaction: string;
  readonly managers: readonly string[];
  readonly said: readonly boolean[];
  readonly heard: readonly boolean[];
}
type WholeEvent = { readonly type: string; readonly manager: number };

function wholeCommit(count: number) {
  return setup({
    types: { context: {} as Whole, events: {} as WholeEvent },
    guards: {
      isOpen: ({ context }) => context.transaction === "init",
      allHeard: ({ context }) => context.transaction === "init" && context.heard.every(Boolean),
      mayHear: ({ context, event }) =>
        context.transaction === "init" && context.said[event.manager]!,
      works: ({ context, event }) => context.managers[event.manager] === "working",
      isCommitted: ({ context }) => context.transaction === "committed",
      isAborted: ({ context }) => context.transaction === "aborted",
    },
    actions: {
      decideCommit: assign({ transaction: "committed" }),
      decideAbort: assign({ transaction: "aborted" }),
      hear: assign({ heard: ({ context, event }) => context.heard.with(event.manager, true) }),
      prepare: assign(({ context, event }) => ({
        managers: context.managers.with(event.manager, "prepared"),
        said: context.said.with(event.manager, true),
      })),
      commit: assign({
        managers: ({ context, event }) => context.managers.with(event.manager, "committed"),
      }),
      abort: assign({
        managers: ({ context, event }) => context.managers.with(event.manager, "aborted"),
      }),
    },
  }).createMachine({
    context: {
      transaction: "init",
      managers: Array.from({ length: count }, () => "working"),
      said: Array.from({ length: count }, () => false),
      heard: Array.from({ length: count }, () => false),
    },
    on: {
      chooseCommit: { guard: "allHeard", actions: "decideCommit" },
      chooseAbort: { guard: "isOpen", actions: "decideAbort" },
      prepared: { guard: "mayHear", actions: "hear" },
      prepare: { guard: "works", actions: "prepare" },
      giveUp: { guard: "works", actions: "abort" },
      commit: { guard: "isCommitted", actions: "commit" },
      abort: { guard: "isAborted", actions: "abort" },
    },
  });
}
