/** What holds for every experiment, and for the reports. */
import { beforeAll, describe, expect, it } from "vitest";
import { EXPERIMENTS, experimentsNamed } from "../../src/experiments/all.ts";
import { type Outcome, outcomeOf } from "../../src/experiments/outcome.ts";
import { htmlReport, markdownReport } from "../../src/experiments/report.ts";
import { runPoint } from "../../src/experiments/runPoint.ts";
import { FULL, QUICK } from "../../src/experiments/scale.ts";
import { dataToCsv, rowsToCsv, rowsToLatex } from "../../src/experiments/tables.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

describe.each(EXPERIMENTS.map((one) => [one.name, one] as const))("%s", (_, experiment) => {
  it.each([FULL, QUICK])("has valid scenarios with names of their own, $name", (scale) => {
    const points = experiment.points(scale);
    expect(new Set(points.map(({ name }) => name)).size).toBe(points.length);
    for (const { scenario } of points)
      expect(scenarioSchema.safeParse(scenario).error).toBeUndefined();
  });

  it("says what it assumes and where the published figures stand", () => {
    expect(experiment.assumptions.length).toBeGreaterThan(0);
    expect(experiment.source).not.toBe("");
  });
});

describe("an experiment's outcome", () => {
  const [experiment] = experimentsNamed("present-bit");
  let outcome: Outcome;
  beforeAll(async () => {
    const points = experiment!.points(QUICK);
    const summaries = new Map(points.map(({ name, scenario }) => [name, runPoint(scenario)]));
    outcome = await outcomeOf(experiment!, [(name) => summaries.get(name)!], QUICK);
  });

  it("has a row for each published figure, with a verdict from its numbers", () => {
    const [fast, slow] = outcome.rows;
    expect(outcome.rows.map(({ published }) => published)).toEqual([96.22, 96.22]);
    // 262,144 violations a second of 2.6 us take 68 % of it; of 32 us there is no end.
    expect(fast!.emulated).toBeGreaterThan(60);
    expect(fast!.emulated).toBeLessThan(75);
    expect(slow!.emulated).toBeGreaterThan(95);
    expect(slow!.verdict).toBe("reproduced");
  });

  it("becomes a page that needs nothing else", () => {
    const html = htmlReport([outcome], QUICK);
    expect(html).toContain("<svg");
    expect(html).toContain("96.22");
    // Namespaces are names, not links.
    const links = html
      .replaceAll(/xmlns(:\w+)?="[^"]*"/g, "")
      .match(/https?:|src=|@import|url\(|<link|<script/g);
    expect(links).toBeNull();
    const references = [...html.matchAll(/href="([^"]*)"/g)].map(([, target]) => target);
    expect(references).toEqual(["#present-bit"]);
  });

  it("becomes Markdown with the same rows", () => {
    const markdown = markdownReport([outcome], QUICK);
    for (const { quantity, verdict } of outcome.rows) {
      expect(markdown).toContain(quantity);
      expect(markdown).toContain(`| ${verdict} |`);
    }
  });
});

describe("LaTeX", () => {
  it("writes out what has a meaning there", () => {
    const row = {
      experiment: "e",
      quantity: "10 % of a_b\\c ~ {d} #1 $ ^ & x",
      unit: "",
      published: 2,
      relation: "at most",
      emulated: 1,
      low: 0.75,
      high: 1.25,
      values: [0.97, 1.03],
      plain: null,
      difference: -1,
      verdict: "reproduced",
      scale: "full size",
      reason: null,
    } as const;
    const line = rowsToLatex([row])
      .split("\n")
      .find((text) => text.startsWith("10"));
    expect(line).toBe(
      "10 \\% of a\\_b\\textbackslash{}c \\textasciitilde{} \\{d\\} \\#1 \\$ \\textasciicircum{} \\& x & \\textless{}= 2 & 1 $\\pm$ 0.25 & -1 & - & reproduced \\\\",
    );
  });
});

describe("CSV", () => {
  it("quotes what has commas, quotes and line ends", () => {
    expect(
      dataToCsv([
        { a: 'x,"y"', b: 1 },
        { a: "p\nq", c: 2 },
      ]),
    ).toBe('a,b,c\r\n"x,""y""",1,\r\n"p\nq",,2\r\n');
  });

  it("leaves a missing figure empty", () => {
    const row = {
      experiment: "e",
      quantity: "q",
      unit: "s",
      published: null,
      relation: "equals",
      emulated: 2,
      low: 1.5,
      high: 2.5,
      values: [1.9, 2.1],
      difference: null,
      plain: null,
      verdict: "not published",
      scale: "full size",
      reason: null,
    } as const;
    expect(rowsToCsv([row]).split("\r\n")[1]).toBe(
      "e,q,s,equals,,2,1.5,2.5,,,not published,full size,",
    );
  });
});
