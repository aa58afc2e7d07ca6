/**
 * One random scenario, and all that must be true of its run: nothing is lost, time is conserved, a second
 * run is the same byte for byte, so is the replay of its log, and a run that was saved and restored on the
 * way. What cannot be run is refused in one sentence.
 */
import { UserError } from "../../src/errors.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { LogReader } from "../../src/replay/reader.ts";
import { originOf, rebuild } from "../../src/replay/rebuild.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { type Commanded, OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { ProgressWatch } from "../../src/system/verdict/progressWatch.ts";
import { brokenPromises } from "../../src/system/verdict/verdict.ts";
import type { SoakCase } from "./generator.ts";

/** Messages of a run at most: one a microsecond, for more seconds than the slowest link needs for the largest VM. */
const MESSAGES_MAX = 4_000_000;
/** Losses of an operation, among failures that are its ordinary outcomes. */
const LOST = /differs between the destination|stores? (was|were) lost/;
/** With Bochs's missing check (docs/choices.md) pages of page tables are lost, and that is said. */
const BOCHS = /lost (\d+ page tables? .*|pages); Bochs, which/;

/** What was not as it must be. */
export interface Problem {
  readonly kind:
    | "lost"
    | "stuck"
    | "endless"
    | "died"
    | "error"
    | "refusal"
    | "second run"
    | "restored run"
    | "replay";
  readonly what: string;
}

export interface Trial {
  readonly problems: readonly Problem[];
  /** Why the scenario was refused; null if it ran. */
  readonly refusal: string | null;
  readonly summary: RunSummary | null;
  readonly messages: number;
}

/** A run with what came of it. */
interface Ran {
  readonly system: System;
  readonly summary: RunSummary;
  readonly bytes: Buffer;
}

export function tryCase(soaked: SoakCase): Trial {
  try {
    return judge(soaked);
  } catch (error) {
    return trialOf(error);
  }
}

function trialOf(error: unknown): Trial {
  const nothing = { summary: null, messages: 0 };
  if (!(error instanceof UserError)) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { problems: [{ kind: "error", what }], refusal: null, ...nothing };
  }
  const { message } = error;
  const isSentence = message.length > 10 && !message.includes("\n");
  const problems: Problem[] = isSentence ? [] : [{ kind: "refusal", what: message }];
  return { problems, refusal: message, ...nothing };
}

function judge({ scenario: fields, commands }: SoakCase): Trial {
  const parsed = scenarioSchema.safeParse(fields);
  if (!parsed.success) throw new UserError(parsed.error.issues[0]!.message);
  const scenario = parsed.data;
  const first = run(scenario, commands);
  const second = run(scenario, commands);
  const problems = [
    ...verdictOf(first),
    ...sameRun(first, second, "second run"),
    ...replayed(first.bytes),
    ...(commands.length > 0 ? [] : sameRun(first, restoredRun(scenario, first), "restored run")),
  ];
  const { summary } = first;
  return { problems, refusal: null, summary, messages: summary.messages };
}

/** Runs a scenario to its end, recording it, with the operator's commands. @throws UserError */
function run(scenario: Scenario, commands: SoakCase["commands"]): Ran {
  const system = buildSystem(scenario);
  const sink = new LogBuffer();
  const recorder = new Recorder(system, originOf(scenario, "."), sink);
  const watch = new ProgressWatch(system);
  let delivered = 0;
  for (const command of commands) {
    delivered += watch.run(Math.max(0, command.after - delivered));
    // Whoever was held goes on by a later command.
    watch.standstill = null;
    perform(system, command);
  }
  if (watch.run(MESSAGES_MAX) === MESSAGES_MAX) throw new Error("the run does not end");
  recorder.finish();
  return { system, summary: summarize(system, watch.standstill), bytes: sink.bytes };
}

function perform(system: System, { name, vm, argument }: SoakCase["commands"][number]): void {
  if (system.done) return;
  const commanded: Commanded = {
    system,
    command: (to, message) => system.command(to, message),
  };
  try {
    OPERATOR_COMMANDS[name]!(commanded, vm, argument);
  } catch (error) {
    // What cannot be done now is refused, and nothing was done.
    if (!(error instanceof UserError)) throw error;
  }
}

function verdictOf({ system, summary }: Ran): Problem[] {
  const kinds = {
    "no page is lost": "lost",
    "the run goes on": "stuck",
    "no VM dies": "died",
  } as const;
  const broken = brokenPromises(system, summary.standstill)
    .filter(({ what }) => !BOCHS.test(what))
    .map(({ promise, what }) => ({ kind: kinds[promise], what }));
  const isBochs = system.config.world.mmu.compatibility === "bochs";
  const lost = summary.operation.failures.filter((what) => LOST.test(what) && !isBochs);
  return [...broken, ...lost.map((what): Problem => ({ kind: "lost", what }))];
}

function sameRun(first: Ran, other: Ran, kind: "second run" | "restored run"): Problem[] {
  const [one, two] = [first, other].map(({ summary }) => JSON.stringify(summary));
  if (one !== two) return [{ kind, what: `its summary differs: ${differenceOf(one!, two!)}` }];
  if (!first.bytes.equals(other.bytes)) return [{ kind, what: "its log differs" }];
  const digests = first.system.digests();
  const different = Object.entries(other.system.digests()).filter(([name, digest]) => {
    return digests[name] !== digest;
  });
  return different.length === 0 ? [] : [{ kind, what: `${different[0]![0]} differs at the end` }];
}

/** A few characters around the first difference. */
function differenceOf(one: string, two: string): string {
  let at = 0;
  while (one[at] === two[at]) at++;
  const around = (text: string): string => text.slice(Math.max(0, at - 60), at + 60);
  return `${around(one)} | ${around(two)}`;
}

/** The run saved in the middle, and gone on with in a system of its own. */
function restoredRun(scenario: Scenario, { summary, bytes }: Ran): Ran {
  const whole = buildSystem(scenario);
  whole.run(Math.floor(summary.messages / 3));
  const system = buildSystem(scenario);
  system.restore(whole.save());
  const watch = new ProgressWatch(system);
  watch.run(MESSAGES_MAX);
  return { system, summary: summarize(system, watch.standstill), bytes };
}

/** As a user's replay: the system is built from what the log says of itself. */
function replayed(bytes: Buffer): Problem[] {
  const log = new LogReader(sourceOf("soak.tvlog", bytes));
  const player = new Player(log, rebuild("soak.tvlog", log.header));
  let result = player.step();
  while (result === true) result = player.step();
  if (result !== false) {
    const { kind, position, detail } = result;
    return [{ kind: "replay", what: `${kind} at message ${position}: ${detail.join(", ")}` }];
  }
  return log.damage === undefined ? [] : [{ kind: "replay", what: "its log is damaged" }];
}
