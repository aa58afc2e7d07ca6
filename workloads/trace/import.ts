/** From a valgrind log to a trace file. */
import { UserError } from "../../src/errors.ts";
import { isSameFile } from "../../src/io/inputFile.ts";
import { OutputFile, type OutputOptions } from "../../src/io/outputFile.ts";
import type { TraceTotals } from "./format.ts";
import { LackeyParser } from "./lackey.ts";
import { openLog } from "./source.ts";
import { TraceWriter } from "./writer.ts";

export interface ImportProgress {
  /** Bytes of the log read so far, as stored. */
  readonly readBytes: number;
  /** Size of the log as stored; undefined if unknown. */
  readonly totalBytes: number | undefined;
  /** Accesses found so far. */
  readonly accesses: number;
}

export interface ImportResult extends TraceTotals {
  readonly command: string;
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

/** Cuts an import short; nothing is written. */
export class ImportInterrupted extends Error {}

/**
 * Imports a log, plain or gzip, of any size; memory does not grow with it except for the pages that
 * the program used.
 * @param log path of the log; "-" is standard input
 * @param output path of the trace; undefined reads the log without writing anything
 * @param options whether a file of that name may be replaced
 * @throws UserError if the log cannot be read or holds no accesses, or the trace cannot be written.
 * @throws ImportInterrupted if the signal came. After any error, nothing has been written.
 */
export async function importLog(
  log: string,
  output: string | undefined,
  onProgress?: (progress: ImportProgress) => void,
  signal?: AbortSignal,
  options: OutputOptions = {},
): Promise<ImportResult> {
  const source = openLog(log, signal);
  if (output !== undefined && isSameFile(log, output)) {
    throw new UserError(`${output}: is the log itself; choose another output`);
  }
  const file = output === undefined ? undefined : new OutputFile(output, options);
  try {
    let outputBytes = 0;
    const emit = (bytes: Uint8Array) => {
      outputBytes += bytes.length;
      file?.write(bytes);
    };
    const writer: TraceWriter = new TraceWriter(emit, () => ({ command: parser.command }));
    const parser = new LackeyParser(writer);
    let textBytes = 0;
    for await (const chunk of source.text) {
      parser.push(chunk);
      textBytes += chunk.length;
      if (writer.accesses === 0 && textBytes > EMPTY_BYTES_MAX) {
        throw new UserError(`${log}: no memory accesses in its first ${EMPTY_BYTES_MAX >> 20} MiB`);
      }
      onProgress?.({
        readBytes: source.readBytes(),
        totalBytes: source.totalBytes,
        accesses: writer.accesses,
      });
    }
    parser.end();
    if (writer.accesses === 0) {
      throw new UserError(
        `${log}: no memory accesses in ${parser.skippedLines} lines; record with: valgrind --tool=lackey --trace-mem=yes --log-file=LOG COMMAND`,
      );
    }
    writer.finish(parser.skippedLines);
    file?.commit();
    return {
      ...writer.totals,
      command: parser.command,
      accesses: writer.accesses,
      splitAccesses: parser.splitAccesses,
      storedBytes: source.readBytes(),
      textBytes,
      outputBytes,
    };
  } catch (error) {
    if (signal?.aborted === true) throw new ImportInterrupted("interrupted; nothing was written");
    throw error;
  } finally {
    file?.abort();
  }
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
