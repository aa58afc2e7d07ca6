/** Builds the bare-metal image from its sources: the program with its symbols, and a disk with tables behind it. */
import { UserError } from "../errors.ts";
import { packagePath } from "../io/packageFiles.ts";
import type { Scratch } from "../io/scratch.ts";
import { ToolMissing } from "../io/systemTool.ts";
import { PROGRAM, TABLES } from "./layout.ts";

/** Whose virtualization an image uses, and what it calls that; its file in `image/`. */
export type Virtualization = "vmx" | "svm";

export interface ImageProgram {
  readonly bootSector: Uint8Array;
  readonly program: Uint8Array;
  /** Physical addresses. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** What came of running an image. */
export interface Ran {
  /** What it printed. */
  readonly text: string;
  /** Of who ran it, for instance "2.7". */
  readonly version: string;
}

const SECTOR = 512;
/** The boot sector reads so many sectors at a time. */
const CHUNK = 64 * SECTOR;
/** Where the boot sector has the number of sectors behind it. */
const SECTORS_AT = 0x1b0;
/** A cylinder of the geometry that Bochs gives to a flat disk. */
const CYLINDER = 16 * 63 * SECTOR;
const SECONDS = 60;

const C_FLAGS = [
  ...["-m64", "-O2", "-ffreestanding", "-fno-pic", "-fno-pie", "-mno-red-zone", "-mno-sse"],
  ...["-mcmodel=small", "-fno-stack-protector", "-fno-builtin", "-fcf-protection=none"],
  ...["-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror"],
];

/** Programs that building needs, all of binutils and gcc. */
export const BUILDERS = ["gcc", "ld", "objcopy", "nm"];

/** Compiles and links the image. @throws UserError, one line, if a tool is missing or fails */
export async function buildImage(scratch: Scratch, kind: Virtualization): Promise<ImageProgram> {
  const sources = packagePath("src", "witness", "image");
  if (sources === null) throw new UserError("the sources of the image are not in this package");
  const source = (name: string) => `${sources}/${name}`;
  for (const part of ["image", kind]) {
    await tool(scratch, "gcc", [...C_FLAGS, "-c", source(`${part}.c`), "-o", `${part}.o`]);
  }
  const defined = kind === "svm" ? ["-DSVM"] : [];
  await tool(scratch, "gcc", [...defined, "-c", source("head.S"), "-o", "head.o"]);
  await tool(scratch, "gcc", ["-c", source(`${kind}.S`), "-o", "enter.o"]);
  await tool(scratch, "gcc", ["-m32", "-c", source("boot.S"), "-o", "boot.o"]);
  const link = ["-m", "elf_x86_64", "-z", "noexecstack", "--no-warn-rwx-segments"];
  await tool(scratch, "ld", [
    ...link,
    "-T",
    source("link.ld"),
    "-o",
    "image.elf",
    ...["head.o", "image.o", `${kind}.o`, "enter.o"],
  ]);
  const flat = ["-m", "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "--oformat", "binary"];
  await tool(scratch, "ld", [...flat, "-o", "boot.bin", "boot.o"]);
  await tool(scratch, "objcopy", ["-O", "binary", "image.elf", "image.bin"]);
  const listed = await tool(scratch, "nm", ["image.elf"]);
  const symbols = new Map<string, number>();
  for (const line of listed.split("\n")) {
    const [address = "", , name = ""] = line.split(" ");
    if (name !== "") symbols.set(name, Number.parseInt(address, 16));
  }
  return { bootSector: scratch.read("boot.bin"), program: scratch.read("image.bin"), symbols };
}

async function tool(scratch: Scratch, program: string, parts: readonly string[]): Promise<string> {
  try {
    const { code, output, said } = await scratch.run(program, parts, SECONDS);
    if (code === 0) return output;
    const [line = "it says not why"] = said.split("\n").filter((text) => /error/i.test(text));
    throw new UserError(`${program}: ${line.trim()}`);
  } catch (error) {
    if (!(error instanceof ToolMissing)) throw error;
    const packages = "Debian: gcc and binutils, on a PC";
    throw new UserError(`building the image needs ${program}, which is not there (${packages})`);
  }
}

/** A disk that a PC boots from: the boot sector, the program, and the tables. */
export function diskOf({ bootSector, program }: ImageProgram, tables: Uint8Array): Uint8Array {
  const behind = TABLES - PROGRAM + tables.length;
  const chunks = Math.ceil(behind / CHUNK);
  const bytes = Math.ceil((SECTOR + chunks * CHUNK) / CYLINDER) * CYLINDER;
  const disk = new Uint8Array(bytes);
  disk.set(bootSector);
  disk.set(program, SECTOR);
  disk.set(tables, SECTOR + TABLES - PROGRAM);
  new DataView(disk.buffer).setUint32(SECTORS_AT, (chunks * CHUNK) / SECTOR, true);
  return disk;
}
