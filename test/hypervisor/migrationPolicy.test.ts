/** The rules by which a migration goes on, stops and slows the guest down: libxc's, QEMU's, auto-converge. */
import { describe, expect, it } from "vitest";
import {
  type AutoConverge,
  convergeAtSync,
  convergeFrom,
  nextThrottle,
  throttleSleep,
} from "../../src/hypervisor/migration/autoConverge.ts";
import { simplePrecopyPolicy } from "../../src/hypervisor/migration/libxc.ts";
import { afterBatch, beforeRound } from "../../src/hypervisor/migration/policy.ts";
import {
  type LibxcPolicy,
  PAGE_BYTES,
  type PrecopyStats,
  type QemuPolicy,
} from "../../src/hypervisor/migration/stats.ts";

const stats: PrecopyStats = {
  iteration: 0,
  dirtyPages: 1000,
  pendingPages: 1000,
  bandwidth: 0,
  sliceOver: true,
};
const libxc: LibxcPolicy = { kind: "libxc", downtimeLimit: 0 };

/** The rounds of libxc's loop for these dirty counts: live sends, CLEANs, and what is sent at last. */
function libxcLoop(dirtyCounts: readonly number[]): { sends: number; cleans: number } {
  let [sends, cleans, iteration, dirtyPages] = [0, 0, 0, 131_072];
  for (;;) {
    const before = beforeRound(libxc, { ...stats, iteration, dirtyPages });
    if (before !== "stop" && before !== "abort" && dirtyPages !== 0) sends++;
    if (before !== "send") return { sends, cleans };
    if (afterBatch(libxc, { ...stats, iteration, dirtyPages, pendingPages: 0 }) === "stop") {
      return { sends, cleans };
    }
    iteration++;
    dirtyPages = dirtyCounts[cleans++]!;
  }
}

describe("libxc's policy", () => {
  it("stops below 50 dirty pages, and sends what was CLEANed before it does (case 97)", () => {
    expect(beforeRound(libxc, { ...stats, iteration: 1, dirtyPages: 49 })).toBe("sendThenStop");
    expect(beforeRound(libxc, { ...stats, iteration: 1, dirtyPages: 50 })).toBe("send");
    expect(beforeRound(libxc, { ...stats, iteration: 1, dirtyPages: 0 })).toBe("sendThenStop");
  });

  it("stops at the fifth iteration (case 97)", () => {
    expect(simplePrecopyPolicy({ ...stats, iteration: 4 })).toBe("continue");
    expect(simplePrecopyPolicy({ ...stats, iteration: 5 })).toBe("stop");
  });

  it("does not take an unknown count for a small one (case 97)", () => {
    expect(simplePrecopyPolicy({ ...stats, iteration: 1, dirtyPages: -1 })).toBe("continue");
    expect(simplePrecopyPolicy({ ...stats, iteration: 5, dirtyPages: -1 })).toBe("stop");
  });

  it("sends live five times at most, after four CLEANs", () => {
    expect(libxcLoop([9000, 9000, 9000, 9000, 9000])).toEqual({ sends: 5, cleans: 4 });
    expect(libxcLoop([9000, 49])).toEqual({ sends: 3, cleans: 2 });
    expect(libxcLoop([0])).toEqual({ sends: 1, cleans: 1 });
  });

  it("does not end a round while pages wait", () => {
    expect(afterBatch(libxc, { ...stats, iteration: 4, pendingPages: 1 })).toBe("send");
    expect(afterBatch(libxc, { ...stats, iteration: 3, pendingPages: 0 })).toBe("harvest");
    expect(afterBatch(libxc, { ...stats, iteration: 4, pendingPages: 0 })).toBe("stop");
  });

  it("aborts without sending, if told to, when four rounds have left too much", () => {
    const limited: LibxcPolicy = { ...libxc, downtimeLimit: 1 };
    const left = { ...stats, dirtyPages: 1001, bandwidth: 1000 * PAGE_BYTES };
    expect(beforeRound(limited, { ...left, iteration: 3 })).toBe("send");
    expect(beforeRound(limited, { ...left, iteration: 4 })).toBe("abort");
    expect(beforeRound(limited, { ...left, iteration: 4, dirtyPages: 1000 })).toBe("send");
    expect(beforeRound(limited, { ...left, iteration: 4, dirtyPages: -1 })).toBe("send");
    expect(beforeRound(libxc, { ...left, iteration: 4 })).toBe("send");
  });
});

describe("QEMU's policy", () => {
  const qemu: QemuPolicy = {
    kind: "qemu",
    downtimeLimit: 0.3,
    maxRounds: 7,
    autoConverge: null,
    release: "8.2",
  };
  const bandwidth = 1000 * PAGE_BYTES;

  it("switches over when less is pending than the bandwidth carries in the downtime limit", () => {
    expect(beforeRound(qemu, { ...stats, bandwidth, pendingPages: 300 })).toBe("send");
    expect(beforeRound(qemu, { ...stats, bandwidth, pendingPages: 299 })).toBe("stop");
  });

  it("differs between releases where exactly the threshold is pending (case 232)", () => {
    const recent: QemuPolicy = { ...qemu, release: "2026" };
    const answers = (policy: QemuPolicy, pendingPages: number) => {
      // 122,880 bytes a millisecond, and 300 ms: 9,000 pages.
      const asked = { ...stats, bandwidth: 122_880_000, pendingPages };
      return [afterBatch(policy, asked), beforeRound(policy, asked)];
    };
    expect([9001, 9000, 8999].map((pages) => answers(recent, pages))).toEqual([
      ["send", "send"],
      ["stop", "stop"],
      ["harvest", "stop"],
    ]);
    expect([9001, 9000, 8999].map((pages) => answers(qemu, pages))).toEqual([
      ["send", "send"],
      ["harvest", "send"],
      ["harvest", "stop"],
    ]);
  });

  it("reckons with the bandwidth that it is told, once it has measured any (case 234)", () => {
    const MB = 1e6;
    const told = { ...qemu, switchoverBandwidth: 100 * MB };
    const left = { ...stats, bandwidth: 10 * MB, pendingPages: Math.floor((20 * MB) / PAGE_BYTES) };
    expect(beforeRound(qemu, left)).toBe("send");
    expect(beforeRound(told, left)).toBe("stop");
    expect(beforeRound(told, { ...left, bandwidth: 0 })).toBe("send");
  });

  it("does not switch over before it has measured a bandwidth, unless nothing is pending", () => {
    expect(beforeRound(qemu, { ...stats, pendingPages: 1 })).toBe("send");
    expect(beforeRound(qemu, { ...stats, pendingPages: 0 })).toBe("stop");
  });

  it("synchronises the bitmap before it decides", () => {
    expect(afterBatch(qemu, { ...stats, bandwidth, pendingPages: 301 })).toBe("send");
    expect(afterBatch(qemu, { ...stats, bandwidth, pendingPages: 299 })).toBe("harvest");
  });

  it("looks at what is pending at the end of a slice only, or when nothing is left to send", () => {
    const within = { ...stats, bandwidth, sliceOver: false };
    expect(afterBatch(qemu, { ...within, pendingPages: 1 })).toBe("send");
    expect(afterBatch(qemu, { ...within, pendingPages: 0 })).toBe("harvest");
  });

  it("gives up after so many rounds", () => {
    expect(beforeRound(qemu, { ...stats, bandwidth, iteration: 6 })).toBe("send");
    expect(beforeRound(qemu, { ...stats, bandwidth, iteration: 7 })).toBe("abort");
    expect(beforeRound(qemu, { ...stats, bandwidth, iteration: 7, pendingPages: 9 })).toBe("stop");
  });
});

describe("auto-converge", () => {
  const config: AutoConverge = {
    initial: 20,
    increment: 10,
    max: 99,
    threshold: 50,
    tailslow: false,
    periodCycles: 100,
  };

  /** The throttle after periods in which so much was dirtied for 1000 bytes sent. */
  function percentAfter(dirtied: readonly number[], settings = config): number {
    let state = convergeFrom(0);
    dirtied.forEach((bytes, n) => {
      state = convergeAtSync(settings, state, (n + 1) * 101, bytes, 1000);
    });
    return state.percent;
  }

  it("throttles when more than half of what was sent is dirtied, twice (case 100)", () => {
    expect(percentAfter([501])).toBe(0);
    expect(percentAfter([501, 501])).toBe(20);
    expect(percentAfter([500, 500, 500])).toBe(0);
  });

  it("counts to two, not necessarily in a row, and starts again only when it fires", () => {
    expect(percentAfter([501, 100, 501])).toBe(20);
    expect(percentAfter([501, 501, 501])).toBe(20);
    expect(percentAfter([501, 501, 501, 501])).toBe(30);
    expect(percentAfter([501, 501, 501, 0, 501])).toBe(30);
  });

  it("goes up to its maximum (case 100)", () => {
    expect(percentAfter(Array.from({ length: 40 }, () => 900))).toBe(99);
    expect(
      percentAfter(
        Array.from({ length: 40 }, () => 900),
        { ...config, max: 55 },
      ),
    ).toBe(55);
  });

  it("looks only once in a period, at all that the period had (case 236)", () => {
    let state = convergeFrom(0);
    const second = { ...config, periodCycles: 1000 };
    // Dirty 60, sent 100, in two periods; 400 ms after the first is no look.
    for (const now of [1001, 1401]) state = convergeAtSync(second, state, now, 60, 100);
    expect(state).toMatchObject({ since: 1001, highCount: 1, percent: 0 });
    expect(convergeAtSync(second, state, 2002, 60, 100).percent).toBe(20);
    state = convergeFrom(0);
    for (const now of [20, 60, 100]) state = convergeAtSync(config, state, now, 400, 500);
    expect(state).toMatchObject({ since: 0, dirtiedBytes: 1200, sentBytes: 1500, highCount: 0 });
    state = convergeAtSync(config, state, 101, 0, 500);
    expect(state).toMatchObject({ since: 101, dirtiedBytes: 0, sentBytes: 0, highCount: 1 });
  });

  it("takes smaller steps near the end with tailslow", () => {
    const tailslow = { ...config, tailslow: true };
    expect(nextThrottle(tailslow, 0, 900, 500)).toBe(20);
    // Half the speed would do: 80 - 40 is more than a step.
    expect(nextThrottle(tailslow, 20, 1000, 500)).toBe(30);
    // 20 % run now, 19 % would do.
    expect(nextThrottle(tailslow, 80, 1000, 980)).toBe(81);
    expect(nextThrottle(config, 80, 1000, 980)).toBe(90);
  });

  it("sleeps p / (1 - p) as long as it runs (cases 100, 237)", () => {
    const slice = 24_000_000;
    expect(throttleSleep(slice, 20)).toBe(slice / 4);
    expect(throttleSleep(slice, 50)).toBe(slice);
    expect(throttleSleep(slice, 99)).toBe(99 * slice);
    expect(throttleSleep(slice, 100)).toBe(99 * slice);
  });
});
