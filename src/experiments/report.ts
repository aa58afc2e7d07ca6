/** Outcomes as a Markdown summary and as one HTML page that needs nothing else. */

import { htmlText } from "../io/visible.ts";
import { itemAt } from "../lookup.ts";
import { claimRules, claimsHtml, claimsMarkdown, countClaims } from "./claimsReport.ts";
import type { Row } from "./experiment.ts";
import type { Outcome } from "./outcome.ts";
import type { Scale } from "./scale.ts";
import { chanceText } from "./seeds.ts";
import { cells, rowsToMarkdown, TABLE_HEADER } from "./tables.ts";
import { RULES, VERDICTS } from "./verdict.ts";

const TITLE = "The published study of page tracking, reproduced";

/** How often each verdict was given. */
export function countVerdicts(rows: readonly Row[]): string {
  return VERDICTS.map((verdict) => {
    const count = rows.filter((row) => row.verdict === verdict).length;
    return `${verdict} ${count}`;
  }).join(", ");
}

/** The verdicts of each experiment as a Markdown table. */
export function verdictTable(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map(({ experiment: { name, title }, rows }) => {
    const counts = VERDICTS.map((verdict) => rows.filter((row) => row.verdict === verdict).length);
    return `| \`${name}\` | ${title} | ${counts.map((count) => count || "").join(" | ")} |`;
  });
  const header = `| experiment | | ${VERDICTS.join(" | ")} |`;
  return [header, `|---|---|${"---:|".repeat(VERDICTS.length)}`, ...lines].join("\n");
}

export function markdownReport(outcomes: readonly Outcome[], scale: Scale): string {
  const rows = outcomes.flatMap((outcome) => outcome.rows);
  const sections = outcomes.map(({ experiment, chance, rows: own, findings }) =>
    [
      `## ${experiment.title}`,
      `\`trackvisor experiment run ${experiment.name}\`. Published: ${experiment.source}.`,
      `Scale: ${scales(own)}. Seeds: ${chanceText(chance)}.`,
      rowsToMarkdown(own),
      ...titled("Why figures differ", reasons(own)),
      ...titled("Findings", findings),
      `Assumed or fitted:\n\n${list(experiment.assumptions)}`,
    ].join("\n\n"),
  );
  return `${[
    `# ${TITLE}`,
    `${scaleLine(scale)} Claims of the study: ${countClaims(rows)}.`,
    claimsMarkdown(rows),
    list(claimRules().map(([verdict, rule]) => `**${verdict}**: ${rule}`)),
    `Behind them, ${rows.length} figures: ${countVerdicts(rows)}.`,
    list(VERDICTS.map((verdict) => `**${verdict}**: ${RULES[verdict]}`)),
    verdictTable(outcomes),
    ...sections,
  ].join("\n\n")}\n`;
}

function scaleLine({ name, divisor }: Scale): string {
  return name === "full"
    ? "Full size."
    : `Quick: sizes and times are divided by ${divisor} where a section does not say otherwise.`;
}

/** The scales of rows; with more than one, which rows have them. */
function scales(rows: readonly Row[]): string {
  const groups = groupsBy(rows, ({ scale }) => scale);
  if (groups.size === 1) return itemAt([...groups.keys()], 0);
  return [...groups].map(([scale, own]) => `${scale} (${names(own)})`).join("; ");
}

/** Why rows differ, each reason once. */
function reasons(rows: readonly Row[]): readonly string[] {
  const groups = groupsBy(rows, ({ reason }) => reason);
  return [...groups].flatMap(([reason, own]) =>
    reason === null ? [] : [`${reason} (${names(own)})`],
  );
}

/** In the order of their first rows. */
function groupsBy<Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

const NAMES_SHOWN = 2;

function names(rows: readonly Row[]): string {
  const shown = rows.slice(0, NAMES_SHOWN).map(({ quantity }) => quantity);
  const rest = rows.length - shown.length;
  return `${shown.join("; ")}${rest === 0 ? "" : `; and ${rest} more`}`;
}

function titled(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`${title}:\n\n${list(items)}`];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .7rem; text-align: left; }
td:nth-child(2), td:nth-child(3), td:nth-child(4), td:nth-child(5) { text-align: right; font-variant-numeric: tabular-nums; }
.reproduced { color: #0a6; } .near { color: #27a; } .same-direction { color: #a70; } .differs { color: #c22; }
.claims td:nth-child(2), .claims td:nth-child(3), .claims td:nth-child(4) { text-align: left; }
figure { margin: 1rem 0; overflow-x: auto; } code { background: #f3f3f3; padding: 0 .2rem; }
`;

export function htmlReport(outcomes: readonly Outcome[], scale: Scale): string {
  const rows = outcomes.flatMap((outcome) => outcome.rows);
  const contents = outcomes.map(
    ({ experiment: { name, title }, rows: own }) =>
      `<li><a href="#${name}">${htmlText(title)}</a>: ${countVerdicts(own)}</li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${TITLE}</title><style>${STYLE}</style></head><body>
<h1>${TITLE}</h1>
<p>${scaleLine(scale)} Claims of the study: ${countClaims(rows)}.</p>
${claimsHtml(rows)}
<ul>${claimRules()
    .map(([verdict, rule]) => `<li><b>${verdict}</b>: ${htmlText(rule)}</li>`)
    .join("")}</ul>
<p>Behind them, ${rows.length} figures: ${countVerdicts(rows)}.</p>
<ul>${VERDICTS.map((verdict) => `<li><b class="${cssClass(verdict)}">${verdict}</b>: ${htmlText(RULES[verdict])}</li>`).join("")}</ul>
<ol>${contents.join("\n")}</ol>
${outcomes.map(section).join("\n")}
</body></html>
`;
}

function section({ experiment, chance, rows, plots, findings }: Outcome): string {
  const header = TABLE_HEADER.map((text) => `<th>${text}</th>`).join("");
  return `<section id="${experiment.name}">
<h2>${htmlText(experiment.title)}</h2>
<p><code>trackvisor experiment run ${experiment.name}</code>. Published: ${htmlText(experiment.source)}.</p>
<p>Scale: ${htmlText(scales(rows))}. Seeds: ${htmlText(chanceText(chance))}.</p>
<table><thead><tr>${header}</tr></thead><tbody>
${rows.map(htmlRow).join("\n")}
</tbody></table>
${titledItems("Why figures differ", reasons(rows))}
${titledItems("Findings", findings)}
${plots.map(({ svg }) => `<figure>${svg}</figure>`).join("\n")}
<h3>Assumed or fitted</h3>
${items(experiment.assumptions)}
</section>`;
}

function htmlRow(row: Row): string {
  const texts = cells(row).map((text) => `<td>${htmlText(text)}</td>`);
  return `<tr class="${cssClass(row.verdict)}">${texts.join("")}</tr>`;
}

function items(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  return `<ul>${texts.map((text) => `<li>${htmlText(text)}</li>`).join("\n")}</ul>`;
}

function titledItems(title: string, texts: readonly string[]): string {
  return texts.length === 0 ? "" : `<h3>${title}</h3>\n${items(texts)}`;
}

function cssClass(verdict: string): string {
  return verdict.replaceAll(" ", "-");
}
