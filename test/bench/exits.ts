/**
 * VM exits through the whole system: write protection, one EPT violation for each page of a 1 GiB guest
 * with one vCPU. Each exit is six messages between five actors. The same machines are run from the compiled
 * table and by XState's own interpreter, in turns, each in a thread of its own: in one thread the
 * engine would compile the code that both use for both.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LogicKind } from "../../src/system/actors.ts";
import { type Benchmark, median, type Result, ROUNDS } from "./harness.ts";

const KINDS: readonly LogicKind[] = ["compiled", "interpreted"];
const WARM_UPS = 3;

const EXITS_PER_SECOND = 0.25e6;
/** The same exits, seen as the faults of write protection. */
const FAULTS_PER_SECOND = 0.2e6;
const RATIO = 6;

export const exits: Benchmark = {
  name: "exits",
  async run(): Promise<readonly Result[]> {
    const workers = KINDS.map(() => new Worker(new URL("exitsWorker.js", import.meta.url)));
    const rates: number[][] = KINDS.map(() => []);
    for (let round = -WARM_UPS; round < ROUNDS; round++) {
      for (const [i, worker] of workers.entries()) {
        worker.postMessage(KINDS[i]);
        const [rate] = (await once(worker, "message")) as [number];
        if (round >= 0) rates[i]!.push(rate);
      }
    }
    for (const worker of workers) await worker.terminate();
    const [compiled, interpreted] = rates.map(median) as [number, number];
    return [
      {
        what: "write protection of 1 GiB, faults",
        value: compiled / 1e6,
        unit: "M faults/s",
        bar: { atLeast: FAULTS_PER_SECOND / 1e6 },
      },
      {
        what: "VM exits, compiled machines",
        value: compiled / 1e6,
        unit: "M exits/s",
        bar: { atLeast: EXITS_PER_SECOND / 1e6 },
      },
      { what: "VM exits, XState's interpreter", value: interpreted / 1e6, unit: "M exits/s" },
      {
        what: "compiled / interpreted",
        value: compiled / interpreted,
        unit: "x",
        bar: { atLeast: RATIO },
      },
    ];
  },
};
