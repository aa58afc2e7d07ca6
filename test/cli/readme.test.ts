/**
 * Every command in a `console` block of these pages is run, and prints what the page shows.
 * README's table of results is that of docs/results.md. UPDATE_README=1 writes the present output into the pages instead.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
/** The store of finished runs: a user's own is not touched. */
const cache = mkdtempSync(join(tmpdir(), "trackvisor-pages-"));
afterAll(() => rmSync(cache, { recursive: true }));

function run(command: string): string {
  const script = command.replaceAll("npx trackvisor", "node dist/src/cli/main.js");
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const options = { cwd: root, encoding: "utf8", env } as const;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], options);
  return `${stdout}${stderr}`.trimEnd();
}

/** The first table of docs/results.md, which the experiments wrote. */
function resultsTable(): string {
  const results = readFileSync(join(root, "docs", "results.md"), "utf8");
  return /^\|[\s\S]*?\n(?=\n)/m.exec(results)![0];
}

it.each([
  ["README.md", 5],
  ["docs/advise.md", 2],
])("%s shows what its commands print", { timeout: 300_000 }, (page, least) => {
  const file = join(root, page);
  const markdown = readFileSync(file, "utf8");
  let commands = 0;
  let fresh = markdown.replaceAll(/^```console\n([\s\S]*?)^```/gm, (_block, body: string) => {
    const sessions = body
      .split(/^\$ /m)
      .slice(1)
      .map((session) => {
        const command = session.slice(0, session.indexOf("\n"));
        commands++;
        return `$ ${command}\n${run(command)}\n`;
      });
    return `\`\`\`console\n${sessions.join("\n")}\`\`\``;
  });
  fresh = fresh.replace(
    /(?<=^<!-- results -->\n)[\s\S]*?(?=^<!-- \/results -->)/m,
    () => `${resultsTable()}\n`,
  );
  if (process.env["UPDATE_README"] === "1") writeFileSync(file, fresh);
  else expect(fresh).toBe(markdown);
  expect(commands).toBeGreaterThanOrEqual(least);
});
