/** Runs a guest once, from its start to its end; its accesses go to a trace, or wherever they are asked for. */
import { UserError } from "../../src/errors.ts";
import type { RunSink } from "../trace/runs.ts";
import { TraceWriter } from "../trace/writer.ts";
import { freeze } from "./frozen.ts";
import { GuestExit, GuestHost, type GuestObserver } from "./host.ts";
import { runPostgres } from "./programs/postgres.ts";
import { runQuickjs } from "./programs/quickjs.ts";
import { runSqlite } from "./programs/sqlite.ts";
import { runWasi } from "./programs/wasi.ts";
import type { GuestSpec, Recording } from "./spec.ts";
import { GuestStopped } from "./tap/recorder.ts";
import { WebAssembly } from "./webAssembly.ts";

/** Some minutes of a guest that does nothing else. */
const ACCESSES_MAX = 2 ** 32;
/** A trace of so many bytes is kept in memory. */
const TRACE_BYTES_MAX = 1 << 29;

const RUNS: Readonly<Record<GuestSpec["program"], (host: GuestHost) => void | Promise<void>>> = {
  wasi: runWasi,
  sqlite: runSqlite,
  quickjs: runQuickjs,
  postgres: runPostgres,
};

/**
 * Records a guest. Its thread is of no other use after that: clocks and randomness are the guest's.
 * @throws UserError, without the guest's name, if it cannot be run to its end
 */
export async function recordRun(spec: GuestSpec): Promise<Recording> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const emit = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (bytes > TRACE_BYTES_MAX) throw new UserError("its trace grows beyond 512 MiB");
    pieces.push(Uint8Array.from(piece));
  };
  const command = [spec.name, ...spec.args].join(" ");
  const writer = new TraceWriter(emit, () => ({ addresses: "linear", command, hasConsole: true }));
  const print = (text: Uint8Array): void => writer.print(text);
  const { host, exitCode } = await runGuest(spec, writer, { print });
  if (writer.accesses === 0) throw new UserError("makes no access to memory");
  writer.finish(0);
  const { runs, pages } = writer.totals;
  return {
    trace: Buffer.concat(pieces),
    console: host.console,
    exitCode,
    runs,
    accesses: writer.accesses,
    hostAccesses: host.recorder.hostAccesses,
    pages,
  };
}

/**
 * Runs a guest, in a thread of its own.
 * @throws UserError, without the guest's name, if it cannot be run to its end
 */
export async function runGuest(
  spec: GuestSpec,
  sink: RunSink,
  observer: GuestObserver = {},
): Promise<{ readonly host: GuestHost; readonly exitCode: number }> {
  const first = spec.accesses === undefined ? sink : new FirstAccesses(sink, spec.accesses);
  const host = new GuestHost(spec, first, spec.accesses ?? ACCESSES_MAX, observer);
  freeze(host);
  const exitCode = await outcome(host);
  observer.stepOver?.(host);
  return { host, exitCode };
}

/** @returns the guest's exit code */
async function outcome(host: GuestHost): Promise<number> {
  const { recorder, spec } = host;
  let code = 0;
  try {
    await RUNS[spec.program](host);
  } catch (error) {
    if (error instanceof GuestExit) code = error.code;
    else if (!stoppedOnPurpose(host)) throw reason(host, error);
  }
  try {
    recorder.finish();
  } catch (error) {
    if (spec.accesses === undefined || !stoppedOnPurpose(host)) throw error;
  }
  return code;
}

/** Whether it has made as many accesses as were asked for. @throws GuestStopped if it was ended otherwise */
function stoppedOnPurpose({ recorder, spec }: GuestHost): boolean {
  try {
    recorder.refuseStopped();
    return false;
  } catch (error) {
    if (spec.accesses === undefined || recorder.accesses <= spec.accesses) throw error;
    return true;
  }
}

/** What a guest has thrown, as its user's error if it is one. */
function reason({ recorder, console }: GuestHost, error: unknown): unknown {
  if (error instanceof UserError && !(error instanceof GuestStopped)) return error;
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const last = Buffer.from(console).toString("utf8").trimEnd().split("\n").at(-1) ?? "";
    const said = last === "" ? "" : `; the last that it said: ${last}`;
    const made = recorder.count().toLocaleString("en-US");
    return new UserError(`traps after ${made} accesses: ${error.message}${said}`);
  }
  if (error instanceof WebAssembly.LinkError) return new UserError(error.message);
  return error;
}

/** Of all runs those with the first accesses. */
class FirstAccesses implements RunSink {
  readonly #sink: RunSink;
  #left: number;

  constructor(sink: RunSink, count: number) {
    this.#sink = sink;
    this.#left = count;
  }

  run(page: number, kind: number, length: number): void {
    const taken = Math.min(length, this.#left);
    this.#left -= taken;
    if (taken > 0) this.#sink.run(page, kind, taken);
  }
}
