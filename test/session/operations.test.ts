/** Operations that the operator starts while a scenario is measured. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { readCounters } from "../../src/hardware/counters.ts";
import { observe } from "../../src/session/observed.ts";
import { OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { Session } from "../../src/session/session.ts";
import type { CheckpointResult } from "../../src/system/operations/checkpoint/checkpointResult.ts";
import type { EstimateResult } from "../../src/system/operations/estimate/estimateResult.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

const WORKLOAD = { kind: "uniform", pages: 200, writeFraction: 0.5, accesses: 20_000_000 };

function scenario(tracker = "pml", more: object = {}) {
  return scenarioSchema.parse({
    name: "console",
    seed: 3,
    machine: { cpus: 2, timeslice: "1ms", logEntries: 64 },
    vms: [
      { name: "one", vcpus: 2, workload: WORKLOAD },
      { name: "two", workload: { ...WORKLOAD, pages: 100 } },
    ],
    tracker: { technique: tracker },
    operation: { kind: "measure", harvest: "2ms" },
    until: "60ms",
    ...more,
  });
}

function started(tracker?: string): Session {
  const session = Session.start(scenario(tracker), ".");
  session.advance(500);
  return session;
}

function ask(session: Session, command: string, argument = ""): string {
  return OPERATOR_COMMANDS[command]!(session, 0, argument);
}

/** Goes on until an operation is under way, or the measurement is again. */
function until(session: Session, name: string): void {
  const { system } = session;
  const there = () =>
    system.actor("toolstack").value === "hosting" && system.operating.name === name;
  while (!there()) expect(session.advance(1)).toBe(null);
}

describe("the operator starts", () => {
  it("what he likes at any moment of the measurement's beginning", () => {
    for (let messages = 0; messages < 40; messages++) {
      const session = Session.start(scenario(), ".");
      session.advance(messages);
      ask(session, "start", "migration");
      until(session, "migration");
      const { now } = session.system.interconnect;
      // A VM that runs is paused first, which takes a moment.
      expect(now).toBeLessThan(2_400_000);
      while (session.system.operating.name === "migration") expect(session.advance(1)).toBe(null);
      const accesses = session.system.world.vcpus.map(({ counters }) => {
        return readCounters(counters.values).accesses;
      });
      for (const number of accesses) expect(number).toBeGreaterThan(0);
    }
  });

  it.each(["pml", "prl", "writeProtect"])(
    "a migration under %s: it arrives whole, and the VMs run on",
    (tracker) => {
      const session = started(tracker);
      ask(session, "start", "migration");
      until(session, "migration");
      let result: MigrateResult | null = null;
      while (session.system.operating.name === "migration") {
        result = session.system.result() as MigrateResult;
        session.advance(1);
      }
      expect(result).toMatchObject({ outcome: "completed", verified: true });
      until(session, "measurement");
      const { system } = session;
      const before = observe(session.system)[0]!;
      session.advance(2000);
      expect(observe(session.system)[0]!).toBeGreaterThan(before);
      expect(system.actor("vm0/tracker").live.context).toMatchObject({ technique: tracker });
    },
  );

  it("one operation after the other, the same one twice", () => {
    const session = started();
    for (const name of ["checkpoint", "migration", "checkpoint", "estimation", "migration"]) {
      ask(session, "start", name);
      until(session, name);
      session.advance(300);
      if (session.system.operating.name === name) ask(session, "abort");
      until(session, "measurement");
      session.advance(300);
    }
    expect(session.advance(1e6)).toBe("end");
    expect(session.system.result()).toMatchObject({ kind: "measure", failures: [] });
  });

  it("checkpoints, the first of all pages while the VMs stand still", () => {
    const session = started();
    ask(session, "start", "checkpoint");
    until(session, "checkpoint");
    while ((session.system.result() as CheckpointResult).committed < 1) session.advance(1);
    const { checkpoints } = session.system.result() as CheckpointResult;
    expect(checkpoints[0]!.pages).toBeGreaterThanOrEqual(300);
  });

  it("an estimation, beside the truth", () => {
    const session = started();
    ask(session, "start", "estimation");
    until(session, "estimation");
    const series = () => (session.system.result() as EstimateResult).vms[0]!.series;
    while (series().length < 2) session.advance(1);
    expect(series()[1]!.truthPages).toBe(200);
    expect(series()[1]!.pages).toBeGreaterThan(150);
  });
});

describe("while it is under way", () => {
  it("what needs the tracker is refused in one line that says why", () => {
    const session = started();
    ask(session, "start", "migration");
    until(session, "migration");
    const refusal = (command: string, argument?: string): string => {
      try {
        return ask(session, command, argument);
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    };
    expect(refusal("tracker", "prl")).toBe(
      "not while the migration is under way: the tracker is its own (A aborts it)",
    );
    expect(refusal("harvest")).toContain("it harvests by itself");
    expect(refusal("start", "checkpoint")).toContain("abort it first");
    expect(refusal("abort")).toContain("is brought to its end");
    until(session, "measurement");
    expect(refusal("abort")).toContain("no operation is under way");
    expect(refusal("start", "x")).toContain("expected migration, checkpoint, estimation");
  });

  it("going back and forth, and saving, give the same state again", () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-session-"));
    const session = started();
    ask(session, "start", "migration");
    until(session, "migration");
    session.advance(400);
    const [here, digests] = [session.position, session.system.digests()];
    session.seek(100);
    expect(session.system.operating.name).toBe("measurement");
    session.seek(here);
    expect(session.system.digests()).toEqual(digests);
    const file = join(directory, "session.tvlog");
    for (const _ of session.save(file));
    const again = Session.open(file);
    again.seek(here);
    expect(again.system.digests()).toEqual(digests);
    rmSync(directory, { recursive: true });
  });
});

describe("a run in which nothing but a timer is left", () => {
  it("is at its end, however much longer the timer waits each time", () => {
    const endless = scenario("pml", { operation: { kind: "measure" }, until: undefined });
    const session = Session.start(endless, ".");
    session.advance(500);
    OPERATOR_COMMANDS["pauseVm"]!(session, 0, "");
    OPERATOR_COMMANDS["pauseVm"]!(session, 1, "");
    ask(session, "start", "migration");
    const [from, began] = [session.position, session.system.interconnect.now];
    while (session.advance(256) === null) expect(session.position - from).toBeLessThan(8192);
    expect(session.stop).toContain("the run can go no further");
    // It is found before the timer of the series has made days of milliseconds.
    expect(session.system.interconnect.now).toBeLessThan(100 * began + 1e9);
  });
});
