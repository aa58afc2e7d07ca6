/** Answers in words, from a program. */
import { type Advice, adviceOf } from "../questions/advise/advice.ts";
import { advise as adviseOn } from "../questions/advise/advise.ts";
import { QUESTIONS, type Question } from "../questions/advise/subject.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { Interrupted, type RunProgress } from "../runs/pool.ts";
import { RunStore } from "../runs/runStore.ts";
import { sourceWords } from "../runs/scenarioFile.ts";
import {
  loaderOfSource,
  overridesOf,
  type ScenarioFields,
  type ScenarioSettings,
} from "./scenario.ts";

export interface AdviceSettings extends ScenarioSettings {
  /** What is asked; all if not given. */
  readonly only?: readonly Question[];
  /** Of a migration: its link ("10Gbit/s"), its downtime at most, how long it may take ("300ms"). */
  readonly link?: string;
  readonly downtime?: string;
  readonly horizon?: string;
  /** The window of the working set, and how long trackers and estimators look at the guests. */
  readonly window?: string;
  readonly span?: string;
  /** Every answer is from runs with all of these; the scenario's own and the next two if not given. */
  readonly seeds?: readonly number[];
  /** Threads; one for each processor if not given. */
  readonly workers?: number;
  /** A directory where finished runs are kept, so that none is done twice; nothing is kept if not given. */
  readonly store?: string;
  /** Ends it early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when a run has ended. `what`: which runs they are. */
  readonly onProgress?: (what: string, progress: RunProgress) => void;
}

/**
 * Which tracker, whether pre-copy converges, the working set, and what would change these answers.
 * @returns what `trackvisor advise --json` prints (docs/advise.schema.json); its sentences name the runs they are from
 * @throws UserError for a mistake in the scenario or in what is asked
 */
export async function advise(
  source: string | ScenarioFields,
  settings: AdviceSettings = {},
): Promise<Advice> {
  const { set, directory, only = QUESTIONS, seeds = null, store = null } = settings;
  const { link, downtime, horizon, window, span, workers, signal, onProgress } = settings;
  const asked = {
    load: loaderOfSource(source, directory),
    common: overridesOf(set),
    ...{ seeds, questions: only, link, downtime, horizon, window, span },
  };
  try {
    const answers = await adviseOn(asked, {
      store: new RunStore(store, codeVersion()),
      workers,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const words = typeof source === "string" ? sourceWords(source) : null;
    return adviceOf(answers, measuringVersion(), words);
  } catch (error) {
    throw error instanceof Interrupted && signal?.aborted ? signal.reason : error;
  }
}
