/**
 * Disarming hands over what was logged since the last harvest: a page that the guest has written (or touched) while
 * it was tracked comes to whoever tracked it, in the last harvest or with the tracker's end. The rule for every tracker.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TrackerContext } from "../../machines/trackerContext.ts";
import { countTruth } from "../../src/hardware/guestPages.ts";
import { countMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import type { Message } from "../../src/interconnect/messages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { countBelow } from "../../src/system/trackerDevice.ts";
import type { VmHarvests } from "../../src/system/verdict/harvestVerdict.ts";
import { listeningAt } from "./smallSystems.ts";

const PAGES = 400;
const workload = { kind: "uniform", pages: PAGES, writeFraction: 0.4, gap: 400, accesses: 4000 };

const TRACKERS = {
  writeProtect: { technique: "writeProtect" },
  presentBit: { technique: "presentBit" },
  accessedDirtyScan: { technique: "accessedDirtyScan" },
  pml: { technique: "pml" },
  prl: { technique: "prl" },
  "prl with two logs": { technique: "prl", prl: { doubleBuffer: true } },
  "a dirty ring from write protection": {
    technique: "dirtyRing",
    ring: { source: "writeProtect", entries: 256 },
  },
  "a dirty ring from PML": { technique: "dirtyRing", ring: { source: "pml", entries: 1024 } },
} as const;

interface Case {
  readonly seed: number;
  readonly vcpus: number;
  readonly logEntries: number;
  /** Messages that are delivered before the tracker is disarmed. */
  readonly messages: number;
  /** Whether harvests come before it. */
  readonly harvests: boolean;
}

const cases: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(1000),
  vcpus: fc.integer({ min: 1, max: 2 }),
  logEntries: fc.constantFrom(4, 16, 512),
  messages: fc.integer({ min: 1, max: 120 }),
  harvests: fc.boolean(),
});

/** A measured VM whose tracker somebody disarms in the middle. */
function disarmedInTheMiddle(
  tracker: object,
  { seed, vcpus, logEntries, messages, harvests }: Case,
  faults: readonly string[] = [],
) {
  const scenario = scenarioSchema.parse({
    name: "handed over",
    seed,
    machine: { cpus: 2, logEntries, quantum: "20us" },
    vms: [{ vcpus, workload }],
    tracker,
    operation: { kind: "measure", ...(harvests ? { harvest: "200us" } : {}) },
    faults,
  });
  const { system, listener } = listeningAt("operator", buildSystem(scenario).config);
  const actor = system.actor("vm0/tracker");
  const until = (...states: readonly string[]): void => {
    while (!states.includes(actor.value) && system.step());
  };
  until("logging");
  system.run(messages);
  until("logging");
  const vm = system.world.vms[0]!;
  let answer: Extract<Message, { type: "disarmed" }> | null = null;
  system.interconnect.delivered.subscribe(({ to, message }) => {
    if (to === listener && message.type === "disarmed") answer = message;
  });
  system.command("vm0/tracker", { type: "disarm", requester: listener });
  const ends = (): boolean => {
    const { answer } = actor.live.context as TrackerContext;
    return actor.value === "flushing" && answer.type === "disarmed";
  };
  while (!ends() && system.step());
  const disarmed = !system.done;
  const handedOver = countMarked(vm.tracked.handedOver);
  const truth = countTruth(vm.guest);
  const [written = 0, touched = 0] = [vm.reportedWritten, vm.reportedTouched].map((pages) =>
    countBelow(pages, vm.config.pages),
  );
  until("off");
  system.run(1);
  return {
    system,
    listener,
    disarmed,
    answer: answer as Message | null,
    handedOver,
    truth,
    written,
    touched,
  };
}

describe.each(Object.entries(TRACKERS))("%s, disarmed at any moment", (_name, tracker) => {
  it("has reported every page, and hands over those of its last round", () => {
    let found = 0;
    fc.assert(
      fc.property(cases, (one) => {
        const run = disarmedInTheMiddle(tracker, one);
        const { system, disarmed, handedOver, truth, written, touched } = run;
        const { technique } = tracker;
        const { missedGpas, reported, failures, harvests } = summarize(system);
        expect(failures).toEqual([]);
        if (!disarmed) return;
        found += handedOver;
        // Without a harvest before it is all there is.
        if (technique !== "prl" || missedGpas === 0) {
          if (reported.pagesWritten !== null)
            expect(written).toBeGreaterThanOrEqual(truth.pagesWritten);
          if (reported.pagesTouched !== null)
            expect(touched).toBeGreaterThanOrEqual(truth.pagesTouched);
        }
        if (handedOver > 0) expect(harvests[0]!.harvests).toBeGreaterThan(0);
        const said = run.answer as { pages?: number } | null;
        if (said !== null) expect(said.pages ?? 0).toBe(handedOver);
      }),
      { numRuns: 40 },
    );
    expect(found).toBeGreaterThan(0);
  });
});

it("a tracker that is armed again knows nothing of the round that ended with tracking", () => {
  const one: Case = { seed: 3, vcpus: 1, logEntries: 512, messages: 6, harvests: true };
  const { system, listener, handedOver } = disarmedInTheMiddle(TRACKERS.pml, one);
  expect(handedOver).toBeGreaterThan(0);
  system.command("vm0/tracker", { type: "arm", technique: "pml", requester: listener });
  system.run();
  const [{ harvests, overReported, lostPages }] = summarize(system).harvests as [VmHarvests];
  expect([harvests > 1, overReported, lostPages]).toEqual([true, 0, 0]);
});

describe("the verdict of a run", () => {
  const one: Case = { seed: 1, vcpus: 1, logEntries: 512, messages: 20, harvests: false };

  it("counts what is handed over as a harvest, and no more if nothing was done in the round", () => {
    const { system, handedOver } = disarmedInTheMiddle(TRACKERS.pml, one);
    expect(handedOver).toBeGreaterThan(0);
    expect(summarize(system).harvests).toMatchObject([
      { harvests: 1, lostPages: 0, overReported: 0 },
    ]);
  });

  it("names the pages that a tracker did not hand over", () => {
    const { system } = disarmedInTheMiddle(TRACKERS.pml, one, ["harvestBeforeDrain"]);
    expect(summarize(system).failures[0]).toMatch(
      /^vm0: round 1 lost \d+ written pages .* under pml$/,
    );
  });
});
