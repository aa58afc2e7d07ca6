/** `trackvisor trace record`: runs a program in WebAssembly, and records all that it accesses (docs/guests.md). */
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { linuxOf, linuxSchema } from "../../workloads/generators/linux.ts";
import { recordLinux } from "../../workloads/guests/linux/load.ts";
import { type GuestRequest, loadGuest } from "../../workloads/guests/load.ts";
import { LINUX64 } from "../../workloads/guests/qemu/image.ts";
import { runLinux64 } from "../../workloads/guests/qemu/record.ts";
import { recordGuest } from "../../workloads/guests/record.ts";
import { type GuestProgram, guestPrograms } from "../../workloads/guests/spec.ts";
import { importLog } from "../../workloads/trace/import.ts";
import { nearest } from "../config/nearest.ts";
import { parseSize, SIZE_HELP } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { OutputFile, refuseUnwritable } from "../io/outputFile.ts";
import { Scratch } from "../io/scratch.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import { FORCE, SEED_MAX, wholeNumber } from "./optionParsers.ts";

interface RecordOptions {
  readonly output?: string;
  readonly console?: string;
  readonly file: readonly string[];
  readonly memory?: number;
  readonly accesses?: number;
  readonly seed: number;
  readonly boot?: true;
  readonly gpa?: true;
  readonly force?: true;
}

const MODULE_EXTENSION = ".wasm";
const LINUX = "linux";
const MEMORY = "256MiB";
const LINUX_MEMORY = "128MiB";
const PAGES_PER_MIB = 256;
/** Below that an address of QEMU's memory is guest-physical on every PC. */
const LINUX64_PAGES_MAX = 2048 * PAGES_PER_MIB;
const GUESTS = [...guestPrograms, LINUX, LINUX64];

export function recordCommand(): Command {
  return new Command("record")
    .description("run a program or a whole Linux, and record what it accesses (docs/guests.md)")
    .argument("<guest>", `NAME.wasm, a command for WASI; or ${GUESTS.join(", ")}`)
    .argument(
      "[args...]",
      "its arguments, after --; of a program the file of its script; of a Linux what it runs",
    )
    .option("-o, --output <file>", "the trace (default: the guest's name with .tvtrace)")
    .option("--console <file>", "write there what it prints, and not to standard output")
    .option("--file <file>", "a file that it can read; repeat for more", collect, [])
    .option(
      "--memory <size>",
      "what its memory may grow to (default: 256MiB); of a Linux, what it has (default: 128MiB, linux64: 256MiB)",
      sizeOption,
    )
    .option("--accesses <count>", "record the first so many, and end it then", wholeNumber(1))
    .option("--seed <number>", "seed of its randomness", wholeNumber(0, SEED_MAX), 1)
    .option("--boot", `of ${LINUX64}: from the moment that its machine is turned on`)
    .option("--gpa", `of ${LINUX64}: guest-physical pages alone, without its translations`)
    .option(...FORCE)
    .action(recordAction);
}

async function recordAction(guest: string, args: string[], options: RecordOptions): Promise<void> {
  const output = options.output ?? `${guest.replace(/\.wasm$/, "")}.tvtrace`;
  const outputs = [output, ...(options.console === undefined ? [] : [options.console])];
  if (new Set(outputs.map((file) => resolve(file))).size < outputs.length) {
    throw new UserError(`--console: ${output} is the trace; choose another file`);
  }
  // The run may take minutes.
  for (const file of outputs) refuseUnwritable(file, options);
  if (guest === LINUX64) {
    await recordLinux64(args, output, options);
    return;
  }
  const own = (["boot", "gpa"] as const).find((name) => options[name] !== undefined);
  if (own !== undefined) throw new UserError(`--${own}: is of ${LINUX64} alone`);
  const {
    trace: bytes,
    console: said,
    exitCode,
    facts,
  } = guest === LINUX ? recordedLinux(args, options) : recorded(guest, args, options);
  const files = outputs.map((file) => new OutputFile(file, options));
  try {
    const [trace, console] = files;
    trace?.write(bytes);
    console?.write(said);
    for (const file of files) file.commit();
  } finally {
    for (const file of files) file.abort();
  }
  if (options.console === undefined) printConsole(said);
  const [first, ...rest] = facts;
  print(`${output}: ${first}, ${grouped(bytes.length)} bytes`, ...rest);
  noteExitCode(guest, exitCode);
}

function printConsole(said: Uint8Array): void {
  const text = Buffer.from(said).toString("utf8").trimEnd();
  if (text !== "") print(...text.split("\n").map(visible));
}

function noteExitCode(guest: string, exitCode: number | undefined): void {
  if (exitCode !== undefined && exitCode !== 0) {
    note(`${guest}: has ended with exit code ${exitCode}`);
  }
}

/** @throws UserError if it is not said what it is to run, or it cannot be run */
async function recordLinux64(
  args: string[],
  output: string,
  options: RecordOptions,
): Promise<void> {
  const command = args.join(" ");
  if (command === "") throw new UserError(`${LINUX64}: expected what it is to run, after --`);
  const memory = options.memory ?? parseSize(MEMORY) ?? 0;
  if (memory > LINUX64_PAGES_MAX) throw new UserError(`${LINUX64}: --memory: at most 2GiB`);
  const { file: files, accesses, seed, boot = false, gpa: guestPhysical, force } = options;
  const scratch = new Scratch();
  try {
    const run = await runLinux64(scratch, { command, memory, files, accesses, seed, boot });
    const console =
      options.console === undefined ? undefined : new OutputFile(options.console, { force });
    try {
      console?.write(run.console);
      const trace = await importLog(run.notes, output, undefined, undefined, {
        force,
        guestPhysical,
      });
      console?.commit();
      if (console === undefined) printConsole(run.console);
      const { runs, pages, outputBytes, notes } = trace;
      print(
        `${output}: ${grouped(trace.accesses)} accesses in ${grouped(runs)} runs, ${grouped(outputBytes)} bytes`,
        `${grouped(pages)} ${guestPhysical === true ? "guest-physical" : "linear"} pages`,
        ...notes,
      );
    } finally {
      console?.abort();
    }
    noteExitCode(LINUX64, run.exitCode);
  } finally {
    scratch.remove();
  }
}

/** What there is to write, and to say. */
interface Recorded {
  readonly trace: Uint8Array;
  readonly console: Uint8Array;
  readonly exitCode: number | undefined;
  readonly facts: readonly string[];
}

function recorded(guest: string, args: string[], options: RecordOptions): Recorded {
  const recording = recordGuest(loadGuest(requestOf(guest, args, options), "."));
  const { accesses, hostAccesses, runs, pages } = recording;
  const facts = [
    `${grouped(accesses)} accesses in ${grouped(runs)} runs`,
    `${grouped(pages)} pages (${(pages / 256).toFixed(1)} MiB); ${grouped(hostAccesses)} of the accesses are the host's`,
  ];
  return { ...recording, facts };
}

/** @throws UserError if it is not said what it is to run, or it cannot be run */
function recordedLinux(args: string[], options: RecordOptions): Recorded {
  const run = args.join(" ");
  if (run === "" && options.accesses === undefined) {
    throw new UserError(`${LINUX}: expected what it is to run, after --`);
  }
  const { file: files, accesses, seed } = options;
  const memory = `${(options.memory ?? parseSize(LINUX_MEMORY) ?? 0) / PAGES_PER_MIB}MiB`;
  const workload = { kind: "linux", ...(run === "" ? {} : { run }), files, accesses, seed, memory };
  const { data, error } = linuxSchema.safeParse(workload);
  const [issue] = error?.issues ?? [];
  if (data === undefined) {
    throw new UserError(
      `${LINUX}: --${issue?.path.join(".") ?? "memory"}: ${issue?.message ?? ""}`,
    );
  }
  const recording = recordLinux(linuxOf(data));
  const { instructions, flushes } = recording;
  const facts = [
    `${grouped(recording.accesses)} accesses`,
    `${grouped(instructions)} instructions, ${grouped(flushes)} flushes of the TLB`,
  ];
  return { ...recording, facts };
}

/** @throws UserError if the guest is neither a module nor a program */
function requestOf(guest: string, args: string[], options: RecordOptions): GuestRequest {
  const { file: files, accesses, seed } = options;
  const memory = options.memory ?? parseSize(MEMORY) ?? 0;
  const common = { files, memory, accesses, seed };
  if (guest.endsWith(MODULE_EXTENSION)) return { ...common, module: guest, args };
  const program = guestPrograms.find((name) => name === guest);
  if (program === undefined) {
    throw new UserError(
      `${guest}: expected NAME${MODULE_EXTENSION}, or one of ${GUESTS.join(", ")}${nearest(guest, GUESTS)}`,
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
