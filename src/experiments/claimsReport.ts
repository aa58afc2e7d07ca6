/** The claims of the study with their verdicts, as tables. */
import { htmlText } from "../io/visible.ts";
import { CLAIM_RULES, CLAIM_VERDICTS, type ClaimOutcome, claimOutcomes } from "./claims.ts";
import type { Row } from "./experiment.ts";

const HEADER = ["claim", "published", "verdict", "its figures", "checked by"] as const;

/** Claims whose experiments were run, a line each: the words of the study, where they stand, the verdict, the figures' verdicts. */
function lines(rows: readonly Row[]): readonly (readonly string[])[] {
  return claimOutcomes(rows)
    .filter(({ verdict }) => verdict !== "not run")
    .map((outcome) => [
      outcome.claim.text,
      outcome.claim.source,
      outcome.verdict,
      `\`${outcome.claim.experiment}\`: ${evidence(outcome)}`,
      `\`trackvisor experiment run ${outcome.claim.experiment}\``,
    ]);
}

function evidence({ rows }: ClaimOutcome): string {
  return [...rows].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
}

/** "holds 9, does not hold 5", of those that are there. */
export function countClaims(rows: readonly Row[]): string {
  const outcomes = claimOutcomes(rows);
  return CLAIM_VERDICTS.flatMap((verdict) => {
    const count = outcomes.filter((one) => one.verdict === verdict).length;
    return count === 0 || verdict === "not run" ? [] : [`${verdict} ${count}`];
  }).join(", ");
}

export function claimRules(): readonly (readonly [verdict: string, rule: string])[] {
  return CLAIM_VERDICTS.filter((verdict) => verdict !== "not run").map((verdict) => [
    verdict,
    CLAIM_RULES[verdict],
  ]);
}

export function claimsMarkdown(rows: readonly Row[]): string {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [line(HEADER), line(HEADER.map(() => "---")), ...lines(rows).map(line)].join("\n");
}

export function claimsHtml(rows: readonly Row[]): string {
  const row = (cell: "th" | "td") => (texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${cell}>${htmlText(text.replaceAll("`", ""))}</${cell}>`).join("")}</tr>`;
  return `<table class="claims"><thead>${row("th")(HEADER)}</thead><tbody>
${lines(rows).map(row("td")).join("\n")}
</tbody></table>`;
}

/** For a terminal, a line each. */
export function claimLines(rows: readonly Row[]): readonly string[] {
  return lines(rows).map(([text, source, verdict]) => `  ${verdict}: ${text} (${source})`);
}
