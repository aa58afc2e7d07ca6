/** `trackvisor trace record`: runs a program in WebAssembly, and records all that it accesses (docs/guests.md). */
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { type GuestRequest, loadGuest } from "../../workloads/guests/load.ts";
import { recordGuest } from "../../workloads/guests/record.ts";
import { type GuestProgram, guestPrograms } from "../../workloads/guests/spec.ts";
import { nearest } from "../config/nearest.ts";
import { parseSize, SIZE_HELP } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { OutputFile, refuseUnwritable } from "../io/outputFile.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import { FORCE, SEED_MAX, wholeNumber } from "./optionParsers.ts";

interface RecordOptions {
  readonly output?: string;
  readonly console?: string;
  readonly file: readonly string[];
  readonly memory: number;
  readonly accesses?: number;
  readonly seed: number;
  readonly force?: true;
}

const MODULE_EXTENSION = ".wasm";

export function recordCommand(): Command {
  return new Command("record")
    .description("run a program in WebAssembly, and record what it accesses (docs/guests.md)")
    .argument("<guest>", `NAME.wasm, a command for WASI; or ${guestPrograms.join(", ")}`)
    .argument("[args...]", "its arguments, after --; of a program the file of its script")
    .option("-o, --output <file>", "the trace (default: the guest's name with .tvtrace)")
    .option("--console <file>", "write there what it prints, and not to standard output")
    .option("--file <file>", "a file that it can read; repeat for more", collect, [])
    .option("--memory <size>", "what its memory may grow to", sizeOption, parseSize("256MiB") ?? 0)
    .option("--accesses <count>", "record the first so many, and end it then", wholeNumber(1))
    .option("--seed <number>", "seed of its randomness", wholeNumber(0, SEED_MAX), 1)
    .option(...FORCE)
    .action(recordAction);
}

function recordAction(guest: string, args: string[], options: RecordOptions): void {
  const output = options.output ?? `${guest.replace(/\.wasm$/, "")}.tvtrace`;
  const outputs = [output, ...(options.console === undefined ? [] : [options.console])];
  if (new Set(outputs.map((file) => resolve(file))).size < outputs.length) {
    throw new UserError(`--console: ${output} is the trace; choose another file`);
  }
  // The run may take minutes.
  for (const file of outputs) refuseUnwritable(file, options);
  const recording = recordGuest(loadGuest(requestOf(guest, args, options), "."));
  const files = outputs.map((file) => new OutputFile(file, options));
  try {
    const [trace, console] = files;
    trace?.write(recording.trace);
    console?.write(recording.console);
    for (const file of files) file.commit();
  } finally {
    for (const file of files) file.abort();
  }
  if (options.console === undefined) {
    const said = Buffer.from(recording.console).toString("utf8").trimEnd();
    if (said !== "") print(...said.split("\n").map(visible));
  }
  const { accesses, hostAccesses, runs, pages, exitCode } = recording;
  print(
    `${output}: ${grouped(accesses)} accesses in ${grouped(runs)} runs, ${grouped(recording.trace.length)} bytes`,
    `${grouped(pages)} pages (${(pages / 256).toFixed(1)} MiB); ${grouped(hostAccesses)} of the accesses are the host's`,
  );
  if (exitCode !== 0) note(`${guest}: has ended with exit code ${exitCode}`);
}

/** @throws UserError if the guest is neither a module nor a program */
function requestOf(guest: string, args: string[], options: RecordOptions): GuestRequest {
  const { file: files, memory, accesses, seed } = options;
  const common = { files, memory, accesses, seed };
  if (guest.endsWith(MODULE_EXTENSION)) return { ...common, module: guest, args };
  const program = guestPrograms.find((name) => name === guest);
  if (program === undefined) {
    throw new UserError(
      `${guest}: expected NAME${MODULE_EXTENSION}, or one of ${guestPrograms.join(", ")}${nearest(guest, guestPrograms)}`,
    );
  }
  return { ...common, program, args: [], scriptFile: scriptOf(program, args) };
}

function scriptOf(program: GuestProgram, args: readonly string[]): string {
  const [script, ...rest] = args;
  if (script !== undefined && rest.length === 0) return script;
  throw new UserError(`${program}: expected the file of its script, and nothing else`);
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

function sizeOption(text: string): number {
  const pages = parseSize(text);
  if (pages === null) throw new InvalidArgumentError(`expected ${SIZE_HELP}.`);
  return pages;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
