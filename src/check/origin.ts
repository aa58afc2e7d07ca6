/** From the header of a counterexample's log back to the system that it is of. */
import * as z from "zod";
import type { System } from "../system/system.ts";
import { buildTargetSystem } from "./catalogue.ts";

const originSchema = z.object({
  check: z.object({
    model: z.string(),
    set: z.record(z.string(), z.number()),
    mutation: z.string().nullable(),
  }),
  property: z.string(),
});

/** The system of a log that a check has written, newly built; null for other logs. @throws UserError if it is of a model that is not here */
export function systemOfCheck(scenario: unknown): System | null {
  const { data } = originSchema.safeParse(scenario);
  return data === undefined ? null : buildTargetSystem(data.check);
}
