/** What a source file may not contain: whatever would make two runs differ, and more than one can read. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const LINES_MAX = 500;

/** Clocks, timers and chance: a run has its own. */
const FORBIDDEN: readonly RegExp[] = [
  /\bMath\s*\.\s*random\b/,
  /\bcrypto\b/,
  /\bDate\b/,
  /\bperformance\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bprocess\s*\.\s*(hrtime|nextTick|uptime|env)\b/,
  /\blocaleCompare\b|\bIntl\b/,
];

interface Source {
  readonly file: string;
  readonly text: string;
}

function sources(...directories: string[]): Source[] {
  return directories
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, encoding: "utf8" }).map((file) =>
        join(directory, file),
      ),
    )
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}

/** The code of a file: comments and string literals are prose. */
function codeOf(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .replaceAll(/(^|[^:"'`])\/\/.*$/gm, "$1")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

function offences({ file, text }: Source): string[] {
  return codeOf(text)
    .split("\n")
    .flatMap((line, number) =>
      FORBIDDEN.filter((pattern) => pattern.test(line)).map(
        (pattern) => `${file}:${number + 1}: ${pattern.source}`,
      ),
    );
}

describe("sources", () => {
  it("have no clock, timer or chance outside the command line", () => {
    const all = sources("src", "machines", "workloads").filter(
      ({ file }) => !/^src\/(cli|tui)\//.test(file),
    );
    expect(all.length).toBeGreaterThan(80);
    expect(all.flatMap(offences)).toEqual([]);
  });

  it.each([
    "const x = Math.random();",
    "let t = Date.now();",
    "return new Date().toISOString();",
    "const t = performance.now();",
    "setTimeout(() => {}, 1);",
    "const [s] = process.hrtime();",
    "a(); // fine\nb(Math.random());",
  ])("the check sees %j", (text) => {
    expect(offences({ file: "planted.ts", text })).toHaveLength(1);
  });

  it.each(["// not Math.random()", "/* Date.now() */ const x = 1;", 'const x = "new Date";'])(
    "the check passes over %j",
    (text) => {
      expect(offences({ file: "planted.ts", text })).toEqual([]);
    },
  );

  it(`have at most ${LINES_MAX} lines`, () => {
    const long = sources("src", "machines", "workloads", "test")
      .map(({ file, text }) => ({ file, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });
});
