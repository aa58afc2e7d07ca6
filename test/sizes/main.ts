/**
 * `npm run sizes [-- MODEL...]`: runs each shipped model to its end, in every way that the checker has of looking at
 * fewer states, and writes what came of it to docs/sizes.md. What was counted before with the same program is kept.
 * Exit codes: 0 all properties hold, 1 one does not, 2 bad usage.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MODELS } from "../../src/check/catalogue.ts";
import { nearest } from "../../src/config/nearest.ts";
import { makeDirectory, writeOutput } from "../../src/io/outputFile.ts";
import { checkingVersion } from "../../src/runs/codeVersion.ts";
import { type Counted, page, WAYS, type Way } from "./page.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const cli = join(root, "dist", "src", "cli", "main.js");
const kept = join(root, "node_modules", ".cache", "trackvisor-sizes.json");

function chosen(names: readonly string[]): readonly string[] {
  const known = MODELS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names.length === 0 ? known : names;
  process.stderr.write(`sizes: there is no model "${unknown}"${nearest(unknown, known)}\n`);
  process.exit(2);
}

/** A search to its end; null if the model has no such way. @throws if it breaks down */
function count(model: string, way: Way): Counted | null {
  const flags = WAYS[way];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cli, "check", model, "--json", ...flags],
    { encoding: "utf8", maxBuffer: 1 << 28 },
  );
  // What is alike is not known.
  if (status === 2 && way !== "all" && stderr.includes("has no symmetry")) return null;
  if (status !== 0 && status !== 1) throw new Error(`${model} ${flags.join(" ")}: ${stderr}`);
  const { distinct, generated, depth, complete, properties, remarks } = JSON.parse(stdout);
  const isNothingAlike = (remark: string): boolean => remark.startsWith("nothing is alike");
  if ((remarks as string[]).some(isNothingAlike)) return null;
  const verdicts = (properties as { verdict: string }[]).map(({ verdict }) => verdict);
  const holding = verdicts.filter((verdict) => verdict === "holds").length;
  return { distinct, generated, depth, complete, properties: verdicts.length, holding };
}

interface Kept {
  readonly program: string;
  readonly counts: Record<string, Counted | null>;
}

function main(names: readonly string[]): void {
  const program = checkingVersion();
  const before = existsSync(kept) ? (JSON.parse(readFileSync(kept, "utf8")) as Kept) : null;
  const counts = before?.program === program ? before.counts : {};
  makeDirectory(dirname(kept));
  for (const model of names) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const key = `${model} ${way}`;
      if (key in counts) continue;
      counts[key] = count(model, way);
      process.stdout.write(`${key}: ${counts[key]?.distinct ?? "refused"}\n`);
      writeOutput(kept, JSON.stringify({ program, counts }), { force: true });
    }
  }
  const date = new Date().toISOString().slice(0, 10);
  const text = page(
    MODELS.map(({ name }) => name),
    (model, way) => counts[`${model} ${way}`],
    date,
  );
  writeOutput(join(root, "docs", "sizes.md"), text, { force: true });
  const broken = Object.values(counts).some((one) => one !== null && !one.complete);
  const failed = MODELS.some(({ name }) => {
    const all = counts[`${name} all`];
    return all != null && all.holding !== all.properties;
  });
  process.exitCode = broken || failed ? 1 : 0;
}

main(chosen(process.argv.slice(2)));
