/** What a Linux of 64 bits under QEMU is made of, and what is said where something is missing; without QEMU. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { guestCommand } from "../../../src/cli/guest.ts";
import { traceCommand } from "../../../src/cli/trace.ts";
import { UserError } from "../../../src/errors.ts";
import { Scratch } from "../../../src/io/scratch.ts";
import { keptLinux64, prepareLinux64 } from "../../../workloads/guests/qemu/image.ts";
import { beginProgram, endProgram } from "../../../workloads/guests/qemu/marks.ts";
import { buildPlugin, optionValue } from "../../../workloads/guests/qemu/plugin.ts";
import { scratchDirectory } from "../traceHelpers.ts";

const directory = scratchDirectory();
const cache = join(directory, "cache");
const image = join(cache, "trackvisor", "guests", "linux64", "image");
const SOURCE = join(import.meta.dirname, "../../../workloads/guests/qemu/tvplugin.c");

beforeEach(() => vi.stubEnv("XDG_CACHE_HOME", cache));
afterEach(() => vi.unstubAllEnvs());

const record = (...words: string[]) =>
  traceCommand()
    .exitOverride()
    .parseAsync(["record", ...words], { from: "user" });

describe("a Linux of 64 bits", () => {
  it("is refused as long as it is not prepared, and where its cache is damaged", () => {
    expect(() => keptLinux64()).toThrow(
      "there is no Linux to boot yet: trackvisor guest prepare linux64",
    );
    const [kernel, initrd] = [Buffer.from("kernel"), Buffer.from("file system")];
    prepareLinux64({ kernel, initrd }, () => {});
    const kept = keptLinux64();
    expect([kept.kernel, kept.initrd].map((part) => Buffer.from(part))).toEqual([kernel, initrd]);
    mkdirSync(join(directory, "other"), { recursive: true });
    const bytes = readFileSync(image);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(image, bytes);
    expect(() => keptLinux64()).toThrow(`${image}: damaged`);
  });

  it.each([
    [["linux64"], "linux64: expected what it is to run, after --"],
    [["linux64", "--memory", "4GiB", "--", "true"], "linux64: --memory: at most 2GiB"],
    [["sqlite", "a.sql", "--boot"], "--boot: is of linux64 alone"],
    [["linux", "--gpa", "--", "true"], "--gpa: is of linux64 alone"],
    [
      ["linx64", "true"],
      'linx64: expected NAME.wasm, or one of sqlite, quickjs, postgres, linux, linux64; did you mean "linux64"?',
    ],
  ])("record %j is refused in a line", async (words, message) => {
    const error: unknown = await record(...words, "-o", join(directory, "no.tvtrace")).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(message);
  });

  it("has QEMU's BIOS, and no other", () => {
    const bios = join(directory, "bios.bin");
    writeFileSync(bios, "bios");
    const prepare = guestCommand().exitOverride();
    expect(() => prepare.parse(["prepare", "linux64", "--bios", bios], { from: "user" })).toThrow(
      "linux64 has the BIOS that QEMU has",
    );
  });

  it("says what to install where QEMU, or a compiler, is missing", async () => {
    const bin = join(directory, "bin");
    mkdirSync(bin);
    const sh = execFileSync("sh", ["-c", "command -v sh"], { encoding: "utf8" }).trim();
    writeFileSync(join(bin, "sh"), `#!${sh}\nexec ${sh} "$@"\n`, { mode: 0o755 });
    vi.stubEnv("PATH", bin);
    const scratch = new Scratch();
    try {
      await expect(buildPlugin(scratch)).rejects.toThrow("apt install qemu-system-x86");
      writeFileSync(join(bin, "qemu-system-x86_64"), "", { mode: 0o755 });
      await expect(buildPlugin(scratch)).rejects.toThrow("apt install gcc libc6-dev");
      writeFileSync(join(bin, "gcc"), `#!${sh}\necho "x.c:1: error: no" >&2; exit 1\n`, {
        mode: 0o755,
      });
      await expect(buildPlugin(scratch)).rejects.toThrow("gcc: x.c:1: error: no");
    } finally {
      scratch.remove();
    }
  });
});

describe("what is given to QEMU", () => {
  it("has commas twice", () => {
    expect(optionValue("sort a,b, c")).toBe("sort a,,b,, c");
  });

  it("has in its programs the marks that the plugin looks for", () => {
    const source = readFileSync(SOURCE, "utf8");
    for (const [name, program] of [
      ["BEGIN_MARK", beginProgram()],
      ["END_MARK", endProgram()],
    ] as const) {
      const text = new RegExp(`#define ${name} "([^"]*)"`).exec(source)?.[1] ?? "";
      const bytes = text.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
      expect(bytes).toHaveLength(7);
      expect(program.includes(Buffer.from(bytes, "latin1")), name).toBe(true);
    }
  });

  it.skipIf(process.platform !== "linux" || process.arch !== "x64")(
    "has programs that Linux runs, and that do nothing",
    () => {
      for (const program of [beginProgram(), endProgram()]) {
        const path = join(directory, "mark");
        writeFileSync(path, program, { mode: 0o755 });
        expect(execFileSync(path, { encoding: "utf8" })).toBe("");
      }
    },
  );
});
