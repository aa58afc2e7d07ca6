/**
 * The claims of the study: a sentence each, the rows that bear on it, and what has to be true of them. A cell of a table is no
 * claim, and that many cells come out says little. What a claim's verdict may be follows from its rows' verdicts, too.
 */
import type { Row } from "./experiment.ts";
import { CLAIMS, type Claim } from "./study/claims.ts";
import type { Verdict } from "./verdict.ts";

export const CLAIM_VERDICTS = [
  "holds",
  "holds, but fitted",
  "holds, as it would for a constant",
  "holds with some seeds",
  "cannot be told",
  "does not hold",
  "not run",
] as const;
export type ClaimVerdict = (typeof CLAIM_VERDICTS)[number];

export const CLAIM_RULES: Readonly<Record<ClaimVerdict, string>> = {
  holds:
    "what the claim says is true of the emulated figures, with every seed, and not of a constant's or of those of the model without the mechanism",
  "holds, but fitted": "the same, but all that comes out was fitted",
  "holds, as it would for a constant":
    "true, but a constant or the model without the mechanism would make it true as well: no evidence",
  "holds with some seeds":
    "true of the means of the seeds, or of what came out with some of them, and not of all: left to chance",
  "cannot be told":
    "the study's own series leave it open: its interval holds no effect, and the emulated one",
  "does not hold": "not true of the emulated figures",
  "not run": "its experiment was not run",
};

export interface ClaimOutcome {
  readonly claim: Claim;
  readonly verdict: ClaimVerdict;
  /** How many of its rows have which verdict. */
  readonly rows: ReadonlyMap<Verdict, number>;
}

/** Holds each claim against the rows. */
export function claimOutcomes(rows: readonly Row[]): readonly ClaimOutcome[] {
  return CLAIMS.map((claim) => {
    const own = rows.filter(
      ({ experiment, quantity }) => experiment === claim.experiment && claim.rows.test(quantity),
    );
    const counts = new Map<Verdict, number>();
    for (const { verdict } of own) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    return { claim, verdict: verdictOf(claim, own), rows: counts };
  });
}

/** The claim is true of the plain model's figures, where every row has one. */
function isPlain({ holds }: Claim, rows: readonly Row[]): boolean {
  const plain = rows.flatMap((row) =>
    row.plain === null ? [] : [{ ...row, emulated: row.plain }],
  );
  return plain.length === rows.length && holds(plain);
}

/** Whether the claim is true of what came out with each seed. */
function holdsBySeed({ holds }: Claim, rows: readonly Row[]): readonly boolean[] {
  const seeds = Math.max(...rows.map(({ values }) => values.length));
  return Array.from({ length: seeds }, (_, seed) =>
    holds(rows.map((row) => ({ ...row, emulated: row.values[seed] ?? row.emulated }))),
  );
}

function verdictOf(claim: Claim, rows: readonly Row[]): ClaimVerdict {
  if (rows.length === 0) return "not run";
  const all = (...verdicts: readonly Verdict[]): boolean =>
    rows.every(({ verdict }) => verdicts.includes(verdict));
  if (all("inside the study's noise")) return "cannot be told";
  const held = [claim.holds(rows), ...holdsBySeed(claim, rows)];
  if (!held.includes(true)) return "does not hold";
  if (held.includes(false)) return "holds with some seeds";
  if (all("fitted")) return "holds, but fitted";
  return isPlain(claim, rows) ? "holds, as it would for a constant" : "holds";
}
