/** What the commands share in writing: lines to the user, notes beside them, and numbers. */
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
