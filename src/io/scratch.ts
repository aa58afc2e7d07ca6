/** A directory for the files of other programs, which goes when they are done; and running those programs there. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "./systemError.ts";
import { ToolMissing } from "./systemTool.ts";
import { atEndOfProcess } from "./unfinished.ts";

/** Kept of what a program prints. */
const OUTPUT_MAX = 1 << 28;

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  /** What it said on standard error. */
  readonly said: string;
  /** It did not end in time, and was ended. */
  readonly late: boolean;
}

/** Whether a program is in the PATH. */
export function hasProgram(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", program]).status === 0;
}

export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), "trackvisor-"));
  readonly #forget = atEndOfProcess(() => this.#remove());

  write(name: string, bytes: string | Uint8Array): void {
    writeFileSync(join(this.directory, name), bytes);
  }

  read(name: string): Buffer {
    return readFileSync(join(this.directory, name));
  }

  /**
   * Runs a program here, without a shell, to its end.
   * @param seconds after which it is ended @throws ToolMissing
   */
  async run(program: string, parts: readonly string[], seconds: number): Promise<Ended> {
    const child = spawn(program, parts, {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: seconds * 1000,
      killSignal: "SIGKILL",
    });
    const forget = atEndOfProcess(() => child.kill("SIGKILL"));
    const texts = { output: "", said: "" };
    const keep = (which: "output" | "said") => (bytes: Buffer) => {
      if (texts[which].length < OUTPUT_MAX) texts[which] += bytes.toString("latin1");
    };
    child.stdout.on("data", keep("output"));
    child.stderr.on("data", keep("said"));
    try {
      const code = await codeOfEnd(child);
      return { code, ...texts, late: child.signalCode === "SIGKILL" };
    } finally {
      forget();
      child.kill("SIGKILL");
    }
  }

  remove(): void {
    this.#forget();
    this.#remove();
  }

  #remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function codeOfEnd(child: ChildProcess): Promise<number | null> {
  try {
    const [code] = await once(child, "close");
    return typeof code === "number" ? code : null;
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? new ToolMissing(child.spawnfile) : error;
  }
}
