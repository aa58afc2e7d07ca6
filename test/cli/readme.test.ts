/**
 * Every command in a `console` block of these pages is run, and prints what the page shows.
 * The table in docs/experiments.md is that of docs/results.md; pictures are what their commands write.
 * UPDATE_README=1 writes the present output into the pages instead.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { EXPERIMENTS } from "../../src/experiments/all.ts";
import { FULL } from "../../src/experiments/scale.ts";
import { chanceIn } from "../../src/experiments/seeds.ts";
import { IS_LONG } from "../share.ts";

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

/** A table of docs/results.md, which the experiments wrote, by the title of its first column. */
function resultsTable(column: string): string {
  const results = readFileSync(join(root, "docs", "results.md"), "utf8");
  return new RegExp(`^\\| ${column} \\|[\\s\\S]*?\\n(?=\\n)`, "m").exec(results)![0];
}

/** The claims by their verdicts, a line each. */
function claimsByVerdict(): string {
  const [, , ...lines] = resultsTable("claim").trimEnd().split("\n");
  const claims = lines.map((line) => line.slice(2, -2).split(" | "));
  const verdicts = [...new Set(claims.map((cells) => cells[2]))];
  const rows = verdicts.map((verdict) => {
    const own = claims.filter((cells) => cells[2] === verdict);
    return `| ${verdict} | ${own.map(([text]) => text).join("; ")} |`;
  });
  return ["| verdict | claims |", "|---|---|", ...rows, ""].join("\n");
}

/** How many runs of each experiment are done with several seeds. */
function chanceTable(): string {
  const rows = EXPERIMENTS.map((experiment) => {
    const { drawn, certain } = chanceIn(experiment, FULL, 1);
    return `| \`${experiment.name}\` | ${drawn} | ${certain} |`;
  });
  const head = "| experiment | runs that chance enters | others |";
  return [head, "|---|---:|---:|", ...rows, ""].join("\n");
}

/** What an operator of a snapshot service asks for, of docs/results.md: a line for each way of finding pages and guest. */
function snapshotTable(): string {
  const results = readFileSync(join(root, "docs", "results.md"), "utf8");
  const lines = results.split("experiment run snapshots")[1]!.split("\n");
  const byCase = new Map<string, string[]>();
  const quantities = new Set(["precision"]);
  for (const line of lines) {
    const [, guest, way, quantity, value] =
      /^\| (.+?), (.+): (.+?) \| - \| (\S+) \|/.exec(line) ?? [];
    if (way === undefined) continue;
    quantities.add(quantity!);
    const name = `${way} | ${guest}`;
    byCase.set(name, [...(byCase.get(name) ?? []), value!]);
  }
  // All pages are the truth and more: of those that had changed nothing is said.
  const all = [...byCase].map(([name, values]) =>
    [name, ...Array(quantities.size - values.length).fill("-"), ...values].join(" | "),
  );
  const head = ["found by", "guest", ...quantities].join(" | ");
  const rule = "|---|---|".padEnd(9 + 5 * quantities.size, "---:|");
  return [`| ${head} |`, rule, ...all.sort().map((row) => `| ${row} |`), ""].join("\n");
}

const UPDATES = process.env["UPDATE_README"] === "1";
/** Pages, and how many commands they show at least. */
const PAGES: readonly [page: string, commands: number][] = [
  ["README.md", 5],
  ["docs/experiments.md", 0],
  ["docs/first-steps.md", 10],
  ["docs/units.md", 2],
  ["docs/tui.md", 2],
  ["docs/advise.md", 2],
  ["docs/check.md", 1],
  ["docs/json.md", 1],
  ["docs/traces.md", 5],
  ["docs/fleet.md", 1],
  ["docs/guests.md", 5],
];
/** All of them take two minutes: `npm test` looks at the first two, CI at all. */
const LOOKED_AT = IS_LONG || UPDATES ? PAGES : PAGES.slice(0, 2);

it.each(LOOKED_AT)("%s shows what its commands print", { timeout: 300_000 }, (page, least) => {
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
  const made = {
    results: () => resultsTable("experiment"),
    claims: () => resultsTable("claim"),
    verdicts: claimsByVerdict,
    chance: chanceTable,
    snapshots: snapshotTable,
  };
  for (const [name, table] of Object.entries(made)) {
    fresh = fresh.replace(
      new RegExp(`(?<=^<!-- ${name} -->\\n)[\\s\\S]*?(?=^<!-- /${name} -->)`, "m"),
      () => `${table()}\n`,
    );
  }
  if (UPDATES) writeFileSync(file, fresh);
  else expect(fresh).toBe(markdown);
  expect(commands).toBeGreaterThanOrEqual(least);
});

/** Pictures in documents, and what writes them ("npx trackvisor", and the file behind it). */
const PICTURES: readonly [file: string, command: string][] = [
  ["docs/screen.svg", "tui crowded-host --at '#11000' --size 110x32 --svg"],
  ["docs/beside.svg", "tui migrate-libxc --beside writeProtect --size 110x32 --svg"],
  [
    "docs/sweep.svg",
    "sweep docs/examples/sweep/hot.yaml --set tracker.technique=prl --vary tracker.prl.doubleBuffer=false,true --vary machine.logEntries=64..4096*4 --seeds 1..5 --metric missed,overhead,interrupts --svg",
  ],
];

it.runIf(IS_LONG || UPDATES).each(PICTURES)(
  "%s is what its command writes",
  { timeout: 300_000 },
  (file, command) => {
    const fresh = join(cache, "fresh.svg");
    run(`npx trackvisor ${command} ${fresh} --force`);
    if (UPDATES) copyFileSync(fresh, join(root, file));
    else expect(readFileSync(fresh, "utf8")).toBe(readFileSync(join(root, file), "utf8"));
  },
);
