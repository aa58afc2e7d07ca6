/** Files that were made up, in shares: what came of each case, as it is kept in files. */
import * as z from "zod";
import type { ShareKind } from "../../src/shares/shareFile.ts";

const askedSchema = z.strictObject({ seed: z.int(), from: z.int().min(0), cases: z.int().min(0) });

const resultSchema = z.strictObject({
  kind: z.string().nullable().describe("of the file; null: the process ended over it"),
  words: z.array(z.string()).describe("of the command"),
  code: z.int().nullable(),
  problem: z.string().nullable().describe("null: all was kept"),
});

export type ForgedAsked = z.infer<typeof askedSchema>;
export type ForgedResult = z.infer<typeof resultSchema>;

export const FORGED_SHARES: ShareKind<ForgedAsked, ForgedResult> = {
  format: "trackvisor fuzz:files",
  madeBy: "npm run fuzz:files -- -o",
  work: "fuzz",
  item: "case",
  asked: askedSchema,
  result: resultSchema,
};
