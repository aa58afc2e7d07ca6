import type { Random } from "../../../workloads/random.ts";

/** A kind of file that the program reads, and the commands that read it. */
export interface Kind {
  readonly name: string;
  /** Files that its commands need beside the one in question, by name. */
  readonly beside: Readonly<Record<string, string | Buffer>>;
  readonly extension: string;
  /** One that was made up. */
  forge(random: Random): Buffer;
  /** Command lines that read it; what they may write is called `out.*`. */
  readonly commands: readonly (readonly string[])[];
}

/** Stands for the file's name in a command. */
export const FILE = "@file";
