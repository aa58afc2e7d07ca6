/** Rounds of dirty logging by one vCPU: cases 75 to 78 and 81, under every technique that finds written pages. */
import { describe, expect, it } from "vitest";
import type { ToolstackContext } from "../../machines/toolstack.ts";
import { countMarked, isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import type { Technique } from "../../src/interconnect/messages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { build, drive, type Script, SIMPLE } from "./smallSystems.ts";

const TECHNIQUES = [
  "writeProtect",
  "accessedDirtyScan",
  "pml",
  "dirtyRing",
  "amdPml",
  "hdbss",
] as const;

/** Pages written in each round of 100,000 cycles, and the EPT violations of the whole run. */
function rounds(technique: Technique, script: Script, passes = 1, gap = 40_000) {
  const system = build({
    ...SIMPLE,
    technique,
    passes,
    harvest: 100_000,
    vms: [{ pages: 8, paging: "off", leafLevel: 1, vcpus: [{ gap, script }] }],
  });
  drive(system, () => {});
  const { rounds } = system.actor("toolstack").snapshot.context as ToolstackContext;
  return {
    written: rounds.map(({ pagesWritten }) => pagesWritten[0]),
    violations: summarize(system).exits["48"] ?? 0,
  };
}

describe.each(TECHNIQUES)("under %s", (technique) => {
  it("a page that is written twice in a round takes one fault at most, and is reported once (case 75)", () => {
    const { written, violations } = rounds(
      technique,
      [
        [3, 1],
        [3, 1],
      ],
      1,
      10,
    );
    expect(written).toEqual([1]);
    expect(violations).toBe(technique === "writeProtect" || technique === "dirtyRing" ? 1 : 0);
  });

  it("a round without writes is empty (case 76), also if the page is read (case 78)", () => {
    const reads: Script = Array.from({ length: 30 }, () => [3, 0] as const);
    const { written } = rounds(technique, [[3, 1], ...reads]);
    expect(written.length).toBeGreaterThan(3);
    expect(written[0]).toBe(1);
    expect(new Set(written.slice(1))).toEqual(new Set([0]));
  });

  it("a page that is written again after a harvest is reported again (case 77)", () => {
    const { written } = rounds(technique, [[3, 1]], 60);
    expect(written.length).toBeGreaterThan(3);
    // The last round may end before its first write.
    expect(new Set(written.slice(0, -1))).toEqual(new Set([1]));
  });

  it("of 2^18 + 16 pages the last ones are tracked, and none beyond (case 81)", () => {
    const pages = 2 ** 18 + 16;
    const system = buildSystem(
      scenarioSchema.parse({
        name: "odd",
        vms: [
          {
            memory: `${pages * 4}KiB`,
            paging: "off",
            workload: {
              kind: "phaseChange",
              phases: [{ firstPage: pages - 20, pages: 20, accesses: 400, writeFraction: 1 }],
            },
          },
        ],
        tracker: { technique },
      }),
    );
    system.run();
    const { reportedWritten } = system.world.vms[0]!;
    expect(countMarked(reportedWritten)).toBe(20);
    for (let page = pages - 20; page < pages; page++)
      expect(isMarked(reportedWritten, page)).toBe(true);
    for (let page = pages; page < pages + 64; page++)
      expect(isMarked(reportedWritten, page)).toBe(false);
  });
});
