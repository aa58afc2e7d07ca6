/** One run of the exits benchmark for each message, which names how machines are run. */
import { parentPort } from "node:worker_threads";
import type { DispatcherContext } from "../../machines/dispatcher.ts";
import type { LogicKind } from "../../src/system/actors.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { secondsOf } from "./harness.ts";

/** MiB of guest memory. The interpreter is slower: a smaller guest takes it about as long. */
const GUEST_MIB: Readonly<Record<LogicKind, number>> = { compiled: 1024, interpreted: 32 };
const PAGES_PER_MIB = 256;

parentPort?.on("message", (logic: LogicKind) => {
  parentPort?.postMessage(exitRate(logic));
});

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
