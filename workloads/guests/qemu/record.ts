/**
 * Runs a command in a Linux of 64 bits under QEMU's TCG, with the plugin that notes what it accesses.
 *
 * Nothing of the host is to reach the guest: its clocks count instructions (-icount), its date is fixed, its
 * randomness is a seed, its processor has no RDRAND, and there is no network and no disk.
 */
import { basename } from "node:path";
import { UserError } from "../../../src/errors.ts";
import { readBytes } from "../../../src/io/inputFile.ts";
import type { Scratch } from "../../../src/io/scratch.ts";
import { type ArchiveEntry, cpioArchive, FileMode } from "../linux/cpio.ts";
import { filesArchive } from "../linux/initrd.ts";
import type { GuestFile } from "../spec.ts";
import { keptLinux64, LINUX64 } from "./image.ts";
import { beginProgram, endProgram } from "./marks.ts";
import { buildPlugin, optionValue, PLUGIN, QEMU } from "./plugin.ts";

const PAGE_BYTES = 4096;
const FILE_BYTES_MAX = 64 << 20;
/** Of instructions that are noted. */
const INSTRUCTIONS_MAX = 20e9;
/** A boot takes some 10 s, and noting 20 G instructions perhaps half an hour. */
const SECONDS = 7200;
const NOTES = "notes.tvq";
/** What the command prints, and what the kernel does. */
const CONSOLE = "console";
const LOG = "log";
const ENDED = "trackvisor: exit code ";
/** What QEMU says when the plugin has ended it (softmmu/runstate.c, qemu_system_killed). */
const TERMINATED = /terminating on signal/;

const MACHINE = [
  ...[
    "-accel",
    "tcg,tb-size=1024",
    "-icount",
    "shift=0,sleep=off",
    "-rtc",
    "base=2026-01-01,clock=vm",
  ],
  // System management mode is entered by no instruction that a plugin could see.
  ...["-machine", "pc,smm=off", "-cpu", "qemu64"],
  ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
  ...["-kernel", "kernel", "-initrd", "initrd"],
  ...["-serial", `file:${CONSOLE}`, "-serial", `file:${LOG}`],
];

/** Page tables as others have them: one set for the kernel and a program, its own pages global; no addresses by chance. */
const COMMAND_LINE =
  "console=ttyS1 quiet rdinit=/init64 cryptomgr.notests=1 mitigations=off nopti nokaslr tsc=reliable panic=-1";

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=dumb
hostname trackvisor
cd /root
stty -F /dev/ttyS0 -opost
(exec < /dev/null > /dev/ttyS0 2>&1; /tv/begin; sh /tv/command; code=$?; /tv/end; exit $code)
echo "${ENDED}$?"
reboot -f
`;

export interface Linux64Request {
  /** Files that it has in /root, by their names here. */
  readonly files: readonly string[];
  /** What its shell is to run. */
  readonly command: string;
  /** Guest memory in pages of 4 KiB, at most 2 GiB. */
  readonly memory: number;
  /** Whether its boot is noted, too. */
  readonly boot: boolean;
  /** Ends it after so many accesses. */
  readonly accesses?: number | undefined;
  readonly seed: number;
  /** Whether the plugin looks at every access whether it remembers its page rightly; slow. */
  readonly checks?: boolean;
}

export interface Linux64Run {
  /** The file of what was noted, in the scratch directory. */
  readonly notes: string;
  /** What the command has printed. */
  readonly console: Uint8Array;
  /** Of the command; undefined if it was ended before. */
  readonly exitCode: number | undefined;
}

/** @throws UserError, one line, if something is missing, or the guest fails */
export async function runLinux64(scratch: Scratch, request: Linux64Request): Promise<Linux64Run> {
  await buildPlugin(scratch);
  const { kernel, initrd } = keptLinux64();
  const files = request.files.map((path): GuestFile => {
    return { name: basename(path), bytes: new Uint8Array(readBytes(path, FILE_BYTES_MAX)) };
  });
  scratch.write("kernel", kernel);
  scratch.write(
    "initrd",
    Buffer.concat([initrd, filesArchive(files), guestArchive(request.command)]),
  );
  const { code, said, late } = await scratch.run(QEMU, argumentsOf(scratch, request), SECONDS);
  if (late) throw new UserError(`${LINUX64}: has not ended after ${SECONDS / 3600} hours`);
  if (code !== 0) throw new UserError(`${QEMU}: ${lastLine(said)}`);
  const exitCode = exitCodeOf(scratch.read(LOG).toString("latin1"));
  if (exitCode === undefined && request.accesses === undefined) {
    throw new UserError(
      TERMINATED.test(said)
        ? `${LINUX64}: its command has not ended after ${INSTRUCTIONS_MAX / 1e9} G instructions; give --accesses N`
        : `${LINUX64}: its machine has ended before its command; perhaps it needs more --memory`,
    );
  }
  return {
    notes: `${scratch.directory}/${NOTES}`,
    console: new Uint8Array(scratch.read(CONSOLE)),
    exitCode,
  };
}

/** Of the command, as init says it; undefined if it does not. @throws UserError if the kernel has given up */
function exitCodeOf(log: string): number | undefined {
  const panic = /Kernel panic - not syncing: ([^\r\n]*)/.exec(log)?.[1];
  if (panic !== undefined) throw new UserError(`${LINUX64}: its kernel panics: ${panic}`);
  const code = new RegExp(`^${ENDED}(\\d+)`, "m").exec(log)?.[1];
  return code === undefined ? undefined : Number(code);
}

function argumentsOf({ directory }: Scratch, request: Linux64Request): string[] {
  const { memory, boot, accesses, seed, checks = false, command } = request;
  const plugin = [
    optionValue(`${directory}/${PLUGIN}`),
    `out=${NOTES}`,
    `memory=${memory * PAGE_BYTES}`,
    `begin=${boot ? "start" : "mark"}`,
    `instructions=${INSTRUCTIONS_MAX}`,
    ...(accesses === undefined ? [] : [`accesses=${accesses}`]),
    ...(checks ? ["check=on"] : []),
    `command=${optionValue(command.replaceAll("\n", " "))}`,
  ];
  return [
    ...MACHINE,
    ...["-m", `${memory * 4}k`, "-seed", `${seed}`],
    ...["-append", COMMAND_LINE, "-plugin", plugin.join(",")],
  ];
}

/** What the machine does after its boot. */
function guestArchive(command: string): Buffer {
  const none = new Uint8Array(0);
  const device = (name: string, major: number, minor: number): ArchiveEntry => {
    return {
      name: `dev/${name}`,
      mode: FileMode.characterDevice,
      bytes: none,
      device: [major, minor],
    };
  };
  return cpioArchive([
    ...["bin", "dev", "proc", "root", "sys", "tv"].map((name) => {
      return { name, mode: FileMode.directory, bytes: none };
    }),
    // Numbers as in Linux's Documentation/admin-guide/devices.txt.
    ...[
      device("console", 5, 1),
      device("null", 1, 3),
      device("ttyS0", 4, 64),
      device("ttyS1", 4, 65),
    ],
    { name: "init64", mode: FileMode.program, bytes: Buffer.from(INIT) },
    { name: "tv/begin", mode: FileMode.program, bytes: beginProgram() },
    { name: "tv/end", mode: FileMode.program, bytes: endProgram() },
    { name: "tv/command", mode: FileMode.file, bytes: Buffer.from(`${command}\n`) },
  ]);
}

function lastLine(said: string): string {
  return said.trimEnd().split("\n").at(-1) ?? "ended with an error";
}
