import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "trackvisor-check-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function trackvisor(...args: string[]) {
  const program = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

it("proves a model, and says so in one JSON object", () => {
  const { status, stdout } = trackvisor(
    "check",
    "two-phase-commit",
    "--set",
    "managers=5",
    "--json",
  );
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect([report.distinct, report.generated, report.complete]).toEqual([8_832, 58_146, true]);
  expect(report.properties[0]).toEqual({
    name: "consistent",
    kind: "always",
    verdict: "holds",
    messages: null,
  });
});

it("breaks one with a planted fault, and the log replays", () => {
  const log = join(directory, "counterexample.tvlog");
  const { status, stdout } = trackvisor("check", "pml", "--fault", "reset-at-exit", "--log", log);
  expect(status).toBe(1);
  expect(stdout).toContain("12. pcpu0/mmu, its own: continueGuest; the guest writes page 2");
  const replayed = trackvisor("replay", log);
  expect([replayed.status, replayed.stdout]).toEqual([0, expect.stringContaining("no difference")]);

  const pending = trackvisor("log", "branch", log, "--at", "9");
  expect([pending.status, pending.stdout]).toEqual([0, expect.stringContaining("enterGuest")]);
  const shrunk = trackvisor("log", "shrink", log, "--expect", "ends");
  expect([shrunk.status, shrunk.stderr]).toEqual([
    2,
    expect.stringContaining("comes from trackvisor check: there is no scenario to cut down"),
  ]);
});

it("says what it did not look at when it ends at a bound", () => {
  const { status, stdout } = trackvisor("check", "pml", "--bound", "states=1000", "--json");
  const report = JSON.parse(stdout);
  expect([status, report.complete, report.ending]).toEqual([0, false, "bound"]);
  expect(report.unexpanded).toBeGreaterThan(0);
});

it("says with the verdict what symmetry does not hold of", () => {
  const { status, stdout } = trackvisor(
    "check",
    "migration",
    "--symmetry",
    "--bound",
    "states=300",
  );
  expect([status, stdout]).toEqual([
    0,
    expect.stringContaining("pages are not alike: a migration sends them one by one"),
  ]);
});

it.each([
  [["plm"], 'there is no model "plm"; did you mean "pml"?'],
  [["pml", "--fault", "mask-lost"], 'the fault "mask-lost" is of model prl-two-vms'],
  [["pml", "--set", "pages=9"], "pages: expected a whole number from 1 to 4"],
  [["pml", "--bound", "time=3"], "--bound time: expected states=N, depth=N, walks=N or steps=N"],
  [["pml", "--dfs", "--random"], "--bfs, --dfs, --random, --pct: expected one of them"],
  [["pml", "--workers", "0"], "expected a whole number from 1 to 64"],
  [["pml", "--workers", "2", "--dfs"], "--workers goes with an exact breadth-first search"],
  [["pml", "--continue", "no such file"], "--continue takes the model"],
])("refuses %j", (args, message) => {
  const { status, stderr } = trackvisor("check", ...args);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});
