/**
 * What a technique says of exits is what guests see: with the format that its unit has, or, where it needs none, with each.
 * With Svade an access that finds A clear, or a store that finds D clear, is a guest-page fault (RISC-V privileged
 * architecture, Svade; cases 3.1 and 3.2 of the units): a scan of flags exits there, and nowhere else.
 */
import { describe, expect, it } from "vitest";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { ACCESS_COMPLETES } from "../../src/check/models/guestProgress.ts";
import { COUNTED_WAS_ACCESSED } from "../../src/check/models/stepChecks.ts";
import { type TrackingOptions, trackingModel } from "../../src/check/models/tracking.ts";
import { around } from "../../src/check/mutations/mutation.ts";
import { verdictsOf } from "../../src/check/verdicts.ts";
import { ExitReason } from "../../src/hardware/exit.ts";
import { FORMATS } from "../../src/hardware/formats/all.ts";
import type { EntryFormat } from "../../src/hardware/formats/entryFormat.ts";
import { GSTAGE, GSTAGE_SVADE } from "../../src/hardware/formats/gstage.ts";

import { techniques, unitOf } from "../../src/hypervisor/techniques/all.ts";
import { exitsOn, type Technique } from "../../src/hypervisor/techniques/technique.ts";
import { summarize } from "../../src/system/summary.ts";
import { System } from "../../src/system/system.ts";
import { configuredUnits, formatFor, writeLog } from "../../src/units/all.ts";
import { configOf, drive, type Recipe, SIMPLE } from "./smallSystems.ts";

const units = configuredUnits({});

/** Formats with which it can work. */
function formatsOf({ name }: Technique): readonly EntryFormat[] {
  const logging = unitOf(name, units, writeLog(units, "writeProtect"));
  return logging === null ? FORMATS : [formatFor(logging)];
}

/** One vCPU that reads and writes all its pages, over and over, while it is harvested. */
const BUSY: Recipe = {
  ...SIMPLE,
  vms: [
    {
      pages: 8,
      paging: "longMode",
      leafLevel: 1,
      vcpus: [{ gap: 1, script: Array.from({ length: 16 }, (_, i) => [i >> 1, i & 1] as const) }],
    },
  ],
  passes: 20,
  harvest: 1000,
};

/** Exits of a busy guest but for HLT, which is its end, and interrupts, which are the hypervisor's. */
function exitsOf(technique: Technique, format: EntryFormat): number {
  const config = configOf({ ...BUSY, technique: technique.name });
  const mmu = { ...config.world.mmu, format };
  const system = new System({ ...config, world: { ...config.world, mmu } });
  drive(system, () => {});
  const {
    [ExitReason.hlt]: _,
    [ExitReason.externalInterrupt]: __,
    ...exits
  } = summarize(system).exits;
  return Object.values(exits).reduce((sum, count) => sum + count, 0);
}

const pairs = techniques().flatMap((technique) =>
  formatsOf(technique).map((format) => [technique.name, format.name, technique, format] as const),
);

describe("guests exit where the technique says so, and only there", () => {
  it.each(pairs)("%s with entries of %s", (_name, _format, technique, format) => {
    expect(exitsOf(technique, format) > 0).toBe(exitsOn(technique, format));
  });
});

const ON_SVADE: TrackingOptions = {
  technique: "accessedDirtyScan",
  format: GSTAGE_SVADE,
  vcpus: [1],
  pages: 2,
  logEntries: 1,
  eptLevels: 1,
};

function verdicts(options: TrackingOptions): ReadonlyMap<string, string> {
  const exploration = new Exploration(trackingModel("scan", options));
  exploration.run();
  return new Map(verdictsOf(exploration).map(({ name, verdict }) => [name, verdict]));
}

const ofAccesses = (names: Iterable<string>): string[] =>
  [...names].filter((name) => name.startsWith(ACCESS_COMPLETES));

describe("a model of a scan follows from what is said of its format", () => {
  it("with Svade an access that has exited is done at last, and no page is lost (cases 3.1, 3.2)", () => {
    const all = verdicts(ON_SVADE);
    expect(ofAccesses(all.keys())).toHaveLength(1);
    expect(all.has(COUNTED_WAS_ACCESSED)).toBe(false);
    expect([...new Set(all.values())]).toEqual(["holds"]);
  });

  it("with Svadu no access exits, and what is counted was accessed (case 3.3)", () => {
    const all = verdicts({ ...ON_SVADE, format: GSTAGE });
    expect(ofAccesses(all.keys())).toEqual([]);
    expect(all.get(COUNTED_WAS_ACCESSED)).toBe("holds");
  });

  it("an exit that is answered without setting the flag is noticed", () => {
    const replace = around("tracker", ({ op }, perform, { memory }) => {
      const before = memory.words.slice();
      const reply = perform();
      if (op === "serveViolation") memory.words.set(before);
      return reply;
    });
    const all = verdicts({ ...ON_SVADE, replace });
    expect(ofAccesses(all.keys()).map((name) => all.get(name))).toEqual(["violated"]);
  });
});
