/** `trackvisor guest`: prepares what whole guests are booted from (docs/guests.md). */
import { Command } from "commander";
import { guestConsole } from "../../workloads/guests/linux/guestConsole.ts";
import type { ImagePart } from "../../workloads/guests/linux/image.ts";
import { IMAGE_PARTS, linuxCache } from "../../workloads/guests/linux/image.ts";
import { bootLinux, COMMAND_LINE, loadLinux } from "../../workloads/guests/linux/load.ts";
import { prepareLinux } from "../../workloads/guests/linux/prepare.ts";
import { LINUX64, linux64Cache, prepareLinux64 } from "../../workloads/guests/qemu/image.ts";
import { missing } from "../../workloads/guests/qemu/plugin.ts";
import { grouped } from "../config/figures.ts";
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { readBytes } from "../io/inputFile.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import { programsAction } from "./guestPrograms.ts";

const GUESTS = ["linux", LINUX64];
const PART_BYTES_MAX = 256 << 20;
const MEMORY_PAGES = 32768;

interface PrepareOptions {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly bios?: string;
  readonly vgaBios?: string;
}

/** The command. Exit codes: 0 fine, 2 bad input. */
export function guestCommand(): Command {
  const guest = new Command("guest").description(
    "whole operating systems as guests: fetch what they are booted from (docs/guests.md)",
  );
  guest
    .command("prepare")
    .description("fetch what a guest is booted from (Debian's packages, without root)")
    .argument("<name>", `the guest: ${GUESTS.join(", ")}`)
    .option("--kernel <file>", `a kernel other than Debian's: of 32 bits, for ${LINUX64} of 64`)
    .option(
      "--initrd <file>",
      'its first file system; of linux its shell\'s prompt has to be "[$?] # "',
    )
    .option("--bios <file>", "of linux: SeaBIOS's bios.bin")
    .option("--vga-bios <file>", "of linux: SeaBIOS's vgabios-stdvga.bin")
    .action(prepareAction);
  guest
    .command("programs")
    .description("what estimators say of five real programs, beside the truth")
    .action(programsAction);
  return guest;
}

function prepareAction(name: string, options: PrepareOptions): void {
  if (!GUESTS.includes(name)) {
    throw new UserError(
      `${name}: no guest of this name; expected ${GUESTS.join(", ")}${nearest(name, GUESTS)}`,
    );
  }
  const given = IMAGE_PARTS.flatMap((part): [ImagePart, Uint8Array][] => {
    const file = options[part];
    return file === undefined ? [] : [[part, new Uint8Array(readBytes(file, PART_BYTES_MAX))]];
  });
  if (name === LINUX64) {
    prepare64(options, new Map(given));
    return;
  }
  const image = prepareLinux(Object.fromEntries(given), note);
  for (const source of image.sources) print(source);
  note("booting it once, which takes half a minute");
  const common = { input: [], files: [], seed: 1, instructions: 1 };
  const guest = loadLinux({ ...common, memory: MEMORY_PAGES, commandLine: COMMAND_LINE }, ".");
  const { ticks, console } = bootLinux(guest);
  const lines = guestConsole(console);
  const version = lines.find((line) => line.includes("Linux version")) ?? lines[0] ?? "";
  print(visible(version.replace(/^\[[^\]]*\]\s*/, "").replace(/ \(.*/, "")));
  print(
    `${grouped(Math.round(ticks / 1e6))} M instructions to its prompt; kept in ${linuxCache()}`,
    "run it with: trackvisor run linux-sort",
  );
}

/** It is not booted: each run of it boots anew. @throws UserError if QEMU's own BIOS was to be another one */
function prepare64(options: PrepareOptions, given: ReadonlyMap<ImagePart, Uint8Array>): void {
  const other = options.bios === undefined ? options.vgaBios : options.bios;
  if (other !== undefined) throw new UserError(`${other}: ${LINUX64} has the BIOS that QEMU has`);
  const [kernel, initrd] = [given.get("kernel"), given.get("initrd")];
  const { sources } = prepareLinux64(
    { ...(kernel && { kernel }), ...(initrd && { initrd }) },
    note,
  );
  print(
    ...sources,
    `kept in ${linux64Cache()}`,
    "run it with: trackvisor trace record linux64 -- COMMAND",
  );
  const lacking = missing();
  if (lacking !== undefined) note(lacking);
}
