/** A file that is written: complete under its name or not at all, and nobody's file is lost for it. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { FileExtension } from "../../src/io/fileExtension.ts";
import {
  makeDirectory,
  OutputFile,
  refuseUnwritable,
  writeOutput,
} from "../../src/io/outputFile.ts";

const directory = mkdtempSync(join(tmpdir(), "trackvisor-output-"));
const inside = (name: string): string => join(directory, name);
const text = (name: string): string => readFileSync(inside(name), "utf8");
const bytes = Buffer.from("new");
const isRoot = process.getuid?.() === 0;

beforeEach(() => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("an output file", () => {
  it("has its name when it is committed, and leaves nothing else", () => {
    const file = new OutputFile(inside("a"));
    file.write(bytes);
    expect(existsSync(inside("a"))).toBe(false);
    file.commit();
    file.abort();
    expect(readdirSync(directory)).toEqual(["a"]);
    expect(text("a")).toBe("new");
  });

  it("leaves nothing if it is given up", () => {
    const file = new OutputFile(inside("a"));
    file.write(bytes);
    file.abort();
    expect(readdirSync(directory)).toEqual([]);
    expect(() => file.write(bytes)).toThrow("is closed");
  });

  it("replaces a file only if that was said, and then in one step", () => {
    writeFileSync(inside("a"), "old");
    chmodSync(inside("a"), 0o600);
    expect(() => writeOutput(inside("a"), bytes)).toThrow(/a: exists; choose another name/);
    expect(() => refuseUnwritable(inside("a"))).toThrow(UserError);
    const file = new OutputFile(inside("a"), { force: true });
    file.write(bytes);
    expect(text("a")).toBe("old");
    file.commit();
    expect(text("a")).toBe("new");
    expect(statSync(inside("a")).mode & 0o777).toBe(0o600);
  });

  it("does not replace one that has come while it was written", () => {
    const file = new OutputFile(inside("a"));
    writeFileSync(inside("a"), "meanwhile");
    expect(() => file.commit()).toThrow(/a: exists/);
    expect(readdirSync(directory)).toEqual(["a"]);
    expect(text("a")).toBe("meanwhile");
  });

  it("is never a directory, a device or a pipe, forced or not", () => {
    mkdirSync(inside("folder"));
    spawnSync("mkfifo", [inside("pipe")]);
    symlinkSync("/dev/null", inside("link"));
    for (const name of [inside("folder"), inside("pipe"), inside("link"), "/dev/full"]) {
      for (const force of [false, true]) {
        expect(() => new OutputFile(name, { force })).toThrow(/is not a plain file/);
      }
    }
  });

  it("follows a link to a file, replaces a link to nowhere, and neither unless forced", () => {
    writeFileSync(inside("a"), "old");
    symlinkSync("a", inside("link"));
    symlinkSync("nowhere", inside("lost"));
    expect(() => writeOutput(inside("link"), bytes)).toThrow(/exists/);
    expect(() => writeOutput(inside("lost"), bytes)).toThrow(/exists/);
    writeOutput(inside("link"), bytes, { force: true });
    writeOutput(inside("lost"), bytes, { force: true });
    expect([text("a"), readlinkSync(inside("link")), text("lost")]).toEqual(["new", "a", "new"]);
    expect(existsSync(inside("nowhere"))).toBe(false);
  });

  it("says in one line what cannot be", () => {
    expect(() => new OutputFile(inside("no/such/a"))).toThrow(
      `${inside("no/such/a")}: cannot be written: no such file or directory`,
    );
    expect(() => new OutputFile("")).toThrow(/empty/);
    expect(() => refuseUnwritable(inside("no/such/a"))).toThrow(/no such file or directory/);
  });

  it.skipIf(isRoot)("says so when the directory is not its own", () => {
    chmodSync(directory, 0o500);
    expect(() => new OutputFile(inside("a"))).toThrow(/permission denied/);
    chmodSync(directory, 0o700);
  });

  it("does not follow what somebody has put in place of the file that it goes on with", () => {
    writeOutput(inside("a"), bytes);
    writeFileSync(inside("other"), "mine");
    rmSync(inside("a"));
    symlinkSync("other", inside("a"));
    expect(() => new FileExtension(inside("a"), 3)).toThrow(UserError);
    expect(text("other")).toBe("mine");
  });
});

/** Writes half a file, and then waits or ends as it is told. */
const program = (options: string, end: string): string => `
  import { OutputFile } from ${JSON.stringify(join(import.meta.dirname, "../../dist/src/io/outputFile.js"))};
  const file = new OutputFile("a", ${options});
  file.write(Buffer.from("half"));
  ${end}
`;
const wait = 'process.stdout.write("ready\\n"); setInterval(() => {}, 1000);';

function run(source: string, signal?: NodeJS.Signals): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    cwd: directory,
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout.on("data", () => signal && child.kill(signal));
  return new Promise((resolve) => child.on("close", (code, by) => resolve(by ?? code)));
}

describe("when the process ends in the middle of a file", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("by %s, nothing is left", async (signal) => {
    expect(await run(program("{}", wait), signal)).toBe(signal);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["process.exit", "process.exit(3);", 3],
    ["a fault", "throw new Error('x');", 1],
  ])("by %s, nothing is left", async (_, end, code) => {
    expect(await run(program("{}", end))).toBe(code);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("a recording is kept as far as it was written", async () => {
    const keep = '{ unfinished: "keep" }';
    expect(await run(program(keep, wait), "SIGTERM")).toBe("SIGTERM");
    expect([readdirSync(directory), text("a")]).toEqual([["a"], "half"]);
  });

  it("by a signal that somebody else takes, that one decides", async () => {
    const taken = `process.once("SIGINT", () => { file.commit(); process.exit(0); });${wait}`;
    expect(await run(program("{}", taken), "SIGINT")).toBe(0);
    expect(readdirSync(directory)).toEqual(["a"]);
  });
});

describe("a directory", () => {
  it("is made with those above it, once or again", () => {
    for (let time = 0; time < 2; time++) makeDirectory(inside("one/two/three"));
    expect(statSync(inside("one/two/three")).isDirectory()).toBe(true);
  });

  it.each(["/proc/none", "/proc/none/below", "/dev/null", "/dev/null/below"])(
    "that cannot be made is refused: %s",
    (path) => expect(() => makeDirectory(path)).toThrow(UserError),
  );
});
