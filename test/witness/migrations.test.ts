/**
 * Migrations that QEMU has really done, beside the emulator's (docs/witnesses.md). The tolerances were set before the first of
 * them was compared: pages and bytes 3 %, the whole time 5 % or 300 ms, the downtime 25 % or 50 ms, synchronisations 1; and what
 * QEMU's own runs differ from their mean.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WIRE_PAGE_BYTES } from "../../src/hypervisor/migration/stats.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { CASES, KNOWN, type MigrationCase } from "./migrations/cases.ts";
import { emulate } from "./migrations/emulated.ts";
import type { Recorded } from "./migrations/record.ts";
import { firmwarePages, mean, recordedMigrations, withMigrations } from "./migrations/table.ts";

const MS = 2.4e6;
const RUNS_LEAST = 3;
const LONG = 60_000;

const recorded = recordedMigrations();
const page = join(import.meta.dirname, "..", "..", "docs", "witnesses.md");

/** How far from their mean runs of QEMU itself are. */
function spread(runs: readonly Recorded[], of: (run: Recorded) => number): number {
  const middle = mean(runs, of);
  return Math.max(...runs.map((run) => Math.abs(of(run) - middle)));
}

describe.each(recorded)("QEMU $qemu in TCG", (migrations) => {
  const { runs: all } = migrations;
  const firmware = firmwarePages(all);
  const emulated = new Map<string, MigrateResult>();

  /** What they differ in by more than is tolerated. */
  function differences(config: MigrationCase, ours: MigrateResult): string[] {
    const runs = all.filter((run) => run.case === config.name);
    const found: string[] = [];
    const near = (what: string, value: number, of: (run: Recorded) => number, most: number) => {
      const theirs = mean(runs, of);
      if (Math.abs(value - theirs) <= most + spread(runs, of)) return;
      found.push(`${what}: ${Math.round(value)}, QEMU ${Math.round(theirs)}`);
    };
    const share = (part: number, of: (run: Recorded) => number) => part * mean(runs, of);
    const zero = ours.zeroPages ?? 0;
    const pages = ({ normalPages }: Recorded) => normalPages - firmware;
    const bytes = ({ transferred }: Recorded) => transferred - firmware * WIRE_PAGE_BYTES;
    const time = ({ totalTime }: Recorded) => totalTime;
    const downtime = (run: Recorded) => run.downtime ?? 0;
    near("pages", ours.pagesSent - zero, pages, share(0.03, pages));
    near("bytes", ours.bytes, bytes, share(0.03, bytes));
    near("ms in all", ours.totalTime / MS, time, Math.max(300, share(0.05, time)));
    near("downtime", (ours.downtime ?? 0) / MS, downtime, Math.max(50, share(0.25, downtime)));
    // QEMU synchronises at the start, too.
    near("synchronisations", ours.rounds.length + 1, ({ syncCount }) => syncCount, 1);
    return found;
  }

  it("has done each migration at least three times, to the same end", () => {
    for (const { name } of CASES) {
      const runs = all.filter((run) => run.case === name);
      expect(runs.length).toBeGreaterThanOrEqual(RUNS_LEAST);
      expect(new Set(runs.map(({ status }) => status)).size).toBe(1);
    }
  });

  describe.each(CASES)("$name", (config) => {
    const runs = all.filter((run) => run.case === config.name);
    const isKnown = config.name in KNOWN;
    let ours: MigrateResult;

    it(
      "converges in the emulator if it does in QEMU, and not otherwise",
      () => {
        ours = emulate(
          config,
          mean(runs, ({ writesBefore }) => writesBefore),
        );
        emulated.set(config.name, ours);
        const isComplete = runs.every(({ status }) => status === "completed");
        expect(ours.outcome).toBe(isComplete ? "completed" : "aborted");
      },
      LONG,
    );

    it("takes the same pages, bytes, rounds and time", () => {
      const found = differences(config, ours);
      if (!isKnown) expect(found).toEqual([]);
      else expect(found.length).toBeGreaterThan(0);
    });

    it.runIf(isKnown)("does so up to a throttle of 99 %", () => {
      const start = ours.startTime ?? 0;
      const full = (ours.throttle.at(-1)?.time ?? 0) - start;
      const before = ours.rounds.filter(
        ({ startTime, duration }) => startTime + duration - start <= full,
      );
      for (const { syncs, throttle } of runs) {
        const theirs = syncs.filter(({ at }) => at <= (throttle.at(-1)?.at ?? 0));
        expect(Math.abs(theirs.length - 1 - before.length)).toBeLessThanOrEqual(1);
      }
    });

    it("turns the throttle at the same times", () => {
      const percents = runs.map(({ throttle }) => throttle.map(({ percent }) => percent));
      for (const steps of percents) {
        expect(ours.throttle.map(({ percent }) => percent)).toEqual(steps);
      }
      const start = ours.startTime ?? 0;
      ours.throttle.forEach(({ time }, i) => {
        const at = mean(runs, ({ throttle }) => throttle[i]?.at ?? 0);
        // Two periods of a second.
        expect(Math.abs((time - start) / MS - at)).toBeLessThan(2000);
      });
    });
  });

  it("stands beside the emulator in docs/witnesses.md (UPDATE_WITNESS=1 writes it)", () => {
    const before = readFileSync(page, "utf8");
    const after = withMigrations(before, migrations, emulated);
    if (process.env["UPDATE_WITNESS"] !== undefined) writeFileSync(page, after);
    else expect(before).toBe(after);
  });
});
