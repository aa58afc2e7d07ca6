/** Model checking from a program: the shipped models by name, and models of your own. */
import { type CheckTarget, mutationNamed } from "../check/catalogue.ts";
import { type CheckOptions, type CheckReport, CheckRun } from "../check/checkRun.ts";
import type { Model, ModelFile } from "../check/library.ts";
import { adoptModel, dropModel, isModelFile, loadModelFile } from "../check/modelFile.ts";
import type { Trace } from "../check/trace.ts";
import { UserError } from "../errors.ts";
import { clock, takeTurns } from "./takeTurns.ts";

/** Time between two moments at which the rest of the program has its turn, in seconds. */
const SLICE_SECONDS = 0.1;
/** What fits into a few gigabytes. */
const STATES_DEFAULT = 30_000_000;
const OWN = "model";

/** Of the searches' options those that are promised here; bounds: 30 million states, unless they say otherwise. */
export interface CheckSettings
  extends Pick<
    CheckOptions,
    "bounds" | "keepGoing" | "symmetry" | "partialOrder" | "workers" | "order" | "seed"
  > {
  /** Parameters of the model. */
  readonly set?: Readonly<Record<string, number>>;
  /** The name of a fault to plant. */
  readonly fault?: string;
  /** Ends it early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Checked {
  /** Verdicts, sizes, coverage. */
  readonly report: CheckReport;
  /** Of each property that is broken or witnessed, the run that shows it. */
  readonly traces: readonly Trace[];
}

/**
 * Explores every interleaving of a model, and proves its properties or breaks them.
 * @param model the name of a shipped model, a file that exports one, or what such a file exports: a model
 *   (`actorModel` of "trackvisor/check") or a ModelFile
 * @throws UserError if there is no such model, parameter or fault, or options do not go together;
 *   ModelError if the model is not as it says
 */
export async function check(
  model: string | Model | ModelFile,
  settings: CheckSettings = {},
): Promise<Checked> {
  if (typeof model === "string") {
    if (isModelFile(model)) await loadModelFile(model);
    return explore(model, model, settings);
  }
  if ((settings.workers ?? 1) > 1) {
    throw new UserError(
      "workers: other threads cannot build this model; name a file that exports it",
    );
  }
  const shown = "components" in model ? model.name : (model.what ?? OWN);
  const name = adoptModel(OWN, model);
  try {
    return await explore(name, shown, settings);
  } finally {
    dropModel(name);
  }
}

async function explore(name: string, shown: string, settings: CheckSettings): Promise<Checked> {
  const { set = {}, fault = null, bounds, signal, ...options } = settings;
  const defaults = fault === null ? {} : mutationNamed(fault, name).set;
  const target: CheckTarget = { model: name, set: { ...defaults, ...set }, mutation: fault };
  const run = new CheckRun(target, {
    ...options,
    bounds: { states: STATES_DEFAULT, ...bounds },
    clock,
  });
  while (run.explore(SLICE_SECONDS) || run.judge(SLICE_SECONDS)) {
    signal?.throwIfAborted();
    await takeTurns();
  }
  const traces = run.results.flatMap((result) => run.traceOf(result) ?? []);
  return { report: { ...run.report(), model: shown }, traces };
}
