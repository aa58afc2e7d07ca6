/** Runs the image in Bochs, without a screen. */
import { UserError } from "../errors.ts";
import { hasProgram, type Scratch } from "../io/scratch.ts";
import { diskOf, type ImageProgram, type Ran } from "./imageFile.ts";

/** A processor with VMX, EPT, A/D flags, PML and VPID. */
const MODEL = "corei7_skylake_x";
/** One with SVM and nested paging. */
const RYZEN = "ryzen";
const SHARE = "/usr/share/bochs";

/** Whether Bochs is on this machine. */
export function hasBochs(): boolean {
  return hasProgram("bochs");
}

function configuration(model: string): string {
  return `display_library: rfb, options="timeout=0"
memory: guest=2048, host=256
romimage: file=${SHARE}/BIOS-bochs-latest
vgaromimage: file=${SHARE}/VGABIOS-lgpl-latest
cpu: model=${model}, count=1, ips=50000000, reset_on_triple_fault=0
port_e9_hack: enabled=1
ata0-master: type=disk, path="disk.img", mode=flat
boot: disk
log: bochs.log
error: action=report
info: action=ignore
panic: action=report
com1: enabled=0
sound: driver=dummy
`;
}

/** AMD's virtualization. */
export function runBochsRyzen(
  scratch: Scratch,
  image: ImageProgram,
  tables: Uint8Array,
  seconds: number,
): Promise<Ran> {
  return runBochs(scratch, image, tables, seconds, RYZEN);
}

/** @param seconds after which it is ended @throws UserError, one line, if there is no Bochs, or it does not end */
export async function runBochs(
  scratch: Scratch,
  image: ImageProgram,
  tables: Uint8Array,
  seconds: number,
  model = MODEL,
): Promise<Ran> {
  if (!hasBochs()) {
    throw new UserError("there is no bochs on this machine (Debian: bochs and bochsbios)");
  }
  scratch.write("disk.img", diskOf(image, tables));
  scratch.write("bochsrc", configuration(model));
  scratch.write("commands", "c\n");
  const parts = ["-q", "-f", "bochsrc", "-rc", "commands"];
  const { output, said, late } = await scratch.run("bochs", parts, seconds);
  const version = /Bochs x86 Emulator (\S+)/.exec(output + said)?.[1] ?? "of unknown version";
  if (late) throw new UserError(`bochs: has not ended after ${seconds} s`);
  return { text: output, version };
}
