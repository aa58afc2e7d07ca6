/** From a log's header back to the system that was recorded. */
import * as z from "zod";
import { excerpt } from "../config/fieldPath.ts";
import { UserError } from "../errors.ts";
import { problemOf } from "../interconnect/fields.ts";
import { buildSystem } from "../system/build.ts";
import { type Scenario, scenarioSchema } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";
import type { LogHeader } from "./format.ts";
import { machineDigests, type Origin, tracesOf } from "./identity.ts";

/** What a log says of traces and guests, whoever wrote it, opens no other files. */
const EXTENSIONS = [".tvtrace", ".wasm", ".sql", ".js"];

/**
 * What a log keeps of a scenario: all of it, in the form of a scenario file.
 * @throws UserError if it plays a file that a log cannot name
 */
export function originOf(scenario: Scenario, directory: string): Origin {
  const files = ownFiles(scenario);
  refuseOtherFiles("a log", files);
  const written = z.encode(scenarioSchema, withoutFile(scenario));
  return { scenario: written, ...(files.length > 0 ? { directory } : {}) };
}

/** Names of the files of traces and guests, but for those that are shipped. */
function ownFiles({ vms }: Scenario): readonly string[] {
  const files = vms.flatMap(({ workload }): string[] => {
    if (workload.kind === "trace") return [workload.file];
    if (workload.kind === "linux") return [...workload.files];
    if (workload.kind !== "wasm") return [];
    const { module = [], scriptFile = [], files } = workload;
    return [module, scriptFile, files].flat();
  });
  return files.filter((file) => !file.startsWith("shipped:"));
}

function refuseOtherFiles(name: string, files: readonly string[]): void {
  const other = files.find((file) => !EXTENSIONS.some((extension) => file.endsWith(extension)));
  if (other === undefined) return;
  throw new UserError(
    `${name}: cannot play "${excerpt(other)}": the files of a log are called ${EXTENSIONS.map((extension) => `NAME${extension}`).join(", ")}`,
  );
}

/** The scenario of a log. @throws UserError if this program cannot run it */
export function scenarioOf(name: string, header: LogHeader): Scenario {
  const { data } = scenarioSchema.safeParse(header.scenario);
  if (data === undefined) {
    const problem = problemOf(scenarioSchema, header.scenario);
    throw new UserError(`${name}: holds no scenario that this program can run: ${problem}`);
  }
  refuseOtherFiles(name, ownFiles(data));
  return withoutFile(data);
}

/** Addresses in a log are those of its header. @throws UserError if they are others' in this system */
export function refuseOtherActors(name: string, { actors }: LogHeader, system: System): void {
  const other = actors.findIndex((actor, i) => actor.name !== system.actors[i]?.name);
  if (other < 0) return;
  const now = system.actors[other]?.name;
  throw new UserError(
    `${name}: actor ${other + 1} is "${excerpt(actors[other]?.name ?? "")}", but here ` +
      (now === undefined ? "there are fewer" : `it is "${now}"`),
  );
}

/**
 * Builds the system that a log is of, ready to begin.
 * @param directory where names of trace files start, if not where the header says
 * @throws UserError if it cannot be built here, or plays other traces than were recorded
 */
export function rebuild(name: string, header: LogHeader, directory?: string): System {
  const scenario = scenarioOf(name, header);
  const from = directory ?? header.directory;
  const system = buildSystem(scenario, from === null ? {} : { directory: from });
  const traces = tracesOf(system);
  for (const { workload, digest } of header.traces) {
    const now = traces.find((trace) => trace.workload === workload);
    if (now?.digest !== digest) {
      throw new UserError(`${name}: "${excerpt(workload)}" plays another trace than was recorded`);
    }
  }
  return system;
}

/** Names of the machines whose definitions are no longer those that were recorded. */
export function changedMachines(header: LogHeader, system: System): readonly string[] {
  const now = machineDigests(system);
  const names = new Set([...Object.keys(header.machines), ...Object.keys(now)]);
  return [...names].filter((name) => header.machines[name] !== now[name]).sort();
}

/** A run that is looked at, or replayed, writes no checkpoint file. */
export function withoutFile(scenario: Scenario): Scenario {
  const { operation } = scenario;
  if (!("file" in operation) || operation.file === undefined) return scenario;
  const { file: _, ...rest } = operation;
  return { ...scenario, operation: rest };
}
