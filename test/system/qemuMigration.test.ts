/** What QEMU's migrations have that libxc's have not: a quota for each 100 ms, zero pages; and guests that wait (cases 231, 235). */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { NO_PROGRESS, type Progress } from "../../src/hypervisor/migration/progress.ts";
import { pagesWithin, quotaWait } from "../../src/hypervisor/migration/quota.ts";
import {
  type QemuPolicy,
  streamBytes,
  WIRE_PAGE_BYTES,
  zeroPagesIn,
} from "../../src/hypervisor/migration/stats.ts";
import { numberAt, present } from "../../src/lookup.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { System } from "../../src/system/system.ts";

const SECOND = 2.4e9;
const MIB = 2 ** 20;

interface Fields {
  readonly operation?: object;
  readonly vm?: object;
  readonly workload?: object;
}

/** 16 MiB, of which the guest writes to 8 MiB, 1,000 times a second; it has written to all of them when the migration begins. */
function scenario({ operation = {}, vm = {}, workload = {} }: Fields) {
  const writes = { kind: "uniform", pages: 2048, writeFraction: 1, gap: SECOND / 1000 };
  return scenarioSchema.parse({
    name: "test",
    vms: [{ memory: "16MiB", paging: "off", workload: { ...writes, ...workload }, ...vm }],
    tracker: { technique: "writeProtect" },
    operation: {
      kind: "migrate",
      start: "40s",
      batch: 64,
      link: { bandwidth: "1Gbit/s", latency: "0s" },
      policy: { kind: "qemu", downtimeLimit: "100ms" },
      settle: "0s",
      ...operation,
    },
  });
}

function run(fields: Fields): { readonly system: System; readonly result: MigrateResult } {
  const system = buildSystem(scenario(fields));
  system.run(20_000_000);
  expect(system.done).toBe(true);
  return { system, result: system.result() as MigrateResult };
}

const QEMU: QemuPolicy = {
  kind: "qemu",
  downtimeLimit: 0.3,
  maxRounds: 99,
  autoConverge: null,
  release: "8.2",
};
const LIVE: Progress = {
  ...NO_PROGRESS,
  round: {
    iteration: 1,
    live: true,
    pagesSent: 0,
    bytes: 0,
    startTime: 0,
    duration: 0,
    dirtyAfter: null,
    dirtyRate: null,
  },
};

describe("max-bandwidth", () => {
  const limited = { ...QEMU, maxBandwidth: 128 * MIB };

  it("lets 3,271 pages go in a window of 100 ms at 128 MiB/s, and then sleep to its end (case 231)", () => {
    const pages = pagesWithin(limited, LIVE, 1_000_000);
    expect(pages).toBe(3271);
    const bytes = pages * WIRE_PAGE_BYTES;
    expect(bytes).toBe(13_424_184);
    expect(quotaWait(limited, LIVE, bytes, 1000)).toBe(SECOND / 10 - 1000);
    expect(quotaWait(limited, LIVE, bytes - WIRE_PAGE_BYTES, 1000)).toBe(0);
    expect(quotaWait(limited, LIVE, bytes, SECOND)).toBe(0);
  });

  it("asks for one page at least, and for no more than a batch", () => {
    expect(pagesWithin(limited, { ...LIVE, windowBytes: 13_421_772 }, 64)).toBe(1);
    expect(pagesWithin(limited, LIVE, 64)).toBe(64);
    expect(pagesWithin(QEMU, LIVE, 1024)).toBe(1024);
  });

  it("does not hold for what is sent while the VM is suspended (migration_completion)", () => {
    const last = { ...LIVE, round: LIVE.round && { ...LIVE.round, live: false } };
    expect(pagesWithin(limited, last, 1024)).toBe(1024);
    const { result } = run({ operation: { maxBandwidth: "8MiB/s" } });
    expect(result.outcome).toBe("completed");
    const live = result.rounds.filter((round) => round.live);
    const sent = live.reduce((sum, { bytes }) => sum + bytes, 0);
    const seconds = live.reduce((sum, { duration }) => sum + duration, 0) / SECOND;
    expect(sent / seconds / (8 * MIB)).toBeGreaterThan(0.95);
    expect(sent / seconds / (8 * MIB)).toBeLessThan(1.06);
    // The last pages alone would take 8 ms under the limit; the link of 1 Gbit/s needs a tenth of it.
    const last_ = result.rounds.at(-1);
    const lastRate = ((last_?.bytes ?? 0) * SECOND) / (last_?.duration ?? 1);
    expect(lastRate).toBeGreaterThan(100 * MIB);
  });

  it("is QEMU's alone", () => {
    expect(() =>
      buildSystem(scenario({ operation: { maxBandwidth: "8MiB/s", policy: { kind: "libxc" } } })),
    ).toThrow(UserError);
  });
});

describe("zero-page-detection", () => {
  it("sends 9 bytes for a page that is all zero, 4,104 for another (case 235)", () => {
    expect(streamBytes(3, 1)).toBe(2 * 4104 + 9);
    expect(zeroPagesIn(3, 2 * 4104 + 9)).toBe(1);
  });

  it("takes those for zero that the guest has never written, and none of its paging structures", () => {
    const legacy = { zeroPageDetection: "legacy" };
    const plain = run({ operation: legacy }).result;
    expect(plain.zeroPages).toBe(2048);
    const paged = run({ operation: legacy, vm: { paging: "longMode" } }).result;
    expect(paged.zeroPages).toBe(2048);
    expect(paged.verified).toBe(true);
  });
});

describe("a guest that waits", () => {
  const pace = 1000;
  const autoConverge = { initial: 90, threshold: 1, period: "100ms" };
  const throttled = {
    maxBandwidth: "4MiB/s",
    policy: { kind: "qemu", downtimeLimit: "1ms", maxRounds: 100, autoConverge },
    abortAfter: "60s",
  };

  /** Writes that were due while the migration went on and were not made; and the seconds of it under a throttle. */
  function missed({ system, result }: ReturnType<typeof run>) {
    const { counters } = present(system.world.vcpus[0], "the vCPU");
    const end = (result.startTime ?? 0) + result.totalTime;
    const writes = (end * pace) / SECOND - numberAt(counters.values, Counter.accesses);
    return { writes, seconds: (end - (result.throttle[0]?.time ?? end)) / SECOND };
  }

  it("makes up for its sleep under a throttle, where one that computes writes less", () => {
    const waiting = run({ operation: throttled, vm: { gaps: "wait" } });
    const computing = run({ operation: throttled });
    expect(waiting.result.throttle.at(-1)?.percent).toBe(99);
    expect(missed(waiting).seconds).toBeGreaterThan(2);
    // Nothing but what was due in the last sleep, of 990 ms.
    expect(missed(waiting).writes).toBeLessThan(pace);
    const { writes, seconds } = missed(computing);
    expect(seconds).toBeGreaterThan(1);
    expect(writes).toBeGreaterThan(0.8 * seconds * pace);
  });

  it("makes each access at its time if nothing keeps it from that", () => {
    const { system, result } = run({ vm: { gaps: "wait" } });
    const { counters } = present(system.world.vcpus[0], "the vCPU");
    const end = (result.startTime ?? 0) + result.totalTime - (result.downtime ?? 0);
    // What an access and its walk take comes on top of work, and not of a wait.
    const due = Math.floor((end * pace) / SECOND);
    expect(Math.abs(numberAt(counters.values, Counter.accesses) - due)).toBeLessThanOrEqual(2);
  });

  it("goes on where it was saved", () => {
    const parsed = scenario({ operation: throttled, vm: { gaps: "wait" } });
    const whole = buildSystem(parsed);
    whole.run(5000);
    const saved = whole.save();
    whole.run(5000);
    const again = buildSystem(parsed);
    again.restore(saved);
    again.run(5000);
    expect(again.digests()).toEqual(whole.digests());
  });
});
