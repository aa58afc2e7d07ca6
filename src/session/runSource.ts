/** What a run that is looked at is of: a scenario, or a log. */
import { type CheckOrigin, checkOf, systemOfLog } from "../check/systemOfLog.ts";
import { openSource } from "../io/byteSource.ts";
import { outlineOf } from "../replay/branch.ts";
import type { Origin } from "../replay/identity.ts";
import { damageNote, LogReader } from "../replay/reader.ts";
import { originOf, scenarioOf, withoutFile } from "../replay/rebuild.ts";
import type { TimedIntervention } from "../replay/timedIntervention.ts";
import { buildSystem } from "../system/build.ts";
import { startableIn } from "../system/operations/all.ts";
import { sessionOf } from "../system/operations/session.ts";
import type { Scenario } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";

/** What a run is of, and how it is begun anew: a scenario, or a counterexample of a model. */
export interface RunSource {
  readonly name: string;
  /** When it ends, in cycles; 0 = with the workloads. */
  readonly until: number;
  /** Operations that the operator can start, by name. */
  readonly startable: readonly string[];
  /** What a log of it says it is of. */
  readonly origin: Origin;
  /** The system, with nothing delivered yet. @throws UserError */
  build(): System;
}

/** A run to be looked at: a new one, or that of a log. */
export interface Opened {
  /** What a check has found. */
  readonly found?: CheckOrigin | null;
  readonly source: RunSource;
  readonly interventions: readonly TimedIntervention[];
  /** Messages of the log; 0 = a new run. */
  readonly messages: number;
  readonly damage?: string | undefined;
}

/** A run of a scenario that nobody has begun yet. */
export function newRun(asked: Scenario, directory: string): Opened {
  const scenario = withOperations(withoutFile(asked));
  const source: RunSource = {
    ...ofScenario(scenario),
    // Asked for when it is saved: not every run can be named by a log.
    get origin() {
      return originOf(scenario, directory);
    },
    build: () => buildSystem(scenario, { directory }),
  };
  return { source, interventions: [], messages: 0 };
}

/** The run of a log, at its start, with what was done to it. @throws UserError */
export function runOfLog(path: string): Opened {
  const source = openSource(path);
  try {
    const reader = new LogReader(source);
    const { interventions, messages } = outlineOf(reader);
    const { header } = reader;
    const found = checkOf(header);
    const run: Omit<RunSource, "origin" | "build"> =
      found === null
        ? ofScenario(scenarioOf(path, header))
        : { name: counterexampleName(found), until: 0, startable: [] };
    const { scenario, directory } = header;
    const origin = { scenario, ...(directory === null ? {} : { directory }) };
    return {
      source: { ...run, origin, build: () => systemOfLog(path, header) },
      interventions,
      messages,
      damage: damageNote(reader),
      found,
    };
  } finally {
    source.close();
  }
}

function ofScenario({ name, until = 0, operation }: Scenario) {
  return { name, until, startable: startableIn(operation) };
}

function counterexampleName({ check: { model, mutation }, property }: CheckOrigin): string {
  const planted = mutation === null ? "" : ` with the fault ${mutation}`;
  return `${model}${planted} breaks "${property}"`;
}

/** The scenario with operations that the operator can start, if it has none of its own. */
function withOperations(scenario: Scenario): Scenario {
  const { operation } = scenario;
  if (operation.kind !== "measure") return scenario;
  return { ...scenario, operation: sessionOf(operation) };
}
