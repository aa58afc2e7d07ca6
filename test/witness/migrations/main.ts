/**
 * Records migrations under QEMU: node dist/test/witness/migrations/main.js FILE RUNS [case...]. It takes a quarter of an hour, and a
 * computer that does nothing else. Each run is written at once; runs of the same case and version are added.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { CASES } from "./cases.ts";
import { qemuVersion, type Recorded, record } from "./record.ts";

/** What is stored of one version of QEMU. */
export interface RecordedMigrations {
  readonly qemu: string;
  readonly accelerator: "tcg";
  readonly host: string;
  readonly recorded: string;
  readonly runs: readonly Recorded[];
}

async function main([file = "", runs = "3", ...names]: readonly string[]): Promise<void> {
  const chosen = names.length === 0 ? CASES : CASES.filter(({ name }) => names.includes(name));
  if (file === "" || chosen.length < names.length) {
    console.error(
      `usage: main.js FILE RUNS [case...]; cases: ${CASES.map(({ name }) => name).join(", ")}`,
    );
    process.exitCode = 2;
    return;
  }
  const source = join(import.meta.dirname, "guest.S");
  const guest = existsSync(source) ? source : join("test", "witness", "migrations", "guest.S");
  const known: RecordedMigrations | null = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : null;
  const all: Recorded[] = [...(known?.runs ?? [])];
  for (let i = 0; i < Number(runs); i++) {
    for (const config of chosen) {
      const run = await record(config, guest);
      all.push(run);
      console.log(
        `${config.name}: ${run.status}, ${run.totalTime} ms, downtime ${run.downtime} ms`,
      );
      const stored: RecordedMigrations = {
        qemu: qemuVersion(),
        accelerator: "tcg",
        host: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} CPUs, Linux ${release()}`,
        recorded: new Date().toISOString().slice(0, 10),
        runs: all,
      };
      writeFileSync(file, `${JSON.stringify(stored, null, 1)}\n`);
    }
  }
}

await main(process.argv.slice(2));
