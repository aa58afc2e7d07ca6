/** From what a scenario asks for to a Linux guest's recording: booted once, recorded once, and kept in the user's cache. */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import * as z from "zod";
import { UserError } from "../../../src/errors.ts";
import { readBytes } from "../../../src/io/inputFile.ts";
import { readKept, writeKept } from "../../../src/io/keptFile.ts";
import { findPackagePart } from "../../../src/io/optionalPackage.ts";
import type { LiveGuest } from "../live/liveStream.ts";
import type { GuestFile } from "../spec.ts";
import { askThread } from "../thread.ts";
import { keptImage, keptPath } from "./image.ts";
import { filesArchive } from "./initrd.ts";
import type {
  BootedState,
  BootSpec,
  ConsoleInput,
  LinuxOrder,
  LinuxRecording,
  LinuxReply,
  LinuxRun,
  LiveLinuxOrder,
  MachineState,
} from "./spec.ts";
import { firstState } from "./state.ts";

const PACKAGE = "v86";
const FILE_BYTES_MAX = 64 << 20;
const MODULE_BYTES_MAX = 64 << 20;
const NAME = "linux";
/** Raised when what was kept before would not do any more. */
const KEPT_VERSION = 1;
/** Of recordings: 2 have what was printed. */
const RECORDING_VERSION = 2;
/** Some 20 s of processor time under the tap; renewing a machine takes one. */
const RENEW_AFTER = 200e6;
/**
 * No tests of its own cryptography, no guesses about its clock, no addresses by chance; entropy from the processor, which
 * is the scenario's seed.
 */
export const COMMAND_LINE =
  "console=ttyS0 cryptomgr.notests=1 noisapnp tsc=reliable mitigations=off nokaslr random.trust_cpu=on";

export interface LinuxRequest {
  /** In pages of 4 KiB. */
  readonly memory: number;
  readonly commandLine: string;
  readonly run?: string | undefined;
  readonly input: readonly ConsoleInput[];
  readonly files: readonly string[];
  readonly instructions?: number | undefined;
  readonly accesses?: number | undefined;
  readonly seed: number;
  /** Whether it may go on for ever: somebody else says when it ends. */
  readonly endless?: boolean;
  /** Whether its memory can be looked at. Its stream is the same. */
  readonly showsBytes?: boolean;
  /** After so many instructions it goes on in a fresh machine; part of what it does. */
  readonly renewAfter?: number;
}

export interface LinuxGuest {
  readonly boot: BootSpec;
  readonly run: LinuxRun;
  /** Of what is booted, and of what it does then. */
  readonly stateDigest: string;
  readonly digest: string;
}

/** @throws UserError if there is no image, the package is missing, or a file cannot be read */
export function loadLinux(request: LinuxRequest, directory: string): LinuxGuest {
  const { memory, commandLine, run, input, instructions, accesses, seed } = request;
  const { renewAfter = RENEW_AFTER, endless = false, showsBytes = false } = request;
  if (!endless && isEndless(request)) {
    throw new UserError(
      "a Linux guest needs an end: what it is to run, or instructions, or accesses",
    );
  }
  const late = input.findIndex(({ after }, i) => i > 0 && after < input[i - 1]!.after);
  if (late > 0) throw new UserError(`input[${late}]: comes before the one above it`);
  const files = request.files.map((name): GuestFile => {
    return {
      name: basename(name),
      bytes: new Uint8Array(readBytes(resolve(directory, name), FILE_BYTES_MAX)),
    };
  });
  const twice = files.find(({ name }, i) => files.findIndex((one) => one.name === name) < i);
  if (twice !== undefined) throw new UserError(`files: two are called "${twice.name}"`);
  const [module, loader] = [`${PACKAGE}/build/v86.wasm`, `${PACKAGE}/build/libv86.mjs`].map(
    (part) => findPackagePart(part),
  );
  if (!module || !loader) {
    throw new UserError(
      `a Linux guest needs the package ${PACKAGE}: npm install ${PACKAGE}@0.5.462`,
    );
  }
  const { parts, digest } = keptImage();
  const bytes = new Uint8Array(readBytes(module.path, MODULE_BYTES_MAX));
  const initrd = Buffer.concat([parts.initrd, filesArchive(files)]);
  const boot: BootSpec = {
    module: bytes,
    loader: loader.url,
    kernel: parts.kernel,
    initrd,
    bios: parts.bios,
    vgaBios: parts.vgaBios,
    commandLine,
    memoryBytes: memory * 4096,
  };
  const stateDigest = createHash("sha256")
    .update(JSON.stringify([KEPT_VERSION, digest, commandLine, memory, initrd.length]))
    .update(bytes)
    .update(initrd)
    .digest("hex");
  const order = [stateDigest, run, input, instructions, accesses, seed, renewAfter];
  return {
    boot,
    run: { command: run, input, files: [], instructions, accesses, seed, renewAfter, showsBytes },
    stateDigest,
    digest: createHash("sha256")
      .update(JSON.stringify([RECORDING_VERSION, ...order]))
      .digest("hex")
      .slice(0, 32),
  };
}

/** Whether nothing that is asked of it ends it. */
export function isEndless({
  run,
  instructions,
  accesses,
}: Pick<LinuxRequest, "run" | "instructions" | "accesses">): boolean {
  return run === undefined && instructions === undefined && accesses === undefined;
}

/** A guest that is run live, from its prompt on. Booted, if it has to be, when its first block is asked for. */
export function liveLinux(guest: LinuxGuest): LiveGuest<LiveLinuxOrder, MachineState> {
  const { boot, run } = guest;
  return {
    name: NAME,
    script: "linux/liveWorker",
    remains: run.showsBytes === true,
    order: (state) => ({ boot, run, from: state ?? firstState(bootLinux(guest)) }),
  };
}

/** Bytes of the console, as base64. */
const consoleText = z.base64();
/** What is kept of a recording beside its trace, and of a machine at its prompt beside its state. */
const recordingSchema = z.strictObject({
  console: consoleText,
  exitCode: z.int().optional(),
  instructions: z.int(),
  accesses: z.int(),
  flushes: z.int(),
  physical: z.int(),
});
const stateSchema = z.strictObject({ console: consoleText, ticks: z.number() });

/** What it does, from its prompt to the end of its command: from the cache, or now. @throws UserError, one line */
export function recordLinux(guest: LinuxGuest): LinuxRecording {
  const path = keptPath("recording", guest.digest);
  const kept = readKept(path, recordingSchema);
  if (kept !== undefined) {
    const { console, ...about } = kept.about;
    return {
      exitCode: undefined,
      ...about,
      trace: kept.bytes,
      console: Buffer.from(console, "base64"),
    };
  }
  const { state, ticks } = bootLinux(guest);
  const { boot, run } = guest;
  const reply = askThread<LinuxOrder, LinuxReply>("linux/worker", NAME, {
    what: "run",
    boot,
    booted: { state, ticks },
    run,
  });
  if (!("recording" in reply)) throw new UserError(`${NAME}: the guest's thread has not run it`);
  const { trace, console, ...about } = reply.recording;
  const text = Buffer.from(console).toString("base64");
  writeKept(path, { about: { ...about, console: text }, bytes: trace });
  return reply.recording;
}

/** A machine at its prompt: from the cache, or booted now. @throws UserError, one line */
export function bootLinux({ boot, stateDigest }: LinuxGuest): BootedState {
  const path = keptPath("state", stateDigest);
  const kept = readKept(path, stateSchema);
  if (kept !== undefined) {
    const { ticks, console } = kept.about;
    return { state: kept.bytes, ticks, console: Buffer.from(console, "base64") };
  }
  const reply = askThread<LinuxOrder, LinuxReply>("linux/worker", NAME, { what: "boot", boot });
  if (!("booted" in reply)) throw new UserError(`${NAME}: the guest's thread has not booted it`);
  const { state, ticks, console } = reply.booted;
  const about = { ticks, console: Buffer.from(console).toString("base64") };
  writeKept(path, { about, bytes: state });
  return reply.booted;
}
