/** `trackvisor tui`: see a machine run, change it, go back in time; or the same numbers in a pipe. */

import { Command, InvalidArgumentError, Option } from "commander";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { exists } from "../io/inputFile.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import {
  type ColourMode,
  isInteractive,
  note,
  print,
  printed,
  printPainted,
  terminal,
} from "../io/standardStreams.ts";
import { present } from "../lookup.ts";
import { isLogFile } from "../replay/logFile.ts";
import { loadScenario, placed, refuseUnread } from "../runs/scenarioFile.ts";
import { Session } from "../session/session.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import { standstillOf } from "../system/verdict/standstill.ts";
import { brokenPromises } from "../system/verdict/verdict.ts";
import { frameOf, screenPicture, screenRows } from "../tui/batch.ts";
import { logLine } from "../tui/entryLine.ts";
import type { UiSettings } from "../tui/keys.ts";
import { keyMap } from "../tui/keys.ts";
import { PANEL_NAMES } from "../tui/panels/all.ts";
import { parseRunPosition } from "../tui/runPosition.ts";
import { THEME_NAMES, type ThemeName } from "../tui/themes.ts";
import { printResult } from "./jsonFormats.ts";
import { loadSettings, lookOf } from "./look.ts";
import { IMPORT, importModules, SET } from "./optionParsers.ts";
import { DEFAULT_SCENARIO } from "./run.ts";
import { type BesideOption, besideOption, openBeside } from "./tuiBeside.ts";

/** A damaged log, or a run that broke what no run may. */
const EXIT_FAILED = 1;
const LOG_EXTENSION = ".tvlog";
const BATCH_MESSAGES = 4096;
const DEFAULT_SIZE = { columns: 80, rows: 24 };

interface TuiOptions {
  readonly once?: true;
  readonly json?: true;
  readonly log?: true;
  readonly svg?: string;
  readonly force?: true;
  readonly at?: string;
  readonly size?: { readonly columns: number; readonly rows: number };
  readonly panel?: string;
  readonly theme?: ThemeName;
  readonly colours?: ColourMode;
  readonly ascii?: true;
  readonly mouse: boolean;
  readonly screenReader?: true;
  readonly config?: string;
  readonly do?: string[];
  readonly beside?: readonly BesideOption[];
  readonly set: readonly Override[];
}

/**
 * The command. Exit codes: 0 fine, 1 a damaged log, or a run that broke what no run may (docs/verdict.md);
 * 2 bad input; 129, 130, 143 by a signal.
 */
export function tuiCommand(): Command {
  return new Command("tui")
    .description("see the machine run: messages, CPUs, logs, pages; step, go back, change it")
    .argument("[scenario|log]", `scenario, or a saved session (${DEFAULT_SCENARIO})`)
    .option("--once", "print one screen and end")
    .option("--json", "print one frame as JSON and end (docs/json.md)")
    .option("--log", "print the messages, a line each, and end")
    .addOption(
      new Option("--svg <file>", "write one screen as a picture and end").conflicts([
        "once",
        "json",
        "log",
      ]),
    )
    .option("--force", "replace the picture that is there")
    .option(
      "--at <place>",
      "where to begin, or what to print: a time, or #number; default: the end",
    )
    .option(
      "--size <columns>x<rows>",
      "of the screen that --once prints, or --svg writes",
      sizeOption,
    )
    .addOption(
      new Option("--panel <name>", "the panel in front, where several take turns").choices(
        PANEL_NAMES,
      ),
    )
    .addOption(new Option("--theme <name>", "colours").choices(THEME_NAMES))
    .addOption(new Option("--colours <mode>", "how many").choices(["plain", "none", "16", "256"]))
    .option("--ascii", "no characters beyond ASCII")
    .option("--no-mouse", "leave the mouse to the terminal")
    .option("--screen-reader", "sentences instead of a screen")
    .option(
      "--config <file>",
      "keys, theme, arrangement of the panels (default: ~/.config/trackvisor/tui.yaml)",
    )
    .option(...SET)
    .option(
      "--beside <variant>",
      "another run of the scenario in step with it: under that tracker, or with field=value; may be repeated",
      besideOption,
    )
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option("--do <command>", "begin with a command of the palette; may be repeated", collect)
    .action(seeRun);
}

async function seeRun(name: string | undefined, options: TuiOptions): Promise<void> {
  if (options.svg !== undefined) refuseUnwritable(options.svg, options);
  const { file, settings } = loadSettings(options.config);
  const keys = keyMap(file, settings.keys);
  const session = open(name ?? DEFAULT_SCENARIO, options);
  if (session.damage !== undefined) {
    note(session.damage);
    process.exitCode = EXIT_FAILED;
  }
  const { once, json, log, svg } = options;
  if (once || json || log || svg !== undefined || !isInteractive()) {
    if (options.do !== undefined) {
      throw new UserError("--do: needs a terminal, and none of --once, --json, --log, --svg");
    }
    await batch(session, options, settings);
    return;
  }
  // React decides when it is loaded whether it checks everything it does, which takes half of the time.
  process.env["NODE_ENV"] ??= "production";
  const { startTui } = await import("../tui/start.tsx");
  await startTui({
    session,
    look: lookOf(options, settings),
    keys,
    ...terminal(),
    arrangements: settings.arrangement,
    mouse: options.mouse && (settings.mouse ?? true),
    screenReader: options.screenReader ?? process.env["INK_SCREEN_READER"] === "true",
    commands: firstCommands(session, options),
  });
}

function open(name: string, { set: overrides, beside, log }: TuiOptions): Session {
  if (name.endsWith(LOG_EXTENSION) && !exists(name)) {
    throw new UserError(`${name}: no such file`);
  }
  // A session may have been saved under any name; a damaged log is known by its name alone.
  if (name.endsWith(LOG_EXTENSION) || isLogFile(name)) {
    const [first] = overrides;
    const option = first?.origin ?? (beside === undefined ? null : "--beside");
    if (option === null) return Session.open(name);
    throw new UserError(`${option}: ${name} is a log, whose scenario has been run`);
  }
  if (beside !== undefined) {
    if (log)
      throw new UserError("--log: of one run; two side by side: without --beside, each alone");
    return openBeside(name, overrides, beside);
  }
  const loaded = loadScenario(name, overrides);
  refuseUnread(loaded);
  return placed(loaded, () => Session.start(loaded.scenario, loaded.directory));
}

/** A saved session opens where it was saved. */
function firstCommands(session: Session, { at, panel, do: commands = [] }: TuiOptions): string[] {
  const place = at ?? (session.recorded > 0 ? `#${session.recorded}` : null);
  const front = panel ?? (session.beside === null ? null : "beside");
  return [
    ...(front === null ? [] : [`panel ${front}`]),
    ...(place === null ? [] : [`seek ${place}`]),
    ...commands,
  ];
}

async function batch(session: Session, options: TuiOptions, settings: UiSettings): Promise<void> {
  const look = lookOf(options, settings);
  await goTo(session, placeOf(session, options.at), options.log === true);
  if (options.log) return;
  const { size = DEFAULT_SIZE, panel } = options;
  const shot = { ...size, panel, arrangements: settings.arrangement };
  if (options.svg !== undefined) {
    writeOutput(options.svg, screenPicture(session, look, shot), options);
  } else if (options.json) printResult("tui", frameOf(session));
  else printPainted(screenRows(session, look, shot));
}

/** Where a run is to stop: in messages, and in virtual time. */
interface Place {
  readonly position: number;
  readonly time: number;
}

/** Runs there, says what went wrong, and does the same with the run beside. @param listed the messages are printed */
async function goTo(session: Session, place: Place, listed: boolean): Promise<void> {
  const { beside, variants } = session;
  await goAlone(session, place, { listed, name: variants?.[0] ?? null });
  if (beside === null) return;
  // Behind a message of the first run, the other has done what was due before it, as on the screen.
  const until = Number.isFinite(place.position) ? session.system.interconnect.now - 1 : place.time;
  const other = { position: Number.POSITIVE_INFINITY, time: until };
  await goAlone(beside, other, { listed, name: variants?.[1] ?? null });
}

async function goAlone(
  { timeline, ring, system }: Session,
  place: Place,
  { listed, name }: { readonly listed: boolean; readonly name: string | null },
): Promise<void> {
  const watch = new ProgressWatch(system);
  for (;;) {
    const from = timeline.position;
    const until = Math.min(place.position, from + BATCH_MESSAGES);
    while (timeline.position < until && system.interconnect.nextTime <= place.time) {
      if (timeline.step() === null || !watch.note()) break;
    }
    if (listed) {
      for (let at = from + 1; at <= timeline.position; at++)
        print(logLine(present(ring.entry(at), "a message that was just delivered")));
      await printed();
    }
    if (timeline.position < until || timeline.position === place.position) break;
  }
  const verdict = () => brokenPromises(system, watch.standstill ?? standstillOf(system));
  for (const { what } of system.examine(verdict)) {
    note(name === null ? what : `${name}: ${what}`);
    process.exitCode = EXIT_FAILED;
  }
}

function placeOf(session: Session, at: string | undefined): Place {
  const everything = Number.POSITIVE_INFINITY;
  if (at === undefined) return { position: session.recorded || everything, time: everything };
  const place = parseRunPosition(at);
  if (place?.kind === "position") return { position: place.position, time: everything };
  if (place?.kind === "time") return { position: everything, time: place.time };
  throw new UserError(`--at: expected a time such as "1.5ms", or "#120" for a message`);
}

function sizeOption(text: string) {
  const match = /^(\d+)x(\d+)$/.exec(text);
  const [columns, rows] = [Number(match?.[1]), Number(match?.[2])];
  if (!(columns >= 20 && columns <= 500 && rows >= 6 && rows <= 300)) {
    throw new InvalidArgumentError("expected a size such as 120x40, from 20x6 to 500x300.");
  }
  return { columns, rows };
}

function collect(command: string, before: string[] = []): string[] {
  return [...before, command];
}
