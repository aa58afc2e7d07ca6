/** SPIN, where it is installed: a verifier of a Promela model, and what it says. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram } from "../../src/io/scratch.ts";

const missing = (
  [
    ["spin", "SPIN is not installed"],
    ["cc", "no C compiler for SPIN's verifier"],
  ] as const
).find(([program]) => !hasProgram(program));

/** Why SPIN cannot be asked, or "". */
export const REASON = missing?.[1] ?? "";

/** Runs a verifier with options, and gives what it prints. */
export type Verifier = (...options: readonly string[]) => string;

/**
 * Builds the verifier of a model beside this file, and has it asked.
 * @param definitions of the model, such as FAULT=NONE @param flags of the verifier, such as -DSAFETY
 */
export function withVerifier<T>(
  model: string,
  definitions: readonly string[],
  flags: readonly string[],
  ask: (verifier: Verifier) => T,
): T {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-spin-"));
  const run = (command: string, ...parts: readonly string[]): string => {
    const { stdout, stderr, error } = spawnSync(command, parts, {
      cwd: directory,
      encoding: "utf8",
    });
    if (error !== undefined || /^spin: .*Error/m.test(stdout)) {
      throw new Error(`${command}: ${error?.message ?? stdout}${stderr}`);
    }
    return stdout;
  };
  try {
    copyFileSync(join(import.meta.dirname, model), join(directory, "model.pml"));
    run("spin", ...definitions.map((one) => `-D${one}`), "-a", "model.pml");
    run("cc", "-w", "-O1", ...flags, "-o", "pan", "pan.c");
    return ask((...options) => run(join(directory, "pan"), ...options, "-m1000000"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
