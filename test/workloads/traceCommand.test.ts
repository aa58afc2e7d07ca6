import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { traceCommand } from "../../src/cli/trace.ts";
import { UserError } from "../../src/errors.ts";
import { encodeTrace, scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const inside = (name: string) => join(directory, name);

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number | string | null | undefined;
}

async function run(...words: string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
  process.exitCode = undefined;
  try {
    await traceCommand().exitOverride().parseAsync(words, { from: "user" });
    return { out, err, code: process.exitCode };
  } finally {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  }
}

afterEach(() => vi.restoreAllMocks());

describe("trackvisor trace", () => {
  writeFileSync(inside("a.log"), "==1== Command: a\u001b[2Jb\nI  1000,4\n S 2ffc,8\n");

  it("import makes the trace beside the log, info and head show it", async () => {
    const imported = await run("import", inside("a.log"));
    expect(imported.out).toContain("a.tvtrace: 3 accesses in 3 runs");
    expect(imported.err).toBe("");
    const info = await run("info", inside("a.tvtrace"), "--json");
    expect(JSON.parse(info.out)).toMatchObject({
      command: "a\u001b[2Jb",
      accesses: 3,
      pages: 3,
      kinds: { read: 0, write: 2, fetch: 1, readModifyWrite: 0 },
      linearPages: { compact: 3, regions: 2 ** 18 },
    });
    expect(info.code).toBeUndefined();
    const head = await run("head", inside("a.tvtrace"), "-n", "2");
    expect(head.out.trim().split("\n")).toHaveLength(2);
    expect(head.out).toMatch(/fetch +0x1000 +1\nwrite +0x2000 +1\n/);
  });

  it("never sends control characters of a trace to the terminal", async () => {
    const { out } = await run("info", inside("a.tvtrace"));
    expect(out).toContain("a\\x1b[2Jb");
    expect(out).not.toContain("\u001b");
  });

  it("import --json gives JSON and nothing else", async () => {
    const { out } = await run("import", inside("a.log"), "-o", inside("b.tvtrace"), "--json");
    expect(JSON.parse(out)).toMatchObject({ file: inside("b.tvtrace"), skippedLines: 1 });
  });

  it("says where a trace is damaged, and ends with exit code 1", async () => {
    const runs = [1, 2, 3].map((page) => ({ page, kind: 0, length: 1 }));
    const bytes = encodeTrace(runs, 1);
    writeFileSync(inside("cut.tvtrace"), bytes.subarray(0, bytes.length - 90));
    for (const command of ["info", "head"]) {
      const { err, code } = await run(command, inside("cut.tvtrace"));
      expect(err).toMatch(/damaged at block 3, byte \d+: .*; used the 2 accesses before it\n$/);
      expect(code).toBe(1);
    }
  });

  it("refuses mistakes in one line and writes nothing", async () => {
    writeFileSync(inside("text.log"), "no accesses\n");
    const mistakes = [
      ["import", inside("text.log")],
      ["import", inside("missing.log")],
      ["import", "-"],
      ["import", inside("a.log"), "-o", inside("a.log")],
      ["info", inside("a.log")],
      ["head", inside("missing")],
    ];
    for (const words of mistakes) {
      const error: unknown = await run(...words).catch((reason: unknown) => reason);
      expect(error, words.join(" ")).toBeInstanceOf(UserError);
      expect(String(error)).not.toContain("\n");
    }
    expect(existsSync(inside("text.tvtrace"))).toBe(false);
    expect(readFileSync(inside("a.log"), "utf8")).toContain("I  1000,4");
  });
});
