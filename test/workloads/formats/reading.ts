/** Reads logs in memory for the tests of formats. */
import { Accesses } from "../../../workloads/trace/accesses.ts";
import type { TraceFormat, Understood } from "../../../workloads/trace/formats/traceFormat.ts";
import {
  type ProcessChoice,
  Processes,
  type ProgramSummary,
} from "../../../workloads/trace/processes.ts";
import type { Run } from "../traceHelpers.ts";

export { FETCH, MODIFY, READ, WRITE } from "../../../workloads/trace/accesses.ts";

export interface Read {
  readonly runs: readonly Run[];
  readonly understood: Readonly<Understood>;
  readonly splitAccesses: number;
  readonly programs: readonly ProgramSummary[];
}

export function readLog(
  format: TraceFormat,
  chunks: readonly Buffer[],
  choice?: ProcessChoice,
): Read {
  const runs: Run[] = [];
  const accesses = new Accesses({
    run: (page, kind, length) => runs.push({ page, kind, length }),
  });
  const processes = new Processes(accesses, choice);
  const reading = format.read({ accesses, processes });
  for (const chunk of chunks) reading.push(chunk);
  reading.end();
  accesses.end();
  processes.end();
  const { splitAccesses } = accesses;
  return { runs, understood: reading.understood, splitAccesses, programs: processes.taken };
}

export function readText(format: TraceFormat, text: string, choice?: ProcessChoice): Read {
  return readLog(format, [Buffer.from(text, "latin1")], choice);
}
