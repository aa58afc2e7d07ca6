/**
 * Every command in a `console` block of README.md is run, and prints what the README shows.
 * Its table of results is that of docs/results.md. UPDATE_README=1 writes the present output into the README instead.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const file = join(root, "README.md");
const COMMANDS_MIN = 5;

function run(command: string): string {
  const script = command.replaceAll("npx trackvisor", "node dist/src/cli/main.js");
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: root, encoding: "utf8" });
  return `${stdout}${stderr}`.trimEnd();
}

/** The first table of docs/results.md, which the experiments wrote. */
function resultsTable(): string {
  const results = readFileSync(join(root, "docs", "results.md"), "utf8");
  return /^\|[\s\S]*?\n(?=\n)/m.exec(results)![0];
}

it("README.md shows what its commands print", { timeout: 300_000 }, () => {
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
  expect(commands).toBeGreaterThanOrEqual(COMMANDS_MIN);
});
