/** What every command promises of a file that a stranger has made. */
import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Ran } from "./inProcess.ts";

/** Seconds of the processor that a command may take for a small file. */
export const SECONDS_MAX = 10;
const LINE_MAX = 2000;

/** Of all text but newlines: controls, bidirectional controls, zero-width characters, line separators. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Whether a file is of the name that a command may write, or one that is written before it gets that name. */
function isExpected(path: string): boolean {
  const name = basename(path);
  const isTemporary = /^\.trackvisor-[0-9a-f]{16}\.tmp$/.test(name);
  return dirname(resolve(path)) === process.cwd() && (isTemporary || name.startsWith("out."));
}

/** What was broken; undefined if nothing was. In the directory in which the command ran. */
export function broken(ran: Ran, expected: readonly string[]): string | undefined {
  const { code, out, err, touched, seconds } = ran;
  if (![0, 1, 2].includes(code)) return `exit code ${code}`;
  const lines = err.split("\n").slice(0, -1);
  const strange = lines.find((line) => !line.startsWith("trackvisor: "));
  if (strange !== undefined) return `a stack, or a line that is none of ours: ${lines.join(" | ")}`;
  if (code === 2 && lines.length === 0 && out === "") return "exit code 2, and not a word";
  if (lines.some((line) => line.length > LINE_MAX))
    return `a line of more than ${LINE_MAX} characters`;
  if (OBEYED.test(out.replaceAll("\n", "")) || OBEYED.test(err.replaceAll("\n", ""))) {
    return "a control character reaches the terminal";
  }
  const elsewhere = touched.find((path) => !isExpected(path));
  if (elsewhere !== undefined) return `writes ${elsewhere}`;
  for (const file of readdirSync(".")) {
    if (expected.includes(file)) continue;
    rmSync(file, { recursive: true });
    if (!file.startsWith("out.")) return `leaves ${file} behind`;
  }
  if ("polluted" in {} || 0 in []) return "changes what all objects have";
  return seconds > SECONDS_MAX ? `takes more than ${SECONDS_MAX} s` : undefined;
}
