/** What is published: all that the program, its help and its declarations refer to, and nothing else. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

/** The files of the tarball, by npm's own rules. */
function packed(): string[] {
  const words = ["pack", "--dry-run", "--ignore-scripts", "--json"];
  const text = execFileSync("npm", words, { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
  const [{ files }] = JSON.parse(text) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path).sort();
}

function filesIn(directory: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .filter((file) => ending.test(file))
    .map((file) => `${directory}/${file}`);
}

const files = packed();
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const SOURCES = ["src", "machines", "workloads"].flatMap((room) => filesIn(room, /\.tsx?$/));

describe("the package", () => {
  it("can be published: it has a name, a version, a licence with its text, and is not private", () => {
    expect(manifest.private).toBeUndefined();
    expect(manifest).toMatchObject({ name: "trackvisor", version: expect.any(String) });
    expect(manifest.license).toBe("MIT");
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
  });

  it("holds of each source the program, its declarations, the map to them, and itself", () => {
    const wanted = SOURCES.flatMap((file) => {
      const base = `dist/${file.replace(/\.tsx?$/, "")}`;
      return [file, `${base}.js`, `${base}.d.ts`, `${base}.d.ts.map`];
    });
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
    // What has no source is a leftover of an older build: rm -rf dist.
    const built = files.filter((file) => /^dist\/.*\.(js|d\.ts|d\.ts\.map)$/.test(file));
    expect(built.filter((file) => !wanted.includes(file))).toEqual([]);
  });

  it("holds the docs, schemas, scenarios, traces and litmus tests", () => {
    const wanted = [
      ...filesIn("docs", /\.(md|json|ts)$/),
      ...filesIn("workloads/scenarios", /\.yaml$/),
      ...filesIn("workloads/traces", /\.tvtrace$/),
      ...filesIn("test/litmus", /\.litmus\.yaml$/),
    ];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
  });

  it("holds no test, no build information, no settings of the workshop", () => {
    const allowed = [
      /^(LICENSE|README\.md|ARCHITECTURE\.md|CHANGELOG\.md|CONTRIBUTING\.md|package\.json)$/,
      /^(dist\/)?(src|machines|workloads)\//,
      /^dist\/trackvisor\.1$/,
      /^docs\//,
      /^test\/litmus\/.*\.litmus\.yaml$/,
    ];
    expect(files.filter((file) => !allowed.some((rule) => rule.test(file)))).toEqual([]);
    expect(files.filter((file) => /tsbuildinfo|\.test\.|\.config\.|\.tvlog$/.test(file))).toEqual(
      [],
    );
  });

  it("has each document that the program's texts name", () => {
    const named = SOURCES.filter((file) => file.startsWith("src/")).flatMap((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      return [...text.matchAll(/\bdocs\/[\w./-]*\.(?:md|json)\b/g)].map(([name]) => name);
    });
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((name) => !files.includes(name))).toEqual([]);
  });

  it("names no file that is not in it", () => {
    const targets = (value: unknown): string[] =>
      typeof value === "string" ? [value] : Object.values(value as object).flatMap(targets);
    const { exports, bin, man } = manifest;
    const missing = [exports, bin, man]
      .flatMap(targets)
      .map((path) => path.replace(/^\.\//, ""))
      .filter((path) => !files.includes(path));
    expect(missing).toEqual([]);
  });
});
