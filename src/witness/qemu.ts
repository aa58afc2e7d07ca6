/** Runs the image of AMD's virtualization in QEMU's TCG, without a screen: it has SVM with nested paging, and no VMX. */
import { UserError } from "../errors.ts";
import { hasProgram, type Scratch } from "../io/scratch.ts";
import { diskOf, type ImageProgram, type Ran } from "./imageFile.ts";

const QEMU = "qemu-system-x86_64";
const MACHINE = [
  ...["-accel", "tcg", "-cpu", "qemu64,+svm,+npt,+pdpe1gb", "-m", "2048"],
  ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-debugcon", "stdio"],
  // The first byte that the image writes there ends QEMU.
  ...["-device", "isa-debug-exit,iobase=0x8900,iosize=1"],
  ...["-drive", "file=disk.img,format=raw,if=ide"],
];

/** Whether QEMU for PCs is on this machine. */
export function hasQemu(): boolean {
  return hasProgram(QEMU);
}

/** @param seconds after which it is ended @throws UserError, one line, if there is no QEMU, or it does not end */
export async function runQemu(
  scratch: Scratch,
  image: ImageProgram,
  tables: Uint8Array,
  seconds: number,
): Promise<Ran> {
  if (!hasQemu()) {
    throw new UserError(`there is no ${QEMU} on this machine (Debian: qemu-system-x86)`);
  }
  const { output: said } = await scratch.run(QEMU, ["--version"], seconds);
  const version = /version (\S+)/.exec(said)?.[1] ?? "of unknown version";
  scratch.write("disk.img", diskOf(image, tables));
  const { output, late } = await scratch.run(QEMU, MACHINE, seconds);
  if (late) throw new UserError(`${QEMU}: has not ended after ${seconds} s`);
  return { text: output, version };
}
