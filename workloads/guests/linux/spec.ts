/** What is asked of a Linux guest, as plain data that crosses threads, and what comes back. */
import type { GuestFile } from "../spec.ts";
import type { ConsoleState } from "./consoleText.ts";

/** What somebody types, so many instructions after the guest was booted. */
export interface ConsoleInput {
  readonly after: number;
  readonly text: string;
}

/** What a machine is built of, and how it is booted. */
export interface BootSpec {
  /** v86's module, and the address of its JavaScript. */
  readonly module: Uint8Array;
  readonly loader: string;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly commandLine: string;
  readonly memoryBytes: number;
}

/** A machine that waits at its prompt. */
export interface BootedState {
  readonly state: Uint8Array;
  /** Its clock, in instructions. */
  readonly ticks: number;
  readonly console: Uint8Array;
}

/** A machine after its boot, or later, and all that its further stream follows from. */
export interface MachineState {
  readonly machine: Uint8Array;
  /** Its memory, where that is not in the machine's state: what has arrived of it, where it was moved to. */
  readonly memory: Uint8Array | null;
  /** Its clock, and how much of that it has idled since its boot; in instructions. */
  readonly ticks: number;
  readonly idle: number;
  /** Null: it follows from the seed. */
  readonly chance: Int32Array | null;
  readonly steps: number;
  /** Pieces of the scenario's input that were typed, and the time that they count from. */
  readonly typed: number;
  readonly began: number;
  readonly text: ConsoleState;
  readonly accesses: number;
}

export interface LinuxRun {
  /** What its shell is to run; the run ends when it has. Undefined: the limits end it. */
  readonly command: string | undefined;
  readonly input: readonly ConsoleInput[];
  readonly files: readonly GuestFile[];
  /** Ends after so many, as far as it has come; undefined: the command has to end. */
  readonly instructions: number | undefined;
  readonly accesses: number | undefined;
  readonly seed: number;
  /** After so many instructions it goes on in a fresh machine, from a state that can be kept. */
  readonly renewAfter: number;
  /** Whether its memory can be looked at: then it waits after each step until the run has come there. Default: false. */
  readonly showsBytes?: boolean;
  /** False: it is run without the tap, to compare; nothing is recorded. Default: true. */
  readonly tapped?: boolean;
}

/** What a booted guest has done. */
export interface LinuxRecording {
  /** A whole trace, as a file has it. */
  readonly trace: Uint8Array;
  readonly console: Uint8Array;
  /** Of the command; undefined if a limit ended it. */
  readonly exitCode: number | undefined;
  readonly instructions: number;
  readonly accesses: number;
  readonly flushes: number;
  /** Accesses that have no linear page. */
  readonly physical: number;
}

export type LinuxOrder =
  | { readonly what: "boot"; readonly boot: BootSpec }
  | {
      readonly what: "run";
      readonly boot: BootSpec;
      readonly booted: Omit<BootedState, "console">;
      readonly run: LinuxRun;
    };

/** Of a guest that is run live. */
export interface LiveLinuxOrder {
  readonly boot: BootSpec;
  readonly from: MachineState;
  readonly run: LinuxRun;
}

export type LinuxReply = { readonly booted: BootedState } | { readonly recording: LinuxRecording };
