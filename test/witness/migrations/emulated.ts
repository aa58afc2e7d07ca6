/** The same migrations in the emulator: the same pages, rates, quotas and limits, and nothing that was fitted. */
import { buildSystem } from "../../../src/system/build.ts";
import type { MigrateResult } from "../../../src/system/operations/migration/migrateResult.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import type { MigrationCase } from "./cases.ts";

const SECOND = 2.4e9;
const MESSAGES_MAX = 50_000_000;
/** A link without a limit is a Unix socket on one machine. */
const FAST_LINK = "10Gbit/s";
/** A page is written so often, on average, before the migration begins: none of the array is left as it was. */
const FILLED = 16;
/** Writes a second with which a guest fills its array that does nothing afterwards. */
const IDLE_RATE = 4096;

/** @param writesPerSecond of a guest that runs unhindered, as it was measured */
export function emulate(config: MigrationCase, writesPerSecond: number): MigrateResult {
  const { arrayPages, linkBandwidth, maxBandwidth, downtimeLimit } = config;
  // A guest that does not write has filled its array long ago.
  const rate = config.writer === "idle" ? IDLE_RATE : writesPerSecond;
  const fillSeconds = Math.ceil((FILLED * Math.max(arrayPages, 1)) / rate);
  const fills = config.writer === "idle" ? { accesses: FILLED * Math.max(arrayPages, 1) } : {};
  const workload = {
    kind: "uniform",
    pages: Math.max(arrayPages, 1),
    writeFraction: arrayPages === 0 ? 0 : 1,
    gap: Math.round(SECOND / rate),
    ...fills,
  };
  const gaps = config.writer === "paced" ? "wait" : "work";
  const scenario = scenarioSchema.parse({
    name: config.name,
    vms: [{ memory: `${config.memoryMiB}MiB`, paging: "off", gaps, workload }],
    tracker: { technique: "writeProtect" },
    operation: {
      kind: "migrate",
      start: `${fillSeconds + 1}s`,
      link: {
        bandwidth: linkBandwidth === 0 ? FAST_LINK : `${linkBandwidth / 2 ** 20}MiB/s`,
        latency: "0s",
      },
      // QEMU looks at the clock after so many pages (ram_save_iterate).
      batch: 64,
      ...(maxBandwidth === 0 ? {} : { maxBandwidth: `${maxBandwidth / 2 ** 20}MiB/s` }),
      zeroPageDetection: "legacy",
      policy: {
        kind: "qemu",
        downtimeLimit: `${downtimeLimit}ms`,
        maxRounds: 10_000,
        ...(config.autoConverge ? { autoConverge: {} } : {}),
      },
      abortAfter: `${config.giveUpAfter}ms`,
      settle: "0s",
    },
  });
  const system = buildSystem(scenario);
  system.run(MESSAGES_MAX);
  if (!system.done) throw new Error(`${config.name} does not end`);
  const result = system.result();
  if (result === null || result.kind !== "migrate") throw new Error("no result of a migration");
  return result as MigrateResult;
}
