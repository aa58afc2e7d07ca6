/** What the commands share in writing: lines to the user, notes beside them, and numbers. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemReason } from "../../workloads/trace/systemError.ts";
import { UserError } from "../errors.ts";
import type { ColourMode } from "../tui/themes.ts";

/** Pages of 4 KiB. */
const PAGES_PER_MIB = 256;

/** A line of the answer. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line beside the answer, for people. */
export function note(text: string): void {
  process.stderr.write(`trackvisor: ${text}\n`);
}

/** @throws UserError if no file can be made of that name, or the one that is there is not plain */
export function refuseUnwritable(path: string): void {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) accessSync(dirname(path), constants.W_OK);
    else if (!status.isFile())
      throw new UserError(`${path}: is not a plain file; choose another name`);
    else accessSync(path, constants.W_OK);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: cannot be written: ${systemReason(error)}`);
  }
}

/** A whole number with its thousands apart, the same in every locale. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** Such as "1,024.0 MiB". @param pages of 4 KiB */
export function mebibytes(pages: number): string {
  const value = (pages / PAGES_PER_MIB).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  return `${value} MiB`;
}

/** What standard output can show: nothing but text when it is no terminal. NO_COLOR as no-color.org has it: set and not empty. */
export function coloursOfTerminal(): ColourMode {
  const { NO_COLOR, TERM = "", COLORTERM } = process.env;
  if (!process.stdout.isTTY || TERM === "dumb") return "plain";
  if (NO_COLOR) return "none";
  return COLORTERM || TERM.includes("256") || TERM.includes("kitty") ? "256" : "16";
}
