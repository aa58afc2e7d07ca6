/** Builds known.S, and what QEMU is started with to run it under the plugin. */
import { join } from "node:path";
import { hasProgram, type Scratch } from "../../../../src/io/scratch.ts";
import { buildPlugin, missing, PLUGIN } from "../../../../workloads/guests/qemu/plugin.ts";

const SECONDS = 60;
const MEMORY_BYTES = 16 << 20;
const MACHINE = [
  ...["-accel", "tcg", "-icount", "shift=0,sleep=off", "-machine", "pc,smm=off", "-cpu", "qemu64"],
  ...["-m", "16M", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
  // Its tables are read by the BIOS, and not written by a device.
  ...["-global", "fw_cfg.dma_enabled=off", "-drive", "file=known.bin,format=raw,if=ide"],
];
export const MEMORY_PAGES = MEMORY_BYTES / 4096;
export const NOTES = "known.tvq";

/** Whether there are QEMU, a compiler and a linker. */
export const canRun = missing() === undefined && ["gcc", "ld"].every(hasProgram);

export async function buildKnown(scratch: Scratch): Promise<void> {
  await buildPlugin(scratch);
  const source = join(import.meta.dirname, "known.S");
  const link = ["-m", "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "--oformat", "binary"];
  for (const [program, parts] of [
    ["gcc", ["-m32", "-c", source, "-o", "known.o"]],
    ["ld", [...link, "-o", "known.bin", "known.o"]],
  ] as const) {
    const { code, said } = await scratch.run(program, parts, SECONDS);
    if (code !== 0) throw new Error(`${program}: ${said}`);
  }
}

/** @param plugin options of the plugin */
export function machineWith({ directory }: Scratch, plugin: string): string[] {
  const options = `${directory}/${PLUGIN},out=${NOTES},memory=${MEMORY_BYTES},${plugin}`;
  return [...MACHINE, "-plugin", options];
}

/** To its end, which the program asks for. */
export async function runKnown(scratch: Scratch, plugin: string) {
  const ending = ["-device", "isa-debug-exit,iobase=0x8900,iosize=1"];
  const machine = [...machineWith(scratch, plugin), ...ending];
  return await scratch.run("qemu-system-x86_64", machine, SECONDS);
}
