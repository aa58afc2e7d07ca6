/** A real Linux goes on from what its checkpoints hold: at once, and out of a file. Where none was prepared, it is left out. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { sourceOf } from "../../../src/io/byteSource.ts";
import { buildSystem } from "../../../src/system/build.ts";
import type { CheckpointResult } from "../../../src/system/operations/checkpoint/checkpointResult.ts";
import { scanCheckpoints } from "../../../src/system/operations/checkpoint/reader.ts";
import { restoreCheckpoint } from "../../../src/system/operations/checkpoint/restore.ts";
import { MemorySink } from "../../../src/system/operations/checkpoint/sink.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import { summarize } from "../../../src/system/summary.ts";
import type { System } from "../../../src/system/system.ts";
import { IS_ALL } from "../../share.ts";
import { isPrepared } from "./preparedLinux.ts";
import { DONE, printed, RUN } from "./sortingLinux.ts";

const TIMEOUT = 600_000;

const DIFF = { mode: "diff", times: ["2ms", "6ms", "10ms"] };
const HARVESTED_EARLY = { faults: ["harvestBeforeDrain"] };

function systemOf(operation: object, fields: object = {}, sink = new MemorySink()): System {
  const scenario = scenarioSchema.parse({
    name: "stored",
    vms: [
      {
        paging: "off",
        contents: "bytes",
        workload: { kind: "linux", run: RUN },
      },
    ],
    tracker: { technique: "pml" },
    operation: { kind: "checkpoint", bandwidth: "512GiB/s", copyCycles: 10, ...operation },
    ...fields,
  });
  return buildSystem(scenario, { checkpointSink: sink });
}

function resultOf(system: System): CheckpointResult {
  const result = system.result();
  if (result.kind !== "checkpoint") throw new Error("it has taken no checkpoints");
  return result as CheckpointResult;
}

/** What a run comes to, whatever has been counted since it was begun or restored. */
function course(system: System): object {
  const { memories: _, fileBytes: __, ...checkpoints } = resultOf(system);
  return { checkpoints, accesses: summarize(system).accesses, time: system.interconnect.now };
}

const MODES = [
  ["diff", DIFF],
  ["a full one each second time", { ...DIFF, fullEvery: 2 }],
  ["stop", { mode: "stop", times: ["5ms"] }],
  ["live", { mode: "live", epoch: "20ms" }],
  ["diff, one of which fails", { ...DIFF, fails: [1] }],
] as const;

describe.skipIf(!isPrepared())(
  "a Linux whose checkpoints have its bytes",
  { timeout: TIMEOUT },
  () => {
    it.each(MODES.filter(([mode]) => mode === "diff" || IS_ALL))(
      "finishes its command from them, and out of their file: %s",
      (_, operation) => {
        const sink = new MemorySink();
        const system = systemOf(operation, {}, sink);
        system.run();
        const { memories, committed, failures } = resultOf(system);
        expect(failures.filter((failure) => !failure.includes("no space is left"))).toEqual([]);
        expect(committed).toBeGreaterThan(0);
        const [memory] = memories;
        expect(memory?.source).toMatch(/^[0-9a-f]{64}$/);
        expect(memory?.destination).toBe(memory?.source);
        expect(printed(system)).toContain(DONE);

        // As if the host had crashed after the second one: the guest is in the midst of its command.
        const { checkpoints } = scanCheckpoints(sourceOf("kept", sink.bytes));
        const { end = 0 } = checkpoints[1] ?? checkpoints[0] ?? {};
        const again = systemOf(operation);
        const crashed = sourceOf("kept", sink.bytes.subarray(0, end));
        expect(restoreCheckpoint(again, crashed).continues).toBe(true);
        again.run();
        expect(printed(again)).toContain(DONE);
        expect(course(again)).toEqual(course(system));
      },
    );

    it("goes on from other bytes, and the hash says so, where harvests lose pages", () => {
      const system = systemOf(DIFF, HARVESTED_EARLY);
      try {
        system.run();
      } catch (error) {
        // The guest may break at once.
        if (!(error instanceof UserError)) throw error;
      }
      const { memories, failures } = resultOf(system);
      expect(failures.join("\n")).toMatch(/checkpoint \d does not have the bytes of vm0/);
      expect(memories[0]?.destination).not.toBe(memories[0]?.source);
      expect(printed(system)).not.toContain(DONE);
    });

    it("goes on under the same scenario alone, and has its machine's state", () => {
      const sink = new MemorySink();
      systemOf({ mode: "stop", times: ["1ms"] }, { until: "2ms" }, sink).run();
      const source = sourceOf("kept", sink.bytes);
      const other = systemOf({}, { operation: { kind: "measure" }, until: "2ms" });
      expect(() => restoreCheckpoint(other, source)).toThrow(
        'kept: holds a machine, which goes on under operation "checkpoint" alone',
      );
      expect(() => systemOf({ state: false })).toThrow(/operation\.state: .*machine's state/);
    });
  },
);
