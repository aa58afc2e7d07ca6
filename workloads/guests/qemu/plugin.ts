/** Builds the plugin for QEMU from its source, and says whether what is needed is there. */
import { UserError } from "../../../src/errors.ts";
import { packagePath } from "../../../src/io/packageFiles.ts";
import { hasProgram, type Scratch } from "../../../src/io/scratch.ts";

export const QEMU = "qemu-system-x86_64";
/** The first that is there is taken. */
const COMPILERS = ["gcc", "clang", "cc"];
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"];
const SECONDS = 60;
export const PLUGIN = "tvplugin.so";

/** What is missing on this machine, as a line; undefined if nothing is. */
export function missing(): string | undefined {
  if (!hasProgram(QEMU)) {
    return `there is no ${QEMU} on this machine (Debian: apt install qemu-system-x86)`;
  }
  if (COMPILERS.some(hasProgram)) return undefined;
  return "there is no C compiler on this machine, which the plugin for QEMU needs (Debian: apt install gcc libc6-dev)";
}

/** Compiles it there, as PLUGIN. @throws UserError, one line, if something is missing or fails */
export async function buildPlugin(scratch: Scratch): Promise<void> {
  const lacking = missing();
  if (lacking !== undefined) throw new UserError(lacking);
  const compiler = COMPILERS.find(hasProgram) ?? "cc";
  const source = packagePath("workloads", "guests", "qemu", "tvplugin.c");
  if (source === null) throw new UserError("the plugin's source is not in this package");
  const { code, said } = await scratch.run(compiler, [...FLAGS, "-o", PLUGIN, source], SECONDS);
  if (code === 0) return;
  const [line = "it says not why"] = said.split("\n").filter((text) => /error/i.test(text));
  throw new UserError(`${compiler}: ${line.trim()}`);
}

/** @param text where a comma begins the next option, unless it is twice (QEMU, util/qemu-option.c) */
export function optionValue(text: string): string {
  return text.replaceAll(",", ",,");
}
