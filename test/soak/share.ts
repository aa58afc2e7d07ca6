/** Soaks in shares: what came of each case, as it is kept in files. */
import * as z from "zod";
import type { ShareKind } from "../../src/shares/shareFile.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { withoutRoot } from "../shares/toolShares.ts";
import type { SoakCase } from "./generator.ts";
import type { Trial } from "./trial.ts";

const askedSchema = z.strictObject({ seed: z.int(), from: z.int().min(0), runs: z.int().min(0) });

const count = z.int().min(0);
const resultSchema = z.strictObject({
  refusal: z.string().nullable().describe("null: it ran, or broke"),
  ran: z
    .strictObject({
      operation: z.string(),
      technique: z.string(),
      harvests: count,
      messages: count,
      commands: count.describe("of an operator"),
    })
    .nullable(),
  problem: z
    .strictObject({
      kind: z.string(),
      what: z.string(),
      small: z.string().describe("the case, made small, as a scenario file"),
    })
    .nullable(),
});

export type SoakAsked = z.infer<typeof askedSchema>;
export type SoakResult = z.infer<typeof resultSchema>;

export const SOAK_SHARES: ShareKind<SoakAsked, SoakResult> = {
  format: "trackvisor soak",
  madeBy: "npm run soak -- -o",
  work: "soak",
  item: "case",
  asked: askedSchema,
  result: resultSchema,
};

/** @param small makes the case small; asked if it has failed */
export function resultOf(soaked: SoakCase, trial: Trial, small: () => string): SoakResult {
  const { problems, refusal, summary, messages } = trial;
  const [problem] = problems;
  return {
    refusal,
    ran:
      summary === null
        ? null
        : {
            operation: scenarioSchema.parse(soaked.scenario).operation.kind,
            technique: summary.technique,
            harvests: summary.harvests.reduce((sum, { harvests }) => sum + harvests, 0),
            messages,
            commands: soaked.commands.length,
          },
    problem:
      problem === undefined
        ? null
        : { kind: problem.kind, what: withoutRoot(problem.what), small: small() },
  };
}
