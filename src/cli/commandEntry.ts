/** What is known of a command without loading it. */
import type { Command } from "commander";

export interface CommandEntry {
  readonly name: string;
  /** As `--help` shows it: name, options, arguments. */
  readonly usage: string;
  readonly description: string;
  readonly load: () => Promise<Command>;
}

/** A scenario alone, without a command's name, is run. */
export const DEFAULT_COMMAND = "run";
