/** A real program in WebAssembly: run once, with every access noted, and played as a trace. */

import { z } from "zod";
import { size } from "../../src/config/units.ts";
import { UserError } from "../../src/errors.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { loadGuest } from "../guests/load.ts";
import { guestDigest, recordGuest } from "../guests/record.ts";
import {
  type GuestSpec,
  guestPrograms,
  type LiveProgramOrder,
  type ProgramState,
} from "../guests/spec.ts";
import { decodeProgram, encodeProgram } from "../guests/storedProgram.ts";
import { PAGE_BYTES } from "../guests/tap/notes.ts";
import type { GuestMachine } from "../workload.ts";
import { commonFields } from "./generator.ts";
import { failureNote, filesField, type GuestPlace, withSeed } from "./guestProgram.ts";
import { digestNumber, LivePlayer, type StateCoding } from "./livePlayer.ts";
import { TracePlayer } from "./trace.ts";

/** Of 4 KiB in one of WebAssembly's. */
const PAGES = 16;

export const wasmSchema = z
  .strictObject({
    kind: z.literal("wasm"),
    module: z
      .string()
      .min(1)
      .optional()
      .describe(
        'a command for WASI preview 1: its file, relative to the scenario file; "shipped:NAME" is one that comes with Trackvisor',
      ),
    program: z
      .enum(guestPrograms)
      .optional()
      .describe("or a program from an npm package (docs/guests.md)"),
    args: z.array(z.string()).max(1000).default([]).describe("a module's arguments"),
    files: filesField("a module can read"),
    script: z.string().optional().describe("what a program runs"),
    scriptFile: z
      .string()
      .min(1)
      .optional()
      .describe("or the file that has it, relative to the scenario file"),
    memory: size.prefault("256MiB").describe("what its memory may grow to"),
    live: z
      .boolean()
      .default(false)
      .describe(
        "whether it runs beside the emulator, as far as that asks; else it is run to its end first, and what it accessed is played",
      ),
    ...commonFields,
  })
  .describe("a real program in WebAssembly, with all that it accesses");

export type WasmConfig = z.infer<typeof wasmSchema>;

export class WasmGuest extends TracePlayer {
  /**
   * Runs the program, to know what it accesses.
   * @throws UserError if a file cannot be read, or the program cannot be run to its end
   */
  constructor(name: string, config: WasmConfig, { directory, seed }: GuestPlace) {
    const guest = guestOf(config, directory, seed);
    const { trace, exitCode } = recordGuest(guest);
    const source = sourceOf(guest.name, Buffer.from(trace));
    super(name, { ...config, placement: "compact", passes: 1 }, guest.seed, source);
    this.warning ??= failureNote(`${guest.name}:`, exitCode);
  }
}

const PROGRAMS: StateCoding<ProgramState> = {
  encode: encodeProgram,
  decode(stored, memory) {
    const state = decodeProgram(stored);
    return state && { ...state, memory: withoutZeros(memory) };
  },
};

/** A program that runs beside the emulator. It has as much memory as it may grow to. */
export class LiveWasmGuest extends LivePlayer<LiveProgramOrder, ProgramState> {
  override readonly pages: number;
  override readonly guestPhysical: boolean;
  override readonly endless = false;
  override readonly digest: number;
  readonly machine?: GuestMachine;

  /** @throws UserError if a file cannot be read */
  constructor(
    name: string,
    config: WasmConfig,
    { directory, seed, showsBytes = false }: GuestPlace,
  ) {
    const guest = guestOf(config, directory, seed);
    if (showsBytes && guest.program === "postgres") {
      throw new UserError(
        "program postgres: its JavaScript writes into its memory, which is not noted, so its bytes cannot be moved",
      );
    }
    // Whoever counts ends it at its last access; here it is whole after that, as after each step.
    const spec = showsBytes ? { ...guest, accesses: undefined } : guest;
    super(name, config, {
      name: guest.name,
      script: "liveWorker",
      remains: showsBytes,
      order: (from) => ({ spec, from, showsBytes }),
    });
    this.pages = guest.memoryPages * PAGES;
    // Where bytes arrive there are no tables of a guest's own.
    this.guestPhysical = showsBytes;
    this.digest = digestNumber(guestDigest(guest));
    if (showsBytes) this.machine = this.machineOf(PROGRAMS);
  }
}

/** A program may grow to much more than it has. */
function withoutZeros(memory: Uint8Array): Uint8Array {
  const last = memory.findLastIndex((byte) => byte !== 0);
  return memory.slice(0, PAGE_BYTES * Math.ceil((last + 1) / PAGE_BYTES));
}

/** The guest of a scenario. @throws UserError if a file of it cannot be read */
export function guestOf(config: WasmConfig, directory = ".", seed?: number): GuestSpec {
  return loadGuest(withSeed(config, seed), directory);
}
