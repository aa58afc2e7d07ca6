/** What is asked of a guest, as plain data that crosses threads, and what comes back. */

/** Programs that come as npm packages, beside any module for WASI. */
export const guestPrograms = ["sqlite", "quickjs", "postgres"] as const;
export type GuestProgram = (typeof guestPrograms)[number];

export interface GuestFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface GuestSpec {
  /** A program by name, or "wasi" for a module of one's own. */
  readonly program: GuestProgram | "wasi";
  /** What it is called in messages. */
  readonly name: string;
  readonly module: Uint8Array;
  /** What loads the module, for programs: an address that can be imported. */
  readonly loader: string;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  /** What a program is to do: SQL, JavaScript. */
  readonly script: string;
  /** Files that it can read. */
  readonly files: readonly GuestFile[];
  /** What its memory may grow to, in pages of 64 KiB. */
  readonly memoryPages: number;
  /** Ends after so many accesses, as far as it has come; undefined: it has to end by itself. */
  readonly accesses: number | undefined;
  readonly seed: number;
}

/** A page of a program's memory that was another one where it went on than where it came from. */
export interface ChangedPage {
  /** After how many of its steps. */
  readonly step: number;
  /** Of its own memory. */
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** Where a program is between two of its steps: it comes there again by being run from its beginning. */
export interface ProgramState {
  readonly steps: number;
  /** That it has made by then: else it has come to another place. */
  readonly accesses: number;
  /** What was changed on the way, in the order of the steps. */
  readonly changed: readonly ChangedPage[];
  /** What has arrived of its memory, by the VM's pages. Null: it is not to go on anywhere. */
  readonly memory: Uint8Array | null;
}

/** Of a program that is run live. */
export interface LiveProgramOrder {
  readonly spec: GuestSpec;
  /** Undefined: from its beginning. */
  readonly from: ProgramState | undefined;
  /** Whether it waits after each step, and can be looked at. */
  readonly showsBytes: boolean;
}

/** What a guest has done. */
export interface Recording {
  /** A whole trace, as a file has it. */
  readonly trace: Uint8Array;
  /** What it wrote to its standard output and error, in order. */
  readonly console: Uint8Array;
  readonly exitCode: number;
  readonly runs: number;
  readonly accesses: number;
  /** Of those, the host's: what system calls read and wrote, and the data that a module begins with. */
  readonly hostAccesses: number;
  readonly pages: number;
}

export interface GuestReply {
  readonly recording: Recording;
}
