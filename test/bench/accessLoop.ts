/**
 * The page-access loop against C: one vCPU, PML, 1 GiB of 4 KiB pages, paging off, four patterns. Both
 * programs perform the same accesses in turns, and their counters must be equal.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Counter } from "../../src/hardware/counters.ts";
import { CProgram, compileC } from "./cProgram.ts";
import { BenchGuest, GIB_PAGES } from "./guest.ts";
import { type Benchmark, CounterMismatchError, median, type Result, secondsOf } from "./harness.ts";
import { makeBlock, PATTERN_NAMES, type PatternName } from "./patterns.ts";

/** TypeScript's speed as a fraction of C's. */
const RATIO = 0.5;
/** The compiler settles during the first rounds of each pattern; a round takes a fraction of a second. */
const WARM_UP_ROUNDS = 4;
const ROUNDS = 15;

/** The order in which accessLoop.c prints its counters. */
const COUNTERS = [
  "accesses",
  "l1TlbMisses",
  "tlbMisses",
  "walks",
  "walkReferences",
  "flagUpdates",
  "logEntries",
  "logFull",
  "guestCycles",
  "walkCycles",
  "writes",
] as const;

export const accessLoop: Benchmark = {
  name: "accesses",
  async run(): Promise<readonly Result[]> {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-bench-"));
    try {
      const { program, reason } = compileC(directory);
      const results: Result[] = [];
      for (const name of Object.keys(PATTERN_NAMES) as PatternName[]) {
        results.push(...(await compare(name, program, reason, directory)));
      }
      return results;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function compare(
  name: PatternName,
  program: string | null,
  reason: string,
  directory: string,
): Promise<readonly Result[]> {
  const block = makeBlock(name);
  const guest = new BenchGuest({ paging: "off", log: "pml" });
  const c = program === null ? null : new CProgram(program, directory, name, block);
  const cRates: number[] = [];
  const rates: number[] = [];
  try {
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      const answer = await c?.round();
      guest.arm();
      const seconds = secondsOf(() => guest.run(block));
      if (answer !== undefined) checkEqual(name, guest, answer.counters);
      if (round < 0) continue;
      rates.push(block.length / seconds / 1e6);
      if (answer !== undefined) cRates.push(block.length / answer.seconds / 1e6);
    }
  } finally {
    c?.close();
  }
  const what = PATTERN_NAMES[name];
  const unit = "M accesses/s";
  const rate = median(rates);
  const own: Result = { what: `${what}: TypeScript`, value: rate, unit };
  const bar = { atLeast: RATIO };
  if (c === null) {
    return [own, { what: `${what}: TypeScript / C`, value: null, unit: "x", bar, note: reason }];
  }
  const cRate = median(cRates);
  return [
    own,
    { what: `${what}: C`, value: cRate, unit },
    { what: `${what}: TypeScript / C`, value: rate / cRate, unit: "x", bar },
  ];
}

/** Everything counted since the start, the bursts, and a digest of the pages read and written. */
function checkEqual(name: PatternName, guest: BenchGuest, expected: readonly number[]): void {
  const own = COUNTERS.map((counter) => [counter, guest.counters[Counter[counter]]!] as const);
  const all = [...own, ["bursts", guest.bursts] as const, ["pages", digestTruth(guest)] as const];
  all.forEach(([counter, value], i) => {
    if (value === expected[i]) return;
    throw new CounterMismatchError(
      `${PATTERN_NAMES[name]}: ${counter} is ${value} in TypeScript, ${expected[i]} in C`,
    );
  });
}

/** FNV-1a over the words of the ground truth, unsigned. */
function digestTruth({ pages }: BenchGuest): number {
  let digest = 0x811c9dc5;
  for (let i = 0; i < GIB_PAGES / 16; i++) {
    digest = Math.imul(digest ^ pages.truth[i]!, 0x01000193);
  }
  return digest >>> 0;
}
