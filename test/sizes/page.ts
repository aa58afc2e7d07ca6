/** The page of sizes: one row for each model. */

/** Ways of searching, and their options. */
export const WAYS = { all: [], symmetry: ["--symmetry"], por: ["--por"] } as const;
export type Way = keyof typeof WAYS;

/** What a search came to. */
export interface Counted {
  readonly distinct: number;
  readonly generated: number;
  readonly depth: number;
  readonly complete: boolean;
  readonly properties: number;
  /** Of the properties, those that hold; with --symmetry and --por liveness is left open. */
  readonly holding: number;
}

/**
 * @param of what was counted of a model in a way: null if the model has no such way, undefined if it was not tried
 * @param date of the run, as 2026-11-28
 */
export function page(
  models: readonly string[],
  of: (model: string, way: Way) => Counted | null | undefined,
  date: string,
): string {
  const rows = models.map((model) => {
    const all = of(model, "all");
    if (all == null) return `| ${model} | not run | | | | | |`;
    const [distinct, generated] = [all.distinct, all.generated].map(grouped);
    const fewer = (["symmetry", "por"] as const).map((way) => cell(of(model, way)));
    const verdict = `${all.holding} of ${all.properties}`;
    return `| ${model} | ${distinct} | ${generated} | ${all.depth} | ${verdict} | ${fewer.join(" | ")} |`;
  });
  return `# Sizes of the models

Written by \`npm run sizes\` (${date}). Whole spaces with the models' default parameters: every search went to its end. The
last two columns are the states that are left with \`--symmetry\` and with \`--por\`, where liveness is not judged;
"-" where nothing is alike. What is alike \`trackvisor check --list\` says, and [check.md](check.md) what both mean.

| model | states | generated | depth | properties that hold | \`--symmetry\` | \`--por\` |
|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}

function cell(counted: Counted | null | undefined): string {
  if (counted === undefined) return "not run";
  return counted === null ? "-" : grouped(counted.distinct);
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
