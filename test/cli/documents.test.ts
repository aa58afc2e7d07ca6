/** What documents refer to is there: pages, places in them, commands, options, shipped scenarios. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGES = [
  ...readdirSync(ROOT),
  ...readdirSync(join(ROOT, "docs")).map((name) => join("docs", name)),
  ...readdirSync(join(ROOT, "docs", "decisions")).map((name) => join("docs", "decisions", name)),
].filter((name) => name.endsWith(".md"));

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** Of the text outside of fenced blocks. */
function linksOf(page: string): string[] {
  const prose = textOf(page).replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** The name that a heading gets as a place to link to. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Command lines of the program in fenced blocks, joined where they go on, up to a pipe or the like. */
function commandLines(page: string): string[] {
  const blocks = [...textOf(page).matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, body]) => body!);
  return blocks.flatMap((body) =>
    [...body.replaceAll(/\\\n\s*/g, "").matchAll(/^(?:\$ )?(?:npx )?trackvisor ([a-z].*)$/gm)].map(
      ([, words]) => words!.split(/ {3,}| [|>#;] ?|;/)[0]!.trim(),
    ),
  );
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word);
}

describe.each(PAGES)("%s", (page) => {
  it("links to what is there", () => {
    const missing = linksOf(page).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
    });
    expect(missing).toEqual([]);
  });

  it("shows commands that there are, with options that they have", async () => {
    for (const line of commandLines(page)) {
      const [name, ...words] = wordsOf(line);
      const entry = COMMANDS.find((one) => one.name === name);
      expect(entry?.name, line).toBe(name);
      let command: Command = await entry!.load();
      const options = [...command.options];
      for (const word of words) {
        const inner = command.commands.find((one) => word.split("|").includes(one.name()));
        if (inner !== undefined) {
          command = inner;
          options.push(...inner.options);
        }
        const flag = /^--?[a-zA-Z][\w-]*/.exec(word)?.[0];
        if (flag === undefined || flag === "--help") continue;
        const known = options.flatMap(({ short, long }) => [short, long]);
        expect(known, line).toContain(flag);
      }
    }
  });
});

it("docs/README.md leads to every page and schema of docs, each once", () => {
  const linked = linksOf("docs/README.md");
  const pages = PAGES.filter((page) => dirname(page) === "docs" && page !== "docs/README.md");
  for (const page of pages) {
    const own = linked.filter((target) => join("docs", target) === page);
    // The first page is named in the first line as well.
    expect(own.length, page).toBe(page === "docs/first-steps.md" ? 2 : 1);
  }
});
