/**
 * `trackvisor check --random --seeds 1..20`, and with --pct: a swarm of random walks, on one machine or in shares on
 * many.
 */

import * as z from "zod";
import type { CheckRun } from "../check/checkRun.ts";
import { isModelFile } from "../check/modelFile.ts";
import { type SeedReport, type SwarmAsked, seedReport, swarmReport } from "../check/swarm.ts";
import { UserError } from "../errors.ts";
import { digestOfFile } from "../io/inputFile.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { note, print } from "../io/standardStreams.ts";
import { itemAt, present } from "../lookup.ts";
import { checkingVersion } from "../runs/codeVersion.ts";
import type { Shard } from "../shares/shard.ts";
import { placesOf, type Share, type ShareKind, shareOf, shareText } from "../shares/shareFile.ts";
import { printResult } from "./jsonFormats.ts";
import { swarmLines } from "./walksReport.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const count = z.int().min(0);
const names = z.array(z.string());

const askedSchema: z.ZodType<SwarmAsked> = z.strictObject({
  model: z.string(),
  file: z.string().nullable(),
  set: z.record(z.string(), z.number()),
  fault: z.string().nullable(),
  depth: count,
  walks: count,
  steps: count,
  keepGoing: z.boolean(),
});

const seedSchema: z.ZodType<SeedReport> = z.strictObject({
  walks: count,
  distinct: count,
  generated: count,
  depth: count,
  ending: z.enum(["complete", "violation", "bound", "stopped"]),
  properties: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(["always", "step", "sometimes", "eventually", "leadsTo", "noDeadlock", "model"]),
      verdict: z.enum(["holds", "violated", "open", "vacuous"]),
      messages: count.nullable(),
    }),
  ),
  coverage: z.array(
    z.strictObject({
      machine: z.string(),
      states: count,
      transitions: count,
      statesSeen: count,
      transitionsSeen: count,
      unseenStates: names,
      unseenTransitions: names,
      takenTransitions: names,
    }),
  ),
});

/** An item is a seed. */
export const WALK_SHARES: ShareKind<SwarmAsked, SeedReport> = {
  format: "trackvisor walks",
  madeBy: "trackvisor check --seeds -o",
  work: "swarm",
  item: "seed",
  asked: askedSchema,
  result: seedSchema,
};

export interface SwarmOutput {
  readonly output?: string;
  readonly json?: true;
  readonly force?: true;
}

export interface SwarmOptions extends SwarmOutput {
  readonly seeds?: readonly number[];
  readonly shard?: Shard;
}

/** Says before the walks what does not go together, or could not be written. @throws UserError */
export function refuseSwarm(options: SwarmOptions, isRandom: boolean): void {
  const { seeds, shard, output } = options;
  if (seeds === undefined) {
    if (shard !== undefined) throw new UserError("--shard goes with --seeds");
    if (output !== undefined) throw new UserError("-o goes with --seeds");
    return;
  }
  if (!isRandom) throw new UserError("--seeds goes with --random or --pct");
  if (shard !== undefined && output === undefined) {
    throw new UserError("--shard goes with -o FILE, for merge");
  }
  if (output !== undefined) refuseUnwritable(output, options);
}

/**
 * Walks with each seed of a share, and says what came of them.
 * @param asked but for what the model's file is
 * @param walk a run with this seed, at its end; null: it was interrupted
 */
export async function walkSwarm(
  given: Omit<SwarmAsked, "file">,
  options: SwarmOptions,
  walk: (seed: number) => Promise<CheckRun | null>,
): Promise<void> {
  const { seeds = [], shard = null } = options;
  const file = isModelFile(given.model) ? digestOfFile(given.model) : null;
  // The order in which parameters were given is not theirs.
  const set = Object.fromEntries(Object.entries(given.set).sort());
  const asked = { ...given, set, file };
  const work = { code: checkingVersion(), asked, names: seeds.map(String) };
  const places = placesOf(work, shard);
  const reports = new Map<number, SeedReport>();
  for (const place of places) {
    const run = await walk(itemAt(seeds, place));
    if (run === null) break;
    reports.set(place, seedReport(run));
  }
  if (reports.size < places.length) {
    note(`interrupted after ${reports.size} of ${places.length} seeds: nothing is written`);
    process.exitCode = EXIT_INTERRUPTED;
    if (reports.size === 0) return;
    const done = new Map([...reports].map(([place, report]) => [itemAt(seeds, place), report]));
    tell(asked, done, options);
    return;
  }
  deliverSwarm(
    shareOf(WALK_SHARES, work, shard, (place) =>
      present(reports.get(place), "the report of a walk"),
    ),
    options,
  );
}

/** Writes and prints; the exit code says whether a property is broken. @throws UserError */
export function deliverSwarm(share: Share<SwarmAsked, SeedReport>, options: SwarmOutput): void {
  const { output, force } = options;
  if (output !== undefined) writeOutput(output, shareText(share), { force });
  const { asked, items, shard } = share;
  if (items.length === 0) {
    // Of more machines than seeds some have none.
    print(`no seed is of share ${shard?.index}/${shard?.count}`);
    return;
  }
  tell(asked, new Map(items.map(({ name, result }) => [Number(name), result])), options);
}

function tell(
  asked: SwarmAsked,
  reports: ReadonlyMap<number, SeedReport>,
  { json }: SwarmOutput,
): void {
  const report = swarmReport(reports);
  if (json) printResult("check walks", { asked, report });
  else print(...swarmLines(asked, report));
  const isBad = report.properties.some(
    ({ verdict }) => verdict === "violated" || verdict === "vacuous",
  );
  if (isBad) process.exitCode = EXIT_FAILED;
}
