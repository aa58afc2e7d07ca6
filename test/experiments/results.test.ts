/** The results in docs/results.md, made by `experiment run all`: each published figure has its row. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXPERIMENTS } from "../../src/experiments/all.ts";
import { VERDICTS } from "../../src/experiments/verdict.ts";

const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "results.md"), "utf8");

/** The published figures of the slides and of the papers behind them, as the table writes them. */
const PUBLISHED: Readonly<Record<string, readonly string[]>> = {
  energy: ["9.45", "10.3", "10.78", "10.95", "<= 0.02"],
  migration: ["10.19", "5.99", "2.43", "0.98", "0.06", "0.14", "0.39", "0.95"],
  checkpointing: ["0"],
  "wss-overhead": ["0.001", "4.8", "7.9", "34.9"],
  "pml-limits": ["0.02", "1", "5"],
  accuracy: [
    "402.5",
    "404.8",
    "410.2",
    "8.2",
    "308.2",
    "407.8",
    "401.8",
    "1,812",
    "1,851",
    "1,751",
  ],
  parsec: [
    ...["15.41", "14.85", "13.89", "14.87", "255.6", "63.75", "64.8", "15.8", "1.99", "7.8"],
    ...["252.2", "255.8", "12.12", "200.3", "54.25", "12.8", "1.5", "7.1", "201.7", "245.1"],
  ],
  "missed-gpas": ["17,094", "8,543", "20,701", "10,510", "0", "0.02493", "0.0358", "0.01104"],
  "pvm-load": ["<= 1.5", "3", "7.5", "15", "19", "25", "30", "43", "46"],
  "present-bit": ["96.22"],
};

/** The cells of each row, by experiment. */
function rows(): ReadonlyMap<string, readonly (readonly string[])[]> {
  const sections = text.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [, name] = /experiment run ([\w-]+)/.exec(section) ?? [];
      const lines = section.split("\n").filter((line) => line.startsWith("| "));
      const cells = lines.map((line) => line.slice(2, -2).split(" | "));
      return [name ?? "", cells.slice(1)] as const;
    }),
  );
}

describe("docs/results.md", () => {
  it("has every experiment", () => {
    expect([...rows().keys()]).toEqual(EXPERIMENTS.map(({ name }) => name));
  });

  it.each(Object.entries(PUBLISHED))("%s: a row for each published figure", (name, figures) => {
    const published = rows()
      .get(name)!
      .map((cells) => cells[1]);
    for (const figure of figures) expect(published).toContain(figure);
  });

  it("has a verdict in each row, and a difference wherever there is a published figure", () => {
    for (const cells of [...rows().values()].flat()) {
      expect(VERDICTS).toContain(cells[5]);
      expect(cells[1] === "-").toBe(cells[3] === "-");
      expect(cells[1] === "-").toBe(cells[5] === "not published");
    }
  });
});
