/** From the log of another tool to a trace file. */
import { UserError } from "../../src/errors.ts";
import { isSameFile } from "../../src/io/inputFile.ts";
import { OutputFile, type OutputOptions } from "../../src/io/outputFile.ts";
import { Accesses } from "./accesses.ts";
import type { AddressKind, TraceTotals } from "./format.ts";
import type { TraceFormat, TraceReading, Understood } from "./formats/traceFormat.ts";
import { type ProcessChoice, Processes, type ProgramSummary } from "./processes.ts";
import { formatNamed, recognise, SAMPLE_BYTES, withoutMark } from "./recognise.ts";
import { nameOfLog, openLog } from "./source.ts";
import { TraceWriter } from "./writer.ts";

export interface ImportProgress {
  /** Bytes of the log read so far, as stored. */
  readonly readBytes: number;
  /** Size of the log as stored; undefined if unknown. */
  readonly totalBytes: number | undefined;
  /** Accesses found so far. */
  readonly accesses: number;
}

export interface ImportOptions extends OutputOptions {
  /** The log's format by its name; without it, as it is recognised. */
  readonly format?: string | undefined;
  /** Of a log of several processes: which are wanted. */
  readonly process?: ProcessChoice;
  /** Whether the addresses are a guest's physical ones, whatever the format's are otherwise. */
  readonly guestPhysical?: boolean | undefined;
  /** Whether the lines that are understood are imported, however few they are. */
  readonly lenient?: boolean | undefined;
}

export interface ImportResult extends TraceTotals {
  /** Name of the log's format. */
  readonly format: string;
  readonly addresses: AddressKind;
  readonly command: string;
  /** Those whose accesses were taken; several accesses of one page by two of them are of two pages. */
  readonly programs: readonly ProgramSummary[];
  readonly understood: Readonly<Understood>;
  /** What else the log says of itself, a line each. */
  readonly notes: readonly string[];
  readonly accesses: number;
  /** Accesses of the program that crossed a page boundary; each counts once for each page. */
  readonly splitAccesses: number;
  /** The log as stored, and as text. */
  readonly storedBytes: number;
  readonly textBytes: number;
  /** The trace. */
  readonly outputBytes: number;
}

/** Text without a single access that is read before it is given up: it may have no end. */
const EMPTY_BYTES_MAX = 256 << 20;
/** Lines that may not be understood, of all. */
const UNKNOWN_SHARE_MAX = 0.001;

/** Cuts an import short; nothing is written. */
export class ImportInterrupted extends Error {}

/**
 * Imports a log, plain or compressed, of any size; memory does not grow with it except for the pages that
 * the program used.
 * @param log path of the log; "-" is standard input
 * @param output path of the trace; undefined reads the log without writing anything
 * @throws UserError if the log cannot be read or holds no accesses, too few of its lines are understood,
 *   its processes cannot be told apart, or the trace cannot be written.
 * @throws ImportInterrupted if the signal came. After any error, nothing has been written.
 */
export async function importLog(
  log: string,
  output: string | undefined,
  onProgress?: (progress: ImportProgress) => void,
  signal?: AbortSignal,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const named = options.format === undefined ? undefined : formatNamed(options.format);
  const source = openLog(log, signal);
  const name = nameOfLog(log);
  if (output !== undefined && isSameFile(log, output)) {
    throw new UserError(`${output}: is the log itself; choose another output`);
  }
  const file = output === undefined ? undefined : new OutputFile(output, options);
  try {
    const work = new Import(name, named, file, options);
    for await (const chunk of withStart(source.text)) {
      signal?.throwIfAborted();
      const accesses = work.push(chunk);
      onProgress?.({ readBytes: source.readBytes(), totalBytes: source.totalBytes, accesses });
    }
    const found = work.end();
    file?.commit();
    return { ...found, storedBytes: source.readBytes() };
  } catch (error) {
    if (signal?.aborted === true) throw new ImportInterrupted("interrupted; nothing was written");
    throw error;
  } finally {
    file?.abort();
  }
}

/** A log on its way into a trace. */
class Import {
  readonly #name: string;
  readonly #options: ImportOptions;
  readonly #writer: TraceWriter;
  readonly #accesses: Accesses;
  readonly #processes: Processes;
  #format: TraceFormat | undefined;
  #reading: TraceReading | undefined;
  #textBytes = 0;
  #outputBytes = 0;
  /** Of the text, where an access was found last. */
  #lastAccess = 0;

  constructor(
    name: string,
    format: TraceFormat | undefined,
    file: OutputFile | undefined,
    options: ImportOptions,
  ) {
    this.#name = name;
    this.#format = format;
    this.#options = options;
    const emit = (bytes: Uint8Array): void => {
      this.#outputBytes += bytes.length;
      file?.write(bytes);
    };
    this.#writer = new TraceWriter(emit, () => ({
      addresses: this.#addresses,
      command: this.#processes.command,
    }));
    this.#accesses = new Accesses(this.#writer, this.#writer);
    this.#processes = new Processes(this.#accesses, options.process);
  }

  get #addresses(): AddressKind {
    if (this.#options.guestPhysical === true) return "guestPhysical";
    return this.#format?.addresses ?? "linear";
  }

  /** Reads on. Returns the accesses found so far. */
  push(chunk: Buffer): number {
    const name = this.#name;
    const text = this.#reading === undefined ? withoutMark(chunk) : chunk;
    const reading = this.#reading ?? this.#begin(text);
    const before = reading.understood.accessLines;
    about(name, () => reading.push(text));
    this.#textBytes += chunk.length;
    if (reading.understood.accessLines > before) this.#lastAccess = this.#textBytes;
    if (this.#textBytes - this.#lastAccess > EMPTY_BYTES_MAX) {
      throw new UserError(`${name}: ${EMPTY_BYTES_MAX >> 20} MiB without a memory access`);
    }
    return this.#accesses.count;
  }

  /** @param text the log's first */
  #begin(text: Buffer): TraceReading {
    const format = this.#format ?? about(this.#name, () => recognise(text));
    this.#format = format;
    const reading = format.read({
      accesses: this.#accesses,
      processes: this.#processes,
      addresses: this.#addresses,
      lenient: this.#options.lenient === true,
    });
    this.#reading = reading;
    return reading;
  }

  /** Ends the trace, if the log is worth one. */
  end(): Omit<ImportResult, "storedBytes"> {
    const [name, format, reading] = [this.#name, this.#format, this.#reading];
    const [writer, processes] = [this.#writer, this.#processes];
    if (format === undefined || reading === undefined) throw new UserError(`${name}: is empty`);
    about(name, () => {
      reading.end();
      this.#accesses.end();
      processes.end();
    });
    const { understood } = reading;
    refuseUnknown(name, format, understood, this.#options.lenient === true);
    if (writer.accesses === 0) {
      throw new UserError(`${name}: no memory accesses (format ${format.name})`);
    }
    if (this.#addresses === "guestPhysical" && processes.taken.length > 1) {
      throw new UserError(
        `${name}: guest-physical addresses of several processes; choose one with --process PID`,
      );
    }
    writer.finish(understood.otherLines + understood.unknownLines);
    return {
      ...writer.totals,
      format: format.name,
      addresses: this.#addresses,
      command: processes.command,
      programs: processes.taken,
      understood,
      notes: reading.notes ?? [],
      accesses: writer.accesses,
      splitAccesses: this.#accesses.splitAccesses,
      textBytes: this.#textBytes,
      outputBytes: this.#outputBytes,
    };
  }
}

/** The text in its pieces, the first large enough to recognise a format by. */
async function* withStart(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer[] | undefined = [];
  let length = 0;
  for await (const chunk of text) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start.push(chunk);
    length += chunk.length;
    if (length < SAMPLE_BYTES) continue;
    yield Buffer.concat(start);
    start = undefined;
  }
  if (start !== undefined && length > 0) yield Buffer.concat(start);
}

/** Does something with a log's text; what is against it becomes a line about the log. */
function about<T>(log: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${log}: ${error.message}`);
    throw error;
  }
}

function refuseUnknown(
  log: string,
  format: TraceFormat,
  understood: Readonly<Understood>,
  lenient: boolean,
): void {
  const { accessLines, otherLines, unknownLines } = understood;
  const lines = accessLines + otherLines + unknownLines;
  if (lenient || unknownLines <= lines * UNKNOWN_SHARE_MAX) return;
  throw new UserError(
    `${log}: ${unknownNote(understood)} (format ${format.name}); more than 0.1 %: --lenient imports the others`,
  );
}

/** How many lines were not understood, and the first of them. Made visible by who shows it. */
export function unknownNote(understood: Readonly<Understood>): string {
  const { unit, accessLines, otherLines, unknownLines, firstUnknown } = understood;
  const lines = accessLines + otherLines + unknownLines;
  const first = `the first is ${unit} ${firstUnknown?.line}, "${firstUnknown?.text}"`;
  return `${unknownLines} of ${lines} ${unit}s not understood, ${first}`;
}

/** Import speed, for benchmarks: reads, parses and codes the log but writes no file. */
export interface ImportSpeed {
  readonly seconds: number;
  /** 10^6 bytes of text per second. */
  readonly megabytesPerSecond: number;
  readonly accessesPerSecond: number;
}

/** @param now the caller's clock, in milliseconds: workloads have none. */
export async function measureImport(log: string, now: () => number): Promise<ImportSpeed> {
  const start = now();
  const { textBytes, accesses } = await importLog(log, undefined);
  const seconds = (now() - start) / 1000;
  return {
    seconds,
    megabytesPerSecond: textBytes / 1e6 / seconds,
    accessesPerSecond: accesses / seconds,
  };
}
