/** A real Linux that is migrated with its bytes goes on from what has arrived. Where none was prepared, it is left out. */
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { findsEveryWrite, TECHNIQUES } from "../../../src/hypervisor/techniques/all.ts";
import { finish, Timeline } from "../../../src/replay/timeline.ts";
import { Session } from "../../../src/session/session.ts";
import { buildSystem } from "../../../src/system/build.ts";
import type { MigrateResult } from "../../../src/system/operations/migration/migrateResult.ts";
import { type Scenario, scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import type { System } from "../../../src/system/system.ts";
import { Scratch } from "../../cli/command.ts";
import { IS_ALL, IS_LONG } from "../../share.ts";
import { isPrepared } from "./preparedLinux.ts";
import { DONE, printed, RUN } from "./sortingLinux.ts";

const TIMEOUT = 600_000;
const scratch = new Scratch();
afterAll(() => scratch.remove());

function scenarioOf(fields: object = {}, operation: object = {}): Scenario {
  return scenarioSchema.parse({
    name: "moved",
    vms: [
      {
        paging: "off",
        contents: "bytes",
        workload: { kind: "linux", run: RUN },
      },
    ],
    tracker: { technique: "pml" },
    operation: {
      kind: "migrate",
      policy: { kind: "libxc" },
      start: "4ms",
      link: { bandwidth: "16GiB/s" },
      settle: "1s",
      ...operation,
    },
    ...fields,
  });
}

function systemOf(fields: object = {}, operation: object = {}): System {
  return buildSystem(scenarioOf(fields, operation));
}

function resultOf(system: System): MigrateResult {
  const result = system.result();
  if (result.kind !== "migrate") throw new Error("it has not migrated");
  return result as MigrateResult;
}

const { units } = buildSystem(
  scenarioSchema.parse({
    name: "units",
    vms: [{ workload: { kind: "uniform", pages: 8 } }],
    until: "1ms",
  }),
).world.config;
const able = TECHNIQUES.filter((name) => findsEveryWrite(name, units));

describe.skipIf(!isPrepared())(
  "a Linux that is migrated with its bytes",
  { timeout: TIMEOUT },
  () => {
    it.each(able.filter((name) => name === "pml" || IS_LONG))(
      "finishes its command at the destination under %s",
      (technique) => {
        const system = systemOf({ tracker: { technique } });
        system.run();
        const { outcome, verified, memory, failures, rounds } = resultOf(system);
        expect(failures).toEqual([]);
        expect({ outcome, verified }).toEqual({ outcome: "completed", verified: true });
        expect(memory?.source).toMatch(/^[0-9a-f]{64}$/);
        expect(memory?.destination).toBe(memory?.source);
        // It was in the midst of it.
        expect(rounds.some(({ live, dirtyAfter }) => live && (dirtyAfter ?? 0) > 20)).toBe(true);
        expect(printed(system)).toContain(DONE);
      },
    );

    it("is another one, and the hash says so, where a harvest loses pages", () => {
      const system = systemOf({ faults: ["harvestBeforeDrain"] });
      try {
        system.run();
      } catch (error) {
        // The guest may break at once.
        if (!(error instanceof UserError)) throw error;
      }
      const { verified, memory, failures } = resultOf(system);
      expect(verified).toBe(false);
      expect(failures).toHaveLength(1);
      expect(memory?.destination).not.toBe(memory?.source);
      expect(printed(system)).not.toContain(DONE);
    });

    it.skipIf(!IS_ALL)("is saved by who looks at it, and replayed to the last message", () => {
      const session = Session.start(scenarioOf(), ".");
      session.timeline.run();
      const path = scratch.path("moved.tvlog");
      finish(session.save(path));
      const again = Session.open(path);
      expect(again.timeline.run()).toBe(session.position);
      expect(again.system.digests()).toEqual(session.system.digests());
      expect(printed(again.system)).toContain(DONE);
      expect(resultOf(again.system).verified).toBe(true);
    });

    it.skipIf(!IS_ALL)("does the same again after going back, before and after its move", () => {
      const timeline = new Timeline(systemOf(), [], { spacing: 1 });
      timeline.run();
      const end = timeline.position;
      const digests = timeline.system.digests();
      const moved = resultOf(timeline.system).startTime ?? 0;
      for (const position of [end - 1, end >> 1, 100, end]) {
        timeline.seek(position);
        const here = timeline.system.digests();
        timeline.stepBack();
        timeline.step();
        expect(timeline.system.digests()).toEqual(here);
      }
      expect(moved).toBeGreaterThan(0);
      expect(timeline.system.digests()).toEqual(digests);
      timeline.seek(1);
      timeline.run();
      expect(timeline.system.digests()).toEqual(digests);
      expect(printed(timeline.system)).toContain(DONE);
    });
  },
);
