/** A program that is moved, or stored, with its bytes goes on from what has arrived of them, and from no others. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import type { BytesResult } from "../../../src/hypervisor/arrivedBytes.ts";
import { sourceOf } from "../../../src/io/byteSource.ts";
import { Timeline } from "../../../src/replay/timeline.ts";
import { buildSystem } from "../../../src/system/build.ts";
import type { OperationResult } from "../../../src/system/operation.ts";
import { scanCheckpoints } from "../../../src/system/operations/checkpoint/reader.ts";
import { restoreCheckpoint } from "../../../src/system/operations/checkpoint/restore.ts";
import { MemorySink } from "../../../src/system/operations/checkpoint/sink.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import type { System } from "../../../src/system/system.ts";
import type { ProgramState } from "../../../workloads/guests/spec.ts";
import { decodeProgram, encodeProgram } from "../../../workloads/guests/storedProgram.ts";
import { IS_LONG } from "../../share.ts";

const SORT = {
  workload: { module: "shipped:sort", args: ["1000"], memory: "1MiB" },
  prints: /^1000 numbers from 2373795 to 4290067359\n$/,
};
const SQLITE = {
  workload: {
    program: "sqlite",
    memory: "22MiB",
    script: `create table t(a);
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert into t select i * 7919 % 97 from n;
      create index x on t(a); select a, count(*) from t group by a order by 2 desc, 1 limit 2;`,
  },
  prints: /^3\|6\n11\|6\n$/,
};
const MIGRATE = {
  kind: "migrate",
  start: "300us",
  link: { bandwidth: "64GiB/s", latency: "1us" },
  settle: "1s",
};
const CHECKPOINT = {
  kind: "checkpoint",
  mode: "diff",
  times: ["50us", "250us"],
  bandwidth: "512GiB/s",
  copyCycles: 10,
};

const HARVESTED_EARLY = ["harvestBeforeDrain"];

interface Asked {
  readonly workload: object;
  readonly technique?: string;
  readonly faults?: readonly string[];
  readonly vm?: object;
}

function systemOf(
  operation: object,
  { workload, technique = "pml", faults = [], vm = {} }: Asked,
  sink = new MemorySink(),
): System {
  const guest = { kind: "wasm", live: true, ...workload };
  const scenario = scenarioSchema.parse({
    name: "moved",
    vms: [{ paging: "off", contents: "bytes", workload: guest, ...vm }],
    tracker: { technique },
    operation,
    faults,
  });
  return buildSystem(scenario, { checkpointSink: sink });
}

function printed({ world }: System): string {
  return Buffer.from(world.vcpuNumbered(0).stream.workload.console?.shown() ?? []).toString();
}

/** Runs it, whatever becomes of its guest. */
function runOn(system: System): System {
  try {
    system.run();
  } catch (error) {
    // The guest may break at once.
    if (!(error instanceof UserError)) throw error;
  }
  return system;
}

function resultOf(system: System): OperationResult & {
  readonly memory?: BytesResult;
  readonly memories?: readonly BytesResult[];
  readonly failures: readonly string[];
} {
  const result = system.result();
  if (result === null) throw new Error("there is no result");
  return result;
}

describe("a program that is migrated with its bytes", () => {
  it.each([
    ["sort", "pml", SORT],
    ["sort", "dirtyRing", SORT],
    ["SQLite", "pml", SQLITE],
    ["SQLite", "writeProtect", SQLITE],
  ] as const)("prints the right things at the destination: %s under %s", (_, technique, guest) => {
    const system = systemOf(MIGRATE, { technique, ...guest });
    const before = printed(system);
    system.run();
    const { failures, memory } = resultOf(system);
    expect([failures, before]).toEqual([[], ""]);
    expect(memory?.source).toMatch(/^[0-9a-f]{64}$/);
    expect(memory?.destination).toBe(memory?.source);
    expect(printed(system)).toMatch(guest.prints);
  });

  it("is another one, and the hash says so, where a harvest loses pages", () => {
    const system = systemOf({ ...MIGRATE, start: "600us" }, { ...SQLITE, faults: HARVESTED_EARLY });
    // Pointers to functions were among them.
    expect(() => system.run()).toThrow(/^sqlite: traps after [\d,]+ accesses: /);
    const { failures, memory } = resultOf(system);
    expect(failures).toHaveLength(1);
    expect(memory?.destination).not.toBe(memory?.source);
    expect(printed(system)).toBe("");
  });

  it("does the same again after going back, before and after its move", () => {
    const timeline = new Timeline(systemOf(MIGRATE, SORT), [], { spacing: 1 });
    timeline.run();
    const [end, digests] = [timeline.position, timeline.system.digests()];
    for (const position of [end - 1, end >> 1, 10, end]) {
      timeline.seek(position);
      const here = timeline.system.digests();
      timeline.stepBack();
      timeline.step();
      expect(timeline.system.digests()).toEqual(here);
    }
    expect(timeline.system.digests()).toEqual(digests);
    expect(printed(timeline.system)).toMatch(SORT.prints);
  });
});

describe("a program whose checkpoints have its bytes", () => {
  it("goes on from them, and out of their file", () => {
    const sink = new MemorySink();
    const system = systemOf(CHECKPOINT, SORT, sink);
    system.run();
    const { failures, memories = [] } = resultOf(system);
    expect(failures).toEqual([]);
    expect(memories[0]?.destination).toBe(memories[0]?.source);
    expect(printed(system)).toMatch(SORT.prints);
    const { checkpoints } = scanCheckpoints(sourceOf("kept", sink.bytes));
    const crashed = sink.bytes.subarray(0, checkpoints[0]?.end ?? 0);
    const again = systemOf(CHECKPOINT, SORT);
    expect(restoreCheckpoint(again, sourceOf("kept", crashed)).continues).toBe(true);
    again.run();
    expect(printed(again)).toMatch(SORT.prints);
  });

  // From the second on what the first has lost is lost again on the way.
  it.skipIf(!IS_LONG)("goes on from other bytes where harvests lose pages, and says so", () => {
    const operation = { ...CHECKPOINT, times: ["500us", "800us", "1100us"] };
    const system = runOn(systemOf(operation, { ...SQLITE, faults: HARVESTED_EARLY }));
    const { failures, memories = [] } = resultOf(system);
    expect(failures.join("\n")).toMatch(/checkpoint \d does not have the bytes of vm0/);
    expect(memories[0]?.destination).not.toBe(memories[0]?.source);
  });
});

describe("where a program is between two steps", () => {
  const state: ProgramState = {
    ...{ steps: 7, accesses: 12, memory: null },
    changed: [{ step: 3, page: 5, bytes: new Uint8Array(4096).fill(9) }],
  };

  it("is the same once it was stored", () => {
    const { memory: _, ...stored } = state;
    const bytes = encodeProgram(state);
    expect(decodeProgram(bytes)).toEqual(stored);
    for (const wrong of [new Uint8Array(2), bytes.subarray(0, 40), bytes.subarray(0, -1)]) {
      expect(decodeProgram(wrong)).toBeUndefined();
    }
  });

  it.each([
    [{ accesses: 13 }, /was to go on after 13 accesses, and has made [\d,]+ by then$/],
    [{ steps: 1e6 }, /does not come to the step at which it is to go on$/],
  ])("has to be where it says: %j", (wrong, message) => {
    const system = systemOf(MIGRATE, SORT);
    const { machine } = system.world.vcpuNumbered(0).stream.workload;
    const memory = new Uint8Array(0);
    machine?.resume(encodeProgram({ ...state, changed: [], ...wrong }), memory);
    expect(() => system.run()).toThrow(message);
  });

  it.each([
    [{ paging: "longMode" }, SORT.workload, /the bytes of its pages are guest-physical/],
    [{ vcpus: 2 }, SORT.workload, /one program's memory; expected 1 vCPU, not 2/],
    [{}, { program: "postgres", script: "select 1" }, /its JavaScript writes into its memory/],
  ])("is not asked for where there is none: %j", (vm, workload, message) => {
    expect(() => systemOf(MIGRATE, { workload, vm })).toThrow(message);
  });
});
