/** Import of a valgrind log, of text made here: a program that walks code, stack and an array. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Random } from "../../workloads/random.ts";
import { measureImport } from "../../workloads/trace/import.ts";
import { type Benchmark, median, type Result, ROUNDS } from "./harness.ts";

/** 10^6 bytes of text per second. */
const MEGABYTES_PER_SECOND = 60;
const LOG_BYTES = 60e6;
const LINES_PER_WRITE = 20_000;

const CODE = 0x04000000;
const HEAP = 0x05200000;
const STACK = 0x1ffe000000;

export const lackeyImport: Benchmark = {
  name: "import",
  async run(): Promise<readonly Result[]> {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-bench-"));
    try {
      const log = join(directory, "program.log");
      writeLog(log);
      const rates: number[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        const { megabytesPerSecond } = await measureImport(log, () => performance.now());
        if (round >= 0) rates.push(megabytesPerSecond);
      }
      const bar = { atLeast: MEGABYTES_PER_SECOND };
      return [{ what: "import of a lackey log", value: median(rates), unit: "MB/s", bar }];
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/** Lines as lackey writes them: "I  04001090,3", " L 1ffeffe7e,8". About half are fetches. */
function writeLog(path: string): void {
  const file = openSync(path, "w");
  const random = new Random(1);
  let code = CODE;
  let array = HEAP;
  for (let bytes = 0; bytes < LOG_BYTES; ) {
    const lines = ["==1== Command: ./program"];
    for (let i = 0; i < LINES_PER_WRITE; i++) {
      code = random.chance(0.05) ? CODE + random.below(0x40000) : code + 4;
      lines.push(`I  ${hex(code)},${2 + random.below(6)}`);
      if (random.chance(0.3)) {
        array = random.chance(0.01) ? HEAP + 8 * random.below(0x800000) : array + 8;
        lines.push(` ${random.chance(0.4) ? "S" : "L"} ${hex(array)},8`);
      }
      if (random.chance(0.4)) lines.push(` ${pick(random)} ${hex(STACK - random.below(0x4000))},8`);
    }
    bytes += writeSync(file, `${lines.join("\n")}\n`);
  }
  closeSync(file);
}

function pick(random: Random): string {
  return "LSM"[random.below(3)]!;
}

function hex(address: number): string {
  return address.toString(16).padStart(8, "0");
}
