/** How modules of this project are built of their sources: as their first comments say. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { loadGuest } from "../../../workloads/guests/load.ts";
import { recordGuest } from "../../../workloads/guests/record.ts";
import { scratchDirectory } from "../traceHelpers.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const directory = scratchDirectory();
const SOURCES = ["workloads/modules/sort.c", "test/workloads/guests/system.c"];

function said(module: string): string {
  const request = { module, args: ["500"], files: [], memory: 65536, seed: 1 };
  return Buffer.from(recordGuest(loadGuest(request, directory)).console).toString("utf8");
}

const TARGET = ["--target=wasm32-wasi", "--sysroot=/usr", "-o", join(directory, "nothing.wasm")];
const nothing = { input: "int main(void) { return 0; }" };
const { status } = spawnSync("clang", [...TARGET, "-x", "c", "-"], nothing);

// Needs clang, lld, wasi-libc and libclang-rt-dev-wasm32.
it.skipIf(status !== 0).each(SOURCES)("%s", (source) => {
  const file = join(ROOT, source);
  const [command] = /clang .*/.exec(readFileSync(file, "utf8")) ?? [""];
  expect(command).toMatch(/--target=wasm32-wasi .* -o \w+\.wasm \w+\.c$/);
  copyFileSync(file, join(directory, basename(file)));
  const [program = "", ...args] = command.split(" ");
  expect(spawnSync(program, args, { cwd: directory }).status).toBe(0);
  const module = basename(file).replace(/\.c$/, ".wasm");
  // Compilers differ from version to version; what the program does is the same.
  expect(said(join(directory, module))).toBe(said(join(dirname(file), module)));
});
