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

/** Text leaves through src/io/standardStreams.ts alone, and files are reached through src/io. */
const OUTSIDE_IO: readonly RegExp[] = [
  /\bprocess\s*\.\s*(stdout|stderr|stdin|getBuiltinModule|binding)\b/,
  /\bconsole\s*\./,
  /\brequire\s*\(/,
  // JSON has its own way out; a line's way out would break it.
  /\bprint\(\s*JSON\b/,
];
/** Who makes escape sequences: the styles of the screen, and what moves about on it. */
const MAKES_ESCAPES = /^src\/(io|tui\/(themes|screen|terminal|keys))\b/;
const ESCAPE = /\\x1b|\\u001b|\\u\{1b\}|\\033|\bas Painted\b/;

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
    .filter((file) => /\.tsx?$/.test(file))
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

function offences({ file, text }: Source, patterns = FORBIDDEN): string[] {
  return codeOf(text)
    .split("\n")
    .flatMap((line, number) =>
      patterns
        .filter((pattern) => pattern.test(line))
        .map((pattern) => `${file}:${number + 1}: ${pattern.source}`),
    );
}

/** What takes them away from code of others: from guests with JavaScript of their own, from users' functions. */
const TAKE_THEM_AWAY = ["workloads/guests/frozen.ts", "src/hypervisor/ownCode.ts"];

describe("sources", () => {
  it("have no clock, timer, chance or environment outside the command line, the library and the queue", () => {
    const all = sources("src", "machines", "workloads").filter(
      ({ file }) =>
        !/^src\/(cli|tui|io\/(standardStreams|cacheDirectory)|library\/takeTurns|queue)\b/.test(
          file,
        ) && !TAKE_THEM_AWAY.includes(file),
    );
    expect(all.length).toBeGreaterThan(80);
    expect(all.flatMap((one) => offences(one))).toEqual([]);
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

  it("reach the terminal and files through src/io alone", () => {
    const all = sources("src", "machines", "workloads").filter(
      ({ file }) => !file.startsWith("src/io/"),
    );
    expect(all.flatMap((one) => offences(one, OUTSIDE_IO))).toEqual([]);
  });

  it.each([
    "process.stdout.write(name);",
    "console.error(error);",
    'const fs = process.getBuiltinModule("fs");',
    "print(JSON.stringify(report));",
  ])("the check sees %j", (text) => {
    expect(offences({ file: "planted.ts", text }, OUTSIDE_IO)).toHaveLength(1);
  });

  it("make no escape sequences but the screen's own", () => {
    const all = sources("src", "machines", "workloads").filter(
      ({ file }) => !MAKES_ESCAPES.test(file),
    );
    // In strings, too.
    const found = all.filter(({ text }) => ESCAPE.test(text.replaceAll(/\/\*[\s\S]*?\*\//g, "")));
    expect(found.map(({ file }) => file)).toEqual([]);
  });

  it(`have at most ${LINES_MAX} lines`, () => {
    const long = sources("src", "machines", "workloads", "test")
      .map(({ file, text }) => ({ file, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });
});
