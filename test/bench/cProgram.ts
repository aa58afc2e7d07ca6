/** accessLoop.c: compiled into a temporary directory, and run as a child that works when told to. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DEFAULT_PROCESSOR_COSTS } from "../../src/hardware/costs.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { GIB_PAGES, QUANTUM } from "./guest.ts";

/** Compiles the program; null when there is no C compiler, or it fails: then `reason` says why. */
export function compileC(directory: string): { program: string | null; reason: string } {
  const program = join(directory, "accessLoop");
  const { error, status, stderr } = spawnSync("cc", ["-O3", "-o", program, findSource()], {
    encoding: "utf8",
  });
  if (error !== undefined) return { program: null, reason: "no C compiler (cc)" };
  if (status !== 0) return { program: null, reason: `cc failed: ${stderr.split("\n")[0]}` };
  return { program, reason: "" };
}

/** The source is not copied to dist: it is looked for beside this file, and then under the repository. */
function findSource(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    for (const file of ["accessLoop.c", "test/bench/accessLoop.c"]) {
      if (existsSync(join(directory, file))) return join(directory, file);
    }
    if (dirname(directory) === directory) throw new Error("test/bench/accessLoop.c is missing");
    directory = dirname(directory);
  }
}

export interface CRound {
  readonly seconds: number;
  /** As accessLoop.c prints them. */
  readonly counters: readonly number[];
}

export class CProgram {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<never>;

  constructor(program: string, directory: string, name: string, block: Int32Array) {
    const file = join(directory, `${name}.block`);
    writeFileSync(file, block);
    const { eptLevels, indexBits, logEntries, tlb } = DEFAULT_GEOMETRY;
    const costs = DEFAULT_PROCESSOR_COSTS;
    const numbers = [
      ...[block.length, GIB_PAGES, eptLevels, indexBits, logEntries],
      ...[tlb.l1.sets, tlb.l1.ways, tlb.l2.sets, tlb.l2.ways],
      ...[costs.access, costs.l2TlbHit, costs.walkReference, costs.flagUpdate, costs.logStore],
      QUANTUM,
    ];
    this.#child = spawn(program, [file, ...numbers.map(String)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#ended = new Promise((_, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code) => reject(new Error(`accessLoop.c ended with ${code}`)));
    });
    // Whoever waits for a round sees it; nobody else needs to.
    this.#ended.catch(() => {});
  }

  /** Arms the pages and performs the block once. */
  async round(): Promise<CRound> {
    const answer = new Promise<string>((resolve) => this.#lines.once("line", resolve));
    this.#child.stdin!.write("\n");
    const [seconds, ...counters] = (await Promise.race([answer, this.#ended]))
      .split(" ")
      .map(Number);
    return { seconds: seconds!, counters };
  }

  close(): void {
    this.#child.stdin!.end();
  }
}
