/**
 * VM exits through the whole system: write protection, one EPT violation for each page of a guest with
 * one vCPU. Each exit is six messages between five actors. The same machines are run from the compiled
 * table and by XState's own interpreter, in turns.
 */
import type { DispatcherContext } from "../../machines/dispatcher.ts";
import type { LogicKind } from "../../src/system/actors.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type Benchmark, median, type Result, ROUNDS, secondsOf } from "./harness.ts";

/** MiB of guest memory. The interpreter is slower: a smaller guest takes it about as long. */
const GUEST_MIB: Readonly<Record<LogicKind, number>> = { compiled: 512, interpreted: 32 };
const PAGES_PER_MIB = 256;

const EXITS_PER_SECOND = 0.25e6;
const RATIO = 6;

export const exits: Benchmark = {
  name: "exits",
  async run(): Promise<readonly Result[]> {
    const rates: Record<LogicKind, number[]> = { compiled: [], interpreted: [] };
    for (const kind of ["compiled", "interpreted"] as const) exitRate(kind);
    for (let round = 0; round < ROUNDS; round++) {
      rates.compiled.push(exitRate("compiled"));
      rates.interpreted.push(exitRate("interpreted"));
    }
    const compiled = median(rates.compiled);
    const interpreted = median(rates.interpreted);
    return [
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

/** Exits per second of one run of a fresh system. */
function exitRate(logic: LogicKind): number {
  const pages = GUEST_MIB[logic] * PAGES_PER_MIB;
  const scenario = scenarioSchema.parse({
    name: "exits",
    vms: [{ paging: "off", workload: { kind: "sequential", pages, passes: 1, writeFraction: 1 } }],
    tracker: { technique: "writeProtect" },
  });
  const system = buildSystem(scenario, { logic });
  const seconds = secondsOf(() => system.run());
  const { exits } = system.actor("pcpu0/dispatcher").snapshot.context as DispatcherContext;
  const violations = exits["eptViolation"] ?? 0;
  if (violations !== pages) throw new Error(`${violations} EPT violations of ${pages} pages`);
  return violations / seconds;
}
