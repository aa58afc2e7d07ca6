/** The kernel's answers: a C program of ours is compiled, and given the questions as lines. */
import { arch, release } from "node:os";
import { UserError } from "../../errors.ts";
import { exists, readText } from "../../io/inputFile.ts";
import { packagePath } from "../../io/packageFiles.ts";
import { hasProgram, Scratch } from "../../io/scratch.ts";
import { fromLine } from "./answer.ts";
import { type KvmQuestion, lineOf } from "./question.ts";

const DEVICE = "/dev/kvm";
const SECONDS = 120;
const PARAMETER_BYTES = 64;
/** What KVM can be built on here, as the kernel's modules are called. */
const MODULES = ["kvm_intel", "kvm_amd", "kvm_pvm"];

/** Whose answers they are. */
export interface Kernel {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  /** The module that KVM runs guests with, or "unknown". */
  readonly module: string;
  /** Whether its processors log writes. */
  readonly logs: boolean;
}

export interface KernelAnswers extends Kernel {
  /** By the names of the questions. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
}

/** Whether a KVM can be asked here, without asking it. */
export function hasKvm(): boolean {
  return exists(DEVICE) && arch() === "x64" && hasProgram("gcc");
}

export function thisKernel(): Kernel {
  const module = MODULES.find((name) => exists(`/sys/module/${name}`)) ?? "unknown";
  const pml = "/sys/module/kvm_intel/parameters/pml";
  const logs = exists(pml) && readText(pml, PARAMETER_BYTES).startsWith("Y");
  return { kernel: release(), module, logs };
}

/** @throws UserError, one line, if there is no KVM, no compiler, or the program does not end */
export async function askKernel(questions: readonly KvmQuestion[]): Promise<KernelAnswers> {
  if (!exists(DEVICE)) throw new UserError(`there is no ${DEVICE} on this machine`);
  if (arch() !== "x64") throw new UserError("KVM is asked on x86-64 alone");
  const scratch = new Scratch();
  try {
    await compile(scratch);
    const lines = questions.flatMap(({ commands }) => ["vm", ...commands.map(lineOf)]);
    scratch.write("questions", `${lines.join("\n")}\n`);
    const { code, output, late } = await scratch.run("sh", ["-c", "./ask < questions"], SECONDS);
    if (late) throw new UserError(`${DEVICE}: no answer after ${SECONDS} s`);
    const said = output.split("\n").filter((line) => line !== "");
    const failure = said.find((line) => line.startsWith("!"));
    if (failure !== undefined) throw new UserError(failure.slice(2));
    if (code !== 0 || said.length !== lines.length) {
      throw new UserError(`${DEVICE}: ${said.length} answers to ${lines.length} questions`);
    }
    return { ...thisKernel(), answers: byName(questions, said) };
  } finally {
    scratch.remove();
  }
}

function byName(
  questions: readonly KvmQuestion[],
  said: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  let at = 0;
  return new Map(
    questions.map(({ name, commands }) => {
      const first = at + 1;
      at = first + commands.length;
      return [name, said.slice(first, at).map(fromLine)];
    }),
  );
}

async function compile(scratch: Scratch): Promise<void> {
  const source = packagePath("src", "witness", "kvm", "ask.c");
  if (source === null)
    throw new UserError("the source of the asking program is not in this package");
  if (!hasProgram("gcc")) throw new UserError("asking KVM needs gcc (Debian: gcc, libc6-dev)");
  const { code, said } = await scratch.run(
    "gcc",
    ["-O2", "-pthread", "-o", "ask", source],
    SECONDS,
  );
  if (code === 0) return;
  const [line = "it says not why"] = said.split("\n").filter((text) => /error/i.test(text));
  throw new UserError(`gcc: ${line.trim()}`);
}
