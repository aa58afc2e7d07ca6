/** Compiles the program before the tests, for those that run the command line, if dist is out of date. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const main = join(root, "dist", "src", "cli", "main.js");

/** Of npm, compiled as well. */
const SCRIPTS = ["bench", "forge", "mutants", "shares", "sizes", "soak"].map(
  (name) => `test/${name}`,
);

function newestSource(directory: string): number {
  const files = readdirSync(join(root, directory), { recursive: true, encoding: "utf8" });
  const times = files
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".test.ts"))
    .map((file) => statSync(join(root, directory, file)).mtimeMs);
  return Math.max(0, ...times);
}

/** What was compiled from a source that is gone: it would be published, and nobody would notice. */
function removeLeftovers(): void {
  for (const room of ["src", "machines", "workloads"]) {
    const built = join(root, "dist", room);
    if (!existsSync(built)) continue;
    for (const file of readdirSync(built, { recursive: true, encoding: "utf8" })) {
      const [, base] = /^(.*?)(?:\.js|\.d\.ts|\.d\.ts\.map)$/.exec(file) ?? [];
      const isThere = (ending: string): boolean => existsSync(join(root, room, base + ending));
      if (base !== undefined && ![".ts", ".tsx"].some(isThere)) rmSync(join(built, file));
    }
  }
}

export default function build(): void {
  removeLeftovers();
  const newest = Math.max(...["src", "machines", "workloads", ...SCRIPTS].map(newestSource));
  const info = join(root, "dist", ".tsbuildinfo");
  if (existsSync(main) && existsSync(info) && statSync(info).mtimeMs > newest) return;
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = [compiler, "-p", "tsconfig.build.json"];
  const { status, stdout } = spawnSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  // Types are checked elsewhere; what was emitted can be tested all the same.
  if (status !== 0) process.stderr.write(`tsc -p tsconfig.build.json:\n${stdout}`);
  if (!existsSync(main)) throw new Error("the program does not compile");
  // As `npm run build` does.
  const page = spawnSync(process.execPath, [main, "man"], { encoding: "utf8" });
  writeFileSync(join(root, "dist", "trackvisor.1"), page.stdout);
}
