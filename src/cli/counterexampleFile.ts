/** A counterexample of a model of a system, as a message log. */
import { buildTargetSystem, type CheckTarget } from "../check/catalogue.ts";
import { endsInFailure, recordTrace } from "../check/hypervisor/counterexampleLog.ts";
import type { Trace } from "../check/trace.ts";
import { UserError } from "../errors.ts";
import { note } from "../io/standardStreams.ts";
import { LogFile } from "../replay/logFile.ts";

/** @throws UserError if the model is not one of a system, or the file cannot be written */
export function writeLog(file: string, target: CheckTarget, trace: Trace, force?: true): void {
  const system = buildTargetSystem(target);
  if (system === null) throw new UserError(`--log: model ${target.model} is not one of a system`);
  const log = new LogFile(file, { force });
  try {
    recordTrace(system, target, trace, log);
    if (endsInFailure(trace)) {
      note(`${file}: ends before the last message, with which an actor fails`);
    }
  } finally {
    log.abort();
  }
}
