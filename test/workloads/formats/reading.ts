/** Reads logs in memory for the tests of formats. */
import { Accesses } from "../../../workloads/trace/accesses.ts";
import type {
  TraceFormat,
  TraceInto,
  Understood,
} from "../../../workloads/trace/formats/traceFormat.ts";
import {
  type ProcessChoice,
  Processes,
  type ProgramSummary,
} from "../../../workloads/trace/processes.ts";
import type { Run } from "../traceHelpers.ts";

export { FETCH, MODIFY, READ, WRITE } from "../../../workloads/trace/accesses.ts";

/** What comes before the run of that number: its type, and its two numbers. */
export type TracedEvent = readonly [run: number, type: number, a: number, b: number];

export interface Read {
  readonly runs: readonly Run[];
  readonly events: readonly TracedEvent[];
  readonly notes: readonly string[];
  readonly understood: Readonly<Understood>;
  readonly splitAccesses: number;
  readonly programs: readonly ProgramSummary[];
}

export function readLog(
  format: TraceFormat,
  chunks: readonly Buffer[],
  choice?: ProcessChoice,
  {
    addresses = format.addresses,
    lenient = true,
  }: Partial<Pick<TraceInto, "addresses" | "lenient">> = {},
): Read {
  const runs: Run[] = [];
  const events: TracedEvent[] = [];
  const accesses = new Accesses(
    { run: (page, kind, length) => runs.push({ page, kind, length }) },
    { event: (type, a, b) => events.push([runs.length, type, a, b]) },
  );
  const processes = new Processes(accesses, choice);
  const reading = format.read({ accesses, processes, addresses, lenient });
  for (const chunk of chunks) reading.push(chunk);
  reading.end();
  accesses.end();
  processes.end();
  const { splitAccesses } = accesses;
  const { understood, notes = [] } = reading;
  return { runs, events, understood, notes, splitAccesses, programs: processes.taken };
}

export function readText(format: TraceFormat, text: string, choice?: ProcessChoice): Read {
  return readLog(format, [Buffer.from(text, "latin1")], choice);
}
