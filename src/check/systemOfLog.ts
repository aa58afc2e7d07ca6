/** From the header of a counterexample's log back to the system that it is of. */
import * as z from "zod";
import type { LogHeader } from "../replay/format.ts";
import { rebuild, refuseOtherActors } from "../replay/rebuild.ts";
import type { System } from "../system/system.ts";
import { buildTargetSystem } from "./catalogue.ts";

const name = z.string().max(200);

const originSchema = z.object({
  check: z.object({
    model: name,
    set: z.record(name, z.number()),
    mutation: name.nullable(),
  }),
  property: name,
  /** Where it is broken. Logs that were written before this was have none. */
  broken: z
    .object({
      /** The message that does it; null: none does it alone. */
      at: z.int().min(1).nullable(),
      /** The first message of those that repeat for ever, up to the last one; null: none do. */
      loopFrom: z.int().min(1).nullable(),
    })
    .optional(),
});

/** What a check writes into the header of a counterexample's log. */
export type CheckOrigin = z.output<typeof originSchema>;

/** What a counterexample's log is of; null for other logs. */
export function checkOf({ scenario }: LogHeader): CheckOrigin | null {
  return originSchema.safeParse(scenario).data ?? null;
}

/** The system of a log that a check has written, newly built; null for other logs. @throws UserError if it is of a model that is not here */
export function systemOfCheck(scenario: unknown): System | null {
  const { data } = originSchema.safeParse(scenario);
  return data === undefined ? null : buildTargetSystem(data.check);
}

/** Whether a log is a counterexample of a check, and not the run of a scenario. */
export function isOfCheck(header: LogHeader): boolean {
  return checkOf(header) !== null;
}

/**
 * The system of any log, ready to begin: a scenario's, or a check's.
 * @throws UserError as src/replay/rebuild.ts does, and if it is of a model that is not here
 */
export function systemOfLog(name: string, header: LogHeader, directory?: string): System {
  const system = systemOfCheck(header.scenario) ?? rebuild(name, header, directory);
  refuseOtherActors(name, header, system);
  return system;
}
