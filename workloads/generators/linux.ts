/** A real Linux: booted, told what to run, and every access of it played: live, or recorded first. */

import { z } from "zod";
import { size } from "../../src/config/units.ts";
import { TracedPaging } from "../../src/hardware/tracedPaging.ts";
import {
  COMMAND_LINE,
  isEndless,
  type LinuxGuest,
  liveLinux,
  loadLinux,
  recordLinux,
} from "../guests/linux/load.ts";
import type { LiveLinuxOrder, MachineState } from "../guests/linux/spec.ts";
import { decodeMachine, encodeMachine } from "../guests/linux/storedMachine.ts";
import type { GuestConsole, GuestMachine } from "../workload.ts";
import { commonFields, countField } from "./generator.ts";
import { failureNote, filesField, type GuestPlace, withSeed } from "./guestProgram.ts";
import { digestNumber, LivePlayer, type StateCoding } from "./livePlayer.ts";
import { MachineTracePlayer } from "./machineTrace.ts";

const MIB_PAGES = 256;
const LEAST_MIB = 64;
const MOST_MIB = 1024;

const memory = size
  .refine((pages) => Number.isInteger(Math.log2(pages / MIB_PAGES)), {
    error: "expected a power of two, in MiB",
  })
  .refine((pages) => pages >= LEAST_MIB * MIB_PAGES && pages <= MOST_MIB * MIB_PAGES, {
    error: `expected ${LEAST_MIB}MiB to ${MOST_MIB}MiB`,
  });

export const linuxSchema = z
  .strictObject({
    kind: z.literal("linux"),
    run: z.string().min(1).optional().describe("what its shell runs; the run ends when it has"),
    memory: memory.prefault("128MiB").describe("of the machine: 64MiB to 1024MiB, a power of two"),
    commandLine: z.string().max(2000).default(COMMAND_LINE).describe("the kernel's"),
    files: filesField("it finds in /root"),
    input: z
      .array(z.strictObject({ after: z.int().min(0), text: z.string().min(1) }))
      .max(1000)
      .default([])
      .describe("what is typed on its console, so many instructions after it waits at its prompt"),
    instructions: countField
      .optional()
      .describe(
        "ends when so many were executed, or idled away, if its command does not end before",
      ),
    live: z
      .boolean()
      .default(true)
      .describe(
        "whether it runs beside the emulator, as far as that asks, and can be typed to; else it is run to its end first, recorded, and played, and the recording is kept",
      ),
    ...commonFields,
  })
  .describe("a real Linux, from its prompt to the end of a command (docs/guests.md)");

export type LinuxConfig = z.infer<typeof linuxSchema>;

export class LinuxWorkload extends MachineTracePlayer {
  /**
   * Runs the guest, if what it does is not known yet.
   * @throws UserError if there is no Linux to boot, or it cannot be run to its end
   */
  constructor(name: string, config: LinuxConfig, { directory, seed }: GuestPlace) {
    const guest = linuxOf(config, directory, seed);
    const { trace, exitCode } = recordLinux(guest);
    super(name, config, MachineTracePlayer.source("linux", trace), config.memory);
    this.warning ??= failureNote("linux: its command", exitCode);
  }
}

const MACHINES: StateCoding<MachineState> = {
  encode: encodeMachine,
  decode(stored, memory) {
    const state = decodeMachine(stored);
    return state && { ...state, memory };
  },
};

/** A Linux that runs beside the emulator. */
export class LiveLinux extends LivePlayer<LiveLinuxOrder, MachineState> {
  override readonly pages: number;
  override readonly guestPhysical = true;
  override readonly endless: boolean;
  override readonly digest: number;
  readonly machine?: GuestMachine;

  /** @throws UserError if there is no Linux to boot */
  constructor(name: string, config: LinuxConfig, { directory, seed, showsBytes }: GuestPlace) {
    const guest = linuxOf(config, directory, seed, showsBytes);
    super(name, config, liveLinux(guest), new TracedPaging());
    this.pages = config.memory;
    this.endless = isEndless(config);
    this.digest = digestNumber(guest.digest);
    if (showsBytes === true) this.machine = this.machineOf(MACHINES);
  }

  override get console(): GuestConsole {
    return { ...super.console, type: (bytes) => this.typeNow(bytes) };
  }
}

/** The guest of a scenario. @throws UserError if a file of it cannot be read */
export function linuxOf(
  config: LinuxConfig,
  directory = ".",
  seed?: number,
  showsBytes = false,
): LinuxGuest {
  return loadLinux({ ...withSeed(config, seed), endless: config.live, showsBytes }, directory);
}
