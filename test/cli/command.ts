/** Runs the compiled command line as a user does, in a directory of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), "trackvisor-cli-"));

  /** Writes a file and returns its name. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(join(this.directory, name), content);
    return name;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** What is in the directory, in order. */
  list(): string[] {
    return readdirSync(this.directory).sort();
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  /**
   * @param interruptAfter milliseconds until SIGINT; @param interruptWhen SIGINT as soon as it says so
   * @param limit milliseconds until it is killed
   */
  run(
    words: readonly string[],
    {
      interruptAfter = 0,
      interruptWhen,
      limit = 60_000,
    }: { interruptAfter?: number; interruptWhen?: () => boolean; limit?: number } = {},
  ): Promise<Outcome> {
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const timers = [setTimeout(() => child.kill("SIGKILL"), limit)];
    if (interruptAfter > 0) timers.push(setTimeout(() => child.kill("SIGINT"), interruptAfter));
    if (interruptWhen !== undefined) {
      const look = setInterval(() => {
        if (!interruptWhen()) return;
        clearInterval(look);
        child.kill("SIGINT");
      }, 20);
      timers.push(look);
    }
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        timers.forEach(clearTimeout);
        resolve({ code, signal, out, err });
      });
    });
  }
}

/** A scenario of one VM that writes `accesses` times to ten pages. */
export function scenario(fields: Readonly<Record<string, unknown>> = {}, accesses = 100): string {
  const workload = { kind: "uniform", pages: 10, writeFraction: 0.5, accesses };
  return JSON.stringify({ name: "small", vms: [{ workload }], ...fields });
}
