/** `trackvisor trace`: import, record, inspect and show traces of real programs. */

import { Command, InvalidArgumentError, Option } from "commander";
import { totalAccesses } from "../../workloads/trace/format.ts";
import {
  ImportInterrupted,
  type ImportResult,
  importLog,
  unknownNote,
} from "../../workloads/trace/import.ts";
import type { ProcessChoice } from "../../workloads/trace/processes.ts";
import { TraceReader } from "../../workloads/trace/reader.ts";
import { formatNames } from "../../workloads/trace/recognise.ts";
import { REGION_PAGES } from "../../workloads/trace/relocate.ts";
import { damageNote, scanTrace } from "../../workloads/trace/scan.ts";
import { nameOfLog } from "../../workloads/trace/source.ts";
import { UserError } from "../errors.ts";
import { AccessKind, type AccessKindName } from "../hardware/accessLoop.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import { byteAt, itemAt, numberAt, wordAt } from "../lookup.ts";
import { JSON_OPTION, printResult, type TraceRunJson } from "./jsonFormats.ts";
import { FORCE, wholeNumber } from "./optionParsers.ts";
import { ProgressLine } from "./progress.ts";
import { recordCommand } from "./traceRecord.ts";

const KIND_NAMES: readonly AccessKindName[] = ["read", "write", "fetch", "readModifyWrite"];
/** Endings of a log's name that its trace's has not. */
const COMPRESSED = /\.(gz|xz|zst|bz2)$/;
const TEXT = /\.(log|out|trace|txt)$/;
const EXIT_DAMAGED = 1;
const EXIT_INTERRUPTED = 130;

/** The command with its subcommands. Mistakes of the user are thrown as UserError. */
export function traceCommand(): Command {
  const trace = new Command("trace").description(
    "import, record and inspect traces of real programs",
  );
  trace
    .command("import")
    .description(
      "make a trace of the log of another tool, such as valgrind's lackey (docs/traces.md)",
    )
    .argument("<log>", "the log, plain or compressed (gz, xz, zst, bz2); - is standard input")
    .option("-o, --output <file>", "the trace (default: the log's name with .tvtrace)")
    .addOption(
      new Option("--format <name>", "the log's format, if it is not recognised").choices(
        formatNames(),
      ),
    )
    .option("--process <pid>", "of a log of several processes, this one; or all", processChoice)
    .option("--gpa", "the addresses are a guest's physical ones: pages keep their numbers")
    .option("--lenient", "import what is understood, even if it is less than 99.9 % of the lines")
    .option(...FORCE)
    .option(...JSON_OPTION)
    .action(importAction);
  trace.addCommand(recordCommand());
  trace
    .command("info")
    .description("check a trace and say what it holds; exit code 1 if it is damaged")
    .argument("<file>", "a trace")
    .option(...JSON_OPTION)
    .action(infoAction);
  trace
    .command("head")
    .description("show the first accesses of a trace, those of one kind to one page as one line")
    .argument("<file>", "a trace")
    .option("-n, --lines <count>", "how many lines", wholeNumber(), 10)
    .option(...JSON_OPTION)
    .action(headAction);
  return trace;
}

async function importAction(
  log: string,
  options: {
    output?: string;
    force?: true;
    json?: boolean;
    format?: string;
    process?: ProcessChoice;
    lenient?: true;
    gpa?: true;
  },
): Promise<void> {
  if (log === "-" && options.output === undefined) {
    throw new UserError("standard input has no name to make the trace's of; give -o FILE");
  }
  const output = options.output ?? `${log.replace(COMPRESSED, "").replace(TEXT, "")}.tvtrace`;
  const progress = new ProgressLine();
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt);
  try {
    const result = await importLog(
      log,
      output,
      ({ readBytes, totalBytes, accesses }) =>
        progress.update(
          `${grouped(accesses)} accesses`,
          readBytes,
          totalBytes,
          (seconds) => `${(readBytes / 1e6 / seconds).toFixed(0)} MB/s`,
        ),
      interruption.signal,
      { ...options, guestPhysical: options.gpa },
    );
    progress.clear();
    tellImport(log, output, result, options.json === true);
  } catch (error) {
    progress.clear();
    if (!(error instanceof ImportInterrupted)) throw error;
    note(error.message);
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** What was imported, as JSON or in lines. */
function tellImport(log: string, output: string, result: ImportResult, isJson: boolean): void {
  const { kinds, command, understood, programs, notes, ...rest } = result;
  if (understood.unknownLines > 0) note(`${nameOfLog(log)}: ${unknownNote(understood)}`);
  if (isJson) {
    const told = programs.map(({ process, command: own, accesses }) => {
      return { process, command: own, accesses };
    });
    const named = { kinds: namedKinds(kinds), programs: told, understood };
    const { format: logFormat, ...counts } = rest;
    printResult("trace import", { file: output, command, logFormat, ...counts, ...named }, 2);
    return;
  }
  print(
    `${output}: ${grouped(result.accesses)} accesses in ${grouped(result.runs)} runs, ` +
      `${grouped(result.outputBytes)} bytes`,
  );
  const kind = result.addresses === "guestPhysical" ? "guest-physical pages" : "pages";
  print(`${grouped(result.pages)} ${kind} (${mebibytes(result.pages)}) of "${visible(command)}"`);
  if (programs.length > 1) {
    for (const { process, command: own, accesses } of programs) {
      print(`process ${process ?? "unknown"}: ${grouped(accesses)} accesses of "${visible(own)}"`);
    }
  }
  print(
    `format ${result.format}: ${grouped(result.skippedLines)} ${understood.unit}s were not accesses; ` +
      `${grouped(result.splitAccesses)} accesses crossed a page boundary and count for both pages`,
    ...notes,
  );
}

/** Parses a process: its number, or all. */
function processChoice(text: string): ProcessChoice {
  if (text === "all") return "all";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected the number of a process, or "all".');
}

function infoAction(file: string, options: { json?: boolean }): void {
  const progress = new ProgressLine();
  const scan = scanTrace(file, "regions", (bytes, total) =>
    progress.update(
      `${grouped(bytes)} bytes`,
      bytes,
      total,
      (seconds) => `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`,
    ),
  );
  progress.clear();
  const { fileBytes, command, blocks, runs, accesses, kinds, pages, skippedLines, damage } = scan;
  const { addresses, linearPages } = scan;
  const isKept = addresses !== "linear";
  const digest = scan.digest.toString(16).padStart(8, "0");
  if (options.json === true) {
    const placements = isKept ? { kept: linearPages } : { compact: pages, regions: linearPages };
    const counts = { fileBytes, blocks, runs, accesses, kinds: namedKinds(kinds), pages };
    const consoleBytes = scan.printed?.length;
    const rest = { linearPages: placements, consoleBytes, skippedLines, digest, damage };
    printResult("trace info", { file, command, addresses, ...counts, ...rest }, 2);
  } else {
    print(`command        ${command === "" ? "(unknown)" : visible(command)}`);
    print(`size           ${grouped(fileBytes)} bytes, ${grouped(blocks)} blocks`);
    print(`accesses       ${grouped(accesses)} in ${grouped(runs)} runs`);
    for (const [name, count] of Object.entries(namedKinds(kinds))) {
      print(`  ${name.padEnd(15)} ${grouped(count)}`);
    }
    print(`pages          ${grouped(pages)} (${mebibytes(pages)})`);
    print(
      isKept
        ? addresses === "machine"
          ? `guest memory   ${grouped(linearPages)} pages: a whole machine's, with what its processor translated and flushed`
          : `linear pages   ${grouped(linearPages)}: the pages are guest-physical and keep their numbers`
        : `linear pages   compact ${grouped(pages)}; ` +
            `regions ${grouped(linearPages)} (${grouped(linearPages / REGION_PAGES)} GiB)`,
    );
    if (scan.printed !== undefined) print(`console        ${grouped(scan.printed.length)} bytes`);
    if (skippedLines !== undefined) print(`skipped lines  ${grouped(skippedLines)}`);
    print(`digest         ${digest}`);
  }
  reportDamage(damageNote(scan));
}

function headAction(file: string, options: { lines: number; json?: boolean }): void {
  const reader = new TraceReader(file);
  const rows: TraceRunJson[] = [];
  let left = options.lines;
  try {
    while (left > 0) {
      const block = reader.next();
      if (block === undefined) break;
      const count = Math.min(left, block.count);
      left -= count;
      for (let i = 0; i < count; i++) {
        const kind = itemAt(KIND_NAMES, byteAt(block.kinds, i));
        const address = `0x${(BigInt(numberAt(block.pages, i)) << 12n).toString(16)}`;
        const accesses = wordAt(block.lengths, i);
        if (options.json === true) rows.push({ kind, address, accesses });
        else print(`${kind.padEnd(15)} ${address.padEnd(18)} ${accesses}`);
      }
    }
    if (options.json === true) {
      const { header, damage } = reader;
      printResult("trace head", { file, command: header?.command, damage, runs: rows }, 2);
    }
    const { damage } = reader;
    if (damage !== undefined) {
      const used = totalAccesses(reader.kinds);
      reportDamage(damageNote({ path: file, damage, accesses: used }));
    }
  } finally {
    reader.close();
  }
}

function reportDamage(damage: string | undefined): void {
  if (damage === undefined) return;
  note(damage);
  process.exitCode = EXIT_DAMAGED;
}

function namedKinds(kinds: readonly number[]): Record<AccessKindName, number> {
  return {
    read: itemAt(kinds, AccessKind.read),
    write: itemAt(kinds, AccessKind.write),
    fetch: itemAt(kinds, AccessKind.fetch),
    readModifyWrite: itemAt(kinds, AccessKind.readModifyWrite),
  };
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

function mebibytes(pages: number): string {
  return `${(pages / 256).toFixed(1)} MiB`;
}
