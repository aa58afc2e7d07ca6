/** Experiments in shares: the runs that one of several machines has done, and outcomes from those of all. */

import * as z from "zod";
import { UserError } from "../errors.ts";
import { itemAt, present } from "../lookup.ts";
import { experimentingVersion } from "../runs/codeVersion.ts";
import type { Shard } from "../shares/shard.ts";
import {
  digestOfWork,
  placesOf,
  type ReadShare,
  type Share,
  type ShareKind,
  shareOf,
  type Work,
} from "../shares/shareFile.ts";
import type { RunSummary } from "../system/summary.ts";
import { experimentsNamed } from "./all.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { doRuns, type ExperimentPool, type ExperimentRuns, resultsOf, runsOf } from "./runner.ts";
import { FULL, QUICK, type Scale } from "./scale.ts";
import { SEEDS_MAX } from "./seeds.ts";

const askedSchema = z.strictObject({
  experiment: z.string().describe("its name, or all"),
  scale: z.enum([FULL.name, QUICK.name]),
  seeds: z.int().min(1).max(SEEDS_MAX).describe("of each run that chance enters"),
});

export type ExperimentAsked = z.infer<typeof askedSchema>;

/** A result is a run's summary. */
export const EXPERIMENT_SHARES: ShareKind<ExperimentAsked, RunSummary> = {
  format: "trackvisor experiment",
  madeBy: "trackvisor experiment run -o",
  work: "experiment",
  item: "run",
  asked: askedSchema,
  result: z.custom<RunSummary>((value) => typeof value === "object" && value !== null),
};

export type ExperimentShare = Share<ExperimentAsked, RunSummary>;

interface ExperimentWork extends Work<ExperimentAsked>, ExperimentRuns {}

export function scaleOf({ scale }: ExperimentAsked): Scale {
  return scale === QUICK.name ? QUICK : FULL;
}

/** @throws UserError if no experiment has that name */
function workOf(asked: ExperimentAsked): ExperimentWork {
  const all = runsOf(experimentsNamed(asked.experiment), scaleOf(asked), asked.seeds);
  const names = all.runs.map(({ name }, place) => `${name} ${all.identities[place]}`);
  return { ...all, code: experimentingVersion(), asked, names };
}

/**
 * Does the runs of a share.
 * @param shard null: all of them
 * @throws what doRuns throws
 */
export async function runShare(
  asked: ExperimentAsked,
  shard: Shard | null,
  pool: ExperimentPool,
): Promise<ExperimentShare> {
  const work = workOf(asked);
  const places = placesOf(work, shard);
  const summaries = await doRuns(
    places.map((place) => itemAt(work.runs, place)),
    pool,
  );
  const byPlace = new Map(places.map((place, n) => [place, itemAt(summaries, n)]));
  return shareOf(EXPERIMENT_SHARES, work, shard, (place) =>
    present(byPlace.get(place), "a part of the share"),
  );
}

/**
 * What comes of the whole.
 * @throws UserError if another version of the program has done the runs
 */
export async function outcomesOf({
  file,
  share,
}: ReadShare<ExperimentAsked, RunSummary>): Promise<readonly Outcome[]> {
  const { code, asked, digest, items } = share;
  if (code !== experimentingVersion()) {
    throw new UserError(`${file}: was made by another version of the program than this one`);
  }
  const work = workOf(asked);
  if (digestOfWork(EXPERIMENT_SHARES, work) !== digest) {
    throw new UserError(`${file}: has other runs than its experiment; the file is damaged`);
  }
  const summaries = items.map(({ result }) => result);
  const results = resultsOf(work, summaries);
  const scale = scaleOf(asked);
  return Promise.all(
    experimentsNamed(asked.experiment).map((experiment, n) =>
      outcomeOf(experiment, itemAt(results, n), scale),
    ),
  );
}
