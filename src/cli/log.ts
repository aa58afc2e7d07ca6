/** `trackvisor log`: look into message logs. */
import { Command, Option } from "commander";
import { grouped } from "../config/figures.ts";
import { nearest } from "../config/nearest.ts";
import { formatCycles } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { openSource } from "../io/byteSource.ts";
import { note, print } from "../io/standardStreams.ts";
import { jsonText, visible } from "../io/visible.ts";
import { align, DIFFERENCES_MAX } from "../replay/align.ts";
import type { LogEntry, MessageEntry } from "../replay/decoder.ts";
import { counterEvents, logLine, mermaidLines, PerfettoExport } from "../replay/export.ts";
import { find, type Query, statsOf } from "../replay/query.ts";
import { damageNote, LogReader } from "../replay/reader.ts";
import { scenarioName } from "../replay/scenarioOutline.ts";
import type { PlotFrame } from "../session/frame.ts";
import { plotFrames } from "../session/plotsFrame.ts";
import { Session } from "../session/session.ts";
import { formatAlignment } from "./alignmentReport.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { messageLine, namesOf } from "./messageText.ts";
import { duration, wholeNumber } from "./optionParsers.ts";
import { entryText } from "./replayReport.ts";
import { addWhatIf } from "./whatIf.ts";

const EXIT_FAILED = 1;
const COUNT_DEFAULT = 50;
/** A diagram of more is no use, and no tool draws it. */
const DIAGRAM_MAX = 2000;
const MESSAGES_MAX = 1_000_000;
const FORMATS = ["jsonl", "mermaid", "perfetto"] as const;

interface WindowOptions {
  readonly from?: number;
  readonly count?: number;
}

interface QueryOptions {
  readonly type?: string;
  readonly actor?: string;
  readonly vm?: number;
  readonly page?: number;
  readonly after?: number;
  readonly before?: number;
  readonly json?: true;
}

interface ExportOptions extends WindowOptions {
  readonly format: (typeof FORMATS)[number];
  readonly counters?: true;
}

/** The command with its subcommands. Mistakes of the user are thrown as UserError. */
export function logCommand(): Command {
  const log = new Command("log").description(
    "look into message logs (see: trackvisor run --record)",
  );
  const from = ["--from <position>", "number of the first message", wholeNumber()] as const;
  const count = ["--count <messages>", "how many", wholeNumber()] as const;
  log
    .command("show")
    .description("print the messages of a log in order")
    .argument("<file>", "a message log")
    .option(...from)
    .option(...count)
    .option("--json", "one JSON object a line (docs/json.md)")
    .action((file: string, options: WindowOptions & { json?: true }) => {
      reading(file, (log) => show(log, options));
    });
  log
    .command("stats")
    .description("say what a log holds; exit code 1 if it is damaged")
    .argument("<file>", "a message log")
    .option(...JSON_OPTION)
    .action((file: string, options: { json?: true }) => {
      reading(file, (log) => stats(log, options.json === true));
    });
  addGrep(log);
  log
    .command("diff")
    .description("align the messages of two logs; exit code 1 if they differ")
    .argument("<file>", "a message log")
    .argument("<other>", "another")
    .action((file: string, other: string) => {
      reading(file, (log) => reading(other, (second) => diff(log, second)));
    });
  log
    .command("export")
    .description("write a log for another tool to standard output")
    .argument("<file>", "a message log")
    .addOption(
      new Option(
        "--format <format>",
        "JSON lines; a Mermaid sequence diagram; a trace for Perfetto",
      )
        .choices(FORMATS)
        .makeOptionMandatory(),
    )
    .option(...from)
    .option(...count)
    .option("--counters", "with perfetto: rates, logs, what the operation tells, over time")
    .action((file: string, options: ExportOptions) => {
      reading(file, (log) => exportLog(log, options));
    });
  addWhatIf(log);
  return log;
}

function addGrep(log: Command): void {
  log
    .command("grep")
    .description("find messages; exit code 1 if there are none")
    .argument("<file>", "a message log")
    .option("--type <type>", 'of this type, such as "vmExit"')
    .option("--actor <name>", 'from or to this actor; "pcpu0" also means "pcpu0/mmu"')
    .option("--vm <number>", "that concern this VM", wholeNumber())
    .option("--page <page>", "that speak of this guest-physical page", wholeNumber())
    .option("--after <time>", "from this virtual time on", duration)
    .option("--before <time>", "up to this virtual time", duration)
    .option("--json", "one JSON object a line (docs/json.md)")
    .action((file: string, options: QueryOptions) => {
      reading(file, (log) => grep(log, options));
    });
}

/** Opens a log, and says afterwards whether it was damaged. */
function reading(file: string, action: (log: LogReader) => void): void {
  const source = openSource(file);
  try {
    const log = new LogReader(source);
    action(log);
    const damage = damageNote(log);
    if (damage === undefined) return;
    note(damage);
    process.exitCode = EXIT_FAILED;
  } finally {
    source.close();
  }
}

/** The entries of a window. Reads no block before it, but goes on to the window's end only. */
function* windowOf(log: LogReader, { from = 1, count }: WindowOptions): Generator<LogEntry> {
  const first = Math.max(0, from - 1);
  const place = log.places().findLast(({ position }) => position <= first);
  if (place !== undefined) log.seek(place);
  const end = count === undefined ? Infinity : first + count;
  for (let entry = log.next(); entry !== undefined; entry = log.next()) {
    if (entry.position >= end) return;
    if (entry.position >= first) yield entry;
  }
}

function messagesIn(log: LogReader, window: WindowOptions, most: number): MessageEntry[] {
  const messages: MessageEntry[] = [];
  for (const entry of windowOf(log, window)) {
    if (entry.kind !== "message") continue;
    if (messages.length === most) {
      throw new UserError(
        `more than ${grouped(most)} messages: choose a window with --from and --count`,
      );
    }
    messages.push(entry);
  }
  return messages;
}

function show(log: LogReader, options: WindowOptions & { readonly json?: true }): void {
  const nameOf = namesOf(log.header);
  for (const entry of windowOf(log, { ...options, count: options.count ?? COUNT_DEFAULT })) {
    if (options.json === true) printResult("log entry", logLine(entry, nameOf));
    else if (entry.kind === "message") print(lineOf(entry, nameOf));
    else print(`${" ".repeat(24)}  ${entryText(entry, entry.position, nameOf)}`);
  }
}

function stats(log: LogReader, json: boolean): void {
  const found = statsOf(log);
  if (json) {
    printResult("log stats", { ...found, header: log.header, damage: log.damage ?? null });
    return;
  }
  const { messages, interventions, checkpoints, time, bytes, complete } = found;
  const { program, parent } = log.header;
  const each = (bytes / Math.max(1, messages)).toFixed(1);
  print(`scenario      ${visible(scenarioName(log.header) ?? "(unknown)")}`);
  print(`recorded by   ${visible(program)}`);
  if (parent !== null) print(`branched off  ${visible(parent.log)} after ${grouped(parent.at)}`);
  print(`messages      ${grouped(messages)}, ${each} bytes each`);
  print(`virtual time  ${formatCycles(time)}${complete ? "" : " (not the whole run)"}`);
  print(`from outside  ${grouped(interventions)}`);
  print(`checkpoints   ${grouped(checkpoints)}`);
  for (const [what, counts] of [
    ["by type", found.byType],
    ["by receiver", found.byReceiver],
  ] as const) {
    print("");
    print(what);
    for (const [key, count] of Object.entries(counts)) {
      print(`  ${visible(key).padEnd(24)} ${grouped(count).padStart(12)}`);
    }
  }
}

function grep(log: LogReader, { json, ...query }: QueryOptions): void {
  const { actor } = query;
  const names = log.header.actors.map(({ name }) => name);
  const known = (name: string): boolean => name === actor || name.startsWith(`${actor}/`);
  if (actor !== undefined && actor !== "system" && !names.some(known)) {
    throw new UserError(`--actor: there is no "${actor}" (actors: ${names.join(", ")})`);
  }
  const nameOf = namesOf(log.header);
  let found = 0;
  for (const entry of find(log, query satisfies Query)) {
    found++;
    if (json === true) printResult("log entry", logLine(entry, nameOf));
    else print(lineOf(entry, nameOf));
  }
  if (found > 0) return;
  process.exitCode = EXIT_FAILED;
  if (query.type !== undefined) noteUnknownType(log, query.type);
}

/** Nothing was found: perhaps because the log has no message of that type at all. */
function noteUnknownType(log: LogReader, type: string): void {
  const types = Object.keys(statsOf(new LogReader(log.source)).byType);
  if (types.includes(type)) return;
  note(`--type: the log has no "${type}"${nearest(type, types)} (types: ${types.join(", ")})`);
}

function diff(left: LogReader, right: LogReader): void {
  const [a, b] = [messagesIn(left, {}, MESSAGES_MAX), messagesIn(right, {}, MESSAGES_MAX)];
  const aligned = align(a, b);
  if (aligned === null) {
    print(`more than ${grouped(DIFFERENCES_MAX)} messages differ; for the first difference: `);
    print(`trackvisor replay ${left.source.name} --bisect ${right.source.name}`);
    process.exitCode = EXIT_FAILED;
    return;
  }
  const names = [left.source.name, right.source.name] as const;
  print(...formatAlignment(aligned, names, namesOf(left.header), namesOf(right.header)));
  if (aligned.some(({ kind }) => kind !== "both")) process.exitCode = EXIT_FAILED;
}

/** Of a log's run, which is repeated for them. @param position messages from the start */
function coursesUpTo(log: LogReader, position: number): PlotFrame[] {
  const session = Session.open(log.source.name);
  const { timeline } = session;
  while (timeline.position < position && timeline.step() !== null);
  return plotFrames(session);
}

function exportLog(log: LogReader, { format, counters, ...window }: ExportOptions): void {
  if (counters === true && format !== "perfetto") {
    throw new UserError(`--counters: --format ${format} has no place for them: expected perfetto`);
  }
  const nameOf = namesOf(log.header);
  switch (format) {
    case "jsonl":
      for (const entry of windowOf(log, window)) printResult("log entry", logLine(entry, nameOf));
      break;
    case "mermaid":
      print(...mermaidLines(messagesIn(log, window, DIAGRAM_MAX), nameOf));
      break;
    case "perfetto": {
      const trace = new PerfettoExport(log.header, nameOf);
      const entries = messagesIn(log, window, MESSAGES_MAX);
      for (const entry of entries) trace.add(entry);
      const events = [
        ...trace.events(),
        ...(counters === true
          ? counterEvents(coursesUpTo(log, entries.length + (window.from ?? 1) - 1))
          : []),
      ];
      print('{"displayTimeUnit":"ns","traceEvents":[');
      events.forEach((event, i) => {
        print(jsonText(event) + (i + 1 < events.length ? "," : ""));
      });
      print("]}");
      break;
    }
  }
}

function lineOf({ position, delivery }: MessageEntry, nameOf: (id: number) => string): string {
  return messageLine(position + 1, delivery, nameOf);
}
