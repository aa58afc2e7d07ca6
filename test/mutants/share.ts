/** Mutants in shares: what became of each, as it is kept in files. */
import * as z from "zod";
import type { Share, ShareKind, Work } from "../../src/shares/shareFile.ts";
import { workOf } from "../shares/toolShares.ts";
import { mutantDigest, type Result } from "./kept.ts";
import type { Mutant } from "./mutant.ts";
import type { Tried } from "./report.ts";

const count = z.int().min(0);
const askedSchema = z.strictObject({
  seed: count,
  sample: count.describe("drawn beside those made by hand"),
  byHand: count.nullable().describe("null: all of them"),
  only: z.string().nullable().describe("null: of all files"),
  quick: z.boolean().describe("the quick judges alone"),
});

const resultSchema = z.strictObject({
  caught: z
    .strictObject({
      judge: z.strictObject({ kind: z.enum(["model", "test"]), name: z.string() }),
      by: z.string(),
      messages: count.nullable(),
    })
    .nullable()
    .describe("null: it survived"),
  judges: count,
  seconds: z.number().min(0),
});

export type MutantsAsked = z.infer<typeof askedSchema>;
export type MutantResult = z.infer<typeof resultSchema>;

/**
 * Whether a mutant is noticed is the same everywhere. Who notices it first is not: judges are asked in the order of
 * how long they took on the machine that measured them.
 */
export const MUTANT_SHARES: ShareKind<MutantsAsked, MutantResult> = {
  format: "trackvisor mutants",
  madeBy: "npm run mutants -- -o",
  work: "list",
  item: "mutant",
  asked: askedSchema,
  result: resultSchema,
  same: ({ caught }) => caught === null,
};

/** @param textOf a mutant's file */
export function mutantWork(
  asked: MutantsAsked,
  mutants: readonly Mutant[],
  textOf: (file: string) => string,
): Work<MutantsAsked> {
  const names = mutants.map((mutant) => {
    return `${mutant.name} ${mutantDigest(mutant, textOf(mutant.file))}`;
  });
  return workOf(asked, names);
}

export function mutantResult({ caught, judges, seconds }: Result): MutantResult {
  return { caught, judges, seconds };
}

/** What a whole says of these mutants, as a run of all of them would have. */
export function triedOf(
  { items }: Share<MutantsAsked, MutantResult>,
  mutants: readonly Mutant[],
  textOf: (file: string) => string,
): Tried[] {
  return items.map(({ index, result }) => {
    const mutant = mutants[index]!;
    return { mutant, result: { name: mutant.name, ...result }, text: textOf(mutant.file) };
  });
}
