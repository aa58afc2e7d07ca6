/** A checkpoint holds what the VMs held, whatever found the pages; and a run can go on from it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { Counter } from "../../src/hardware/counters.ts";
import type { Technique } from "../../src/interconnect/messages.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { Book } from "../../src/system/operations/checkpoint/book.ts";
import { restoreCheckpoint } from "../../src/system/operations/checkpoint/restore.ts";
import { MemorySink } from "../../src/system/operations/checkpoint/sink.ts";
import type { System } from "../../src/system/system.ts";
import {
  anyCheckpoints,
  buildCheckpoints,
  type CheckpointRecipe,
  contentsOf,
  PLAIN,
  resultOf,
  WRITTEN_FINDERS,
  watch,
} from "./checkpointSystems.ts";

const RUNS = process.env["TRACKVISOR_QUICK"] === "1" ? 30 : 300;

function restoreInto(system: System, bytes: Buffer) {
  return restoreCheckpoint(system, sourceOf("memory", bytes));
}

/** What every checkpoint restores, and what the test saw in the VMs when it was taken. */
function contentsOfRun(recipe: CheckpointRecipe) {
  const sink = new MemorySink();
  const system = buildCheckpoints(recipe, sink);
  const restored: (readonly number[][])[] = [];
  const { copied } = watch(system, (number) => {
    const fresh = buildCheckpoints(recipe);
    // What could not be written leaves what was there before.
    if (recipe.fails.includes(number)) return;
    const { checkpoint, continues } = restoreInto(fresh, sink.bytes);
    expect(checkpoint.number).toBe(number);
    expect(continues).toBe(recipe.state);
    restored.push(contentsOf(fresh));
  });
  const { committed, failures } = resultOf(system);
  expect(failures.filter((failure) => failure.includes("left out"))).toEqual([]);
  const written = copied.filter((_, number) => !recipe.fails.includes(number));
  expect(committed).toBe(written.length);
  return { restored, copied: written };
}

describe("a checkpoint", () => {
  it("holds what the VMs held when they stood still", () => {
    let checkpoints = 0;
    let runs = 0;
    fc.assert(
      fc.property(anyCheckpoints("live", "stop", "diff"), (recipe) => {
        const { restored, copied } = contentsOfRun(recipe);
        expect(restored).toEqual(copied);
        checkpoints += copied.length;
        runs++;
      }),
      { numRuns: RUNS },
    );
    // Else the property says little.
    expect(checkpoints / runs).toBeGreaterThan(2);
  });

  it.each(WRITTEN_FINDERS)(
    "is one of all pages at first, and of dirty pages then: %s",
    (technique) => {
      const system = buildCheckpoints({ ...PLAIN, system: { ...PLAIN.system, technique } });
      watch(system);
      const { checkpoints, failures } = resultOf(system);
      expect(failures).toEqual([]);
      expect(checkpoints.length).toBeGreaterThan(2);
      expect(checkpoints[0]!.pages).toBe(8);
      // The workload never touches pages 6 and 7.
      for (const { pages } of checkpoints.slice(1)) expect(pages).toBeLessThanOrEqual(6);
    },
  );

  it.each(WRITTEN_FINDERS)(
    "that is differential has what was written since the last one on the storage: %s",
    (technique) => {
      const system = { ...PLAIN.system, technique };
      const recipe = { ...PLAIN, system, mode: "diff" as const, stops: 4, epoch: 120_000 };
      const pagesWith = (fails: readonly number[]) => {
        const run = buildCheckpoints({ ...recipe, fails });
        watch(run);
        return resultOf(run).checkpoints.map(({ pages }) => pages);
      };
      const [full, first, second] = pagesWith([]) as [number, number, number];
      expect(full).toBe(8);
      expect(first).toBeLessThanOrEqual(6);
      expect(second).toBeLessThanOrEqual(6);
      // The retry has what the first took out of the log, and what was written since (Firecracker, issue 4545).
      expect(pagesWith([1])[2]).toBeGreaterThanOrEqual(Math.max(first, second));
      // There is no chain yet.
      expect(pagesWith([0])[1]).toBe(8);
    },
  );

  it("does not depend on tracking when the VMs stand still for all of it", () => {
    const techniques: Technique[] = ["none", "pml", "prl", "presentBit"];
    const results = techniques.map((technique) => {
      const recipe = { ...PLAIN, mode: "stop" as const, system: { ...PLAIN.system, technique } };
      const system = buildCheckpoints(recipe);
      watch(system);
      return { result: resultOf(system), now: system.interconnect.now };
    });
    for (const one of results) expect(one).toEqual(results[0]);
    expect(results[0]!.result.committed).toBe(3);
  });

  it.each(["none", "prl", "presentBit"] as const)(
    "of running VMs is refused with %s",
    (technique) => {
      const recipe = { ...PLAIN, system: { ...PLAIN.system, technique } };
      expect(() => buildCheckpoints(recipe)).toThrow(UserError);
      expect(() => buildCheckpoints(recipe)).toThrow(technique);
    },
  );
});

describe("output of an epoch", () => {
  it("is held from where it happened, evenly spread, until its checkpoint is acknowledged", () => {
    const book = new Book();
    book.noteCopy(0, 8, true);
    book.noteRelease(100);
    book.notePause(200);
    book.holdOutput(10, 3);
    book.noteCopy(205, 4, false);
    book.noteRelease(220);
    book.releaseOutput(300);
    // After 3, 6 and 9 of 10 accesses: at 130, 160 and 190.
    expect(book.held).toEqual({ outputs: 3, meanDelay: 140, maxDelay: 170 });
    book.notePause(320);
    book.holdOutput(11, 3);
    book.releaseOutput(400);
    expect(book.held.outputs).toBe(3);
    expect(book.record(0).pause).toBe(0);
    expect(book.record(1).pause).toBe(20);
  });

  it("all goes out, and none before the acknowledgement", () => {
    fc.assert(
      fc.property(anyCheckpoints("live"), (any) => {
        const recipe = { ...any, accessesPerOutput: 1 };
        const system = buildCheckpoints(recipe);
        watch(system);
        const { output } = resultOf(system);
        const accesses = system.world.vcpus.reduce((sum, { counters }) => {
          return sum + counters.values[Counter.accesses]!;
        }, 0);
        expect(output!.outputs).toBe(accesses);
        if (accesses === 0) return;
        expect(output!.meanDelay).toBeGreaterThanOrEqual(recipe.acknowledge);
        expect(output!.maxDelay).toBeGreaterThanOrEqual(output!.meanDelay * (1 - 1e-9));
      }),
      { numRuns: RUNS / 3 },
    );
  });
});

describe("a tracker that loses pages", () => {
  const twoVcpus = {
    ...PLAIN.system,
    pcpus: 2,
    vms: [{ ...PLAIN.system.vms[0]!, vcpus: [0, 1].map(() => PLAIN.system.vms[0]!.vcpus[0]!) }],
  };
  // Pages 0 to 5 fit the TLB: a stale entry is used again.
  const largeTlb = { ...PLAIN.system, l1: { sets: 1, ways: 8 }, l2: { sets: 2, ways: 8 } };
  const cases = [
    ["skipInvept", { ...largeTlb, technique: "pml" }],
    ["skipInvept", { ...largeTlb, technique: "writeProtect" }],
    ["skipInvept", { ...largeTlb, technique: "accessedDirtyScan" }],
    ["harvestBeforeDrain", { ...PLAIN.system, technique: "pml" }],
    ["pmlOnSomeVcpus", { ...twoVcpus, technique: "pml" }],
  ] as const;

  it.each(cases)("makes checkpoints that differ from the VM: %s", (fault, system) => {
    const sound = contentsOfRun({ ...PLAIN, system });
    expect(sound.restored).toEqual(sound.copied);
    const lossy = contentsOfRun({ ...PLAIN, system, faults: [fault] });
    expect(lossy.restored).not.toEqual(lossy.copied);
  });
});

describe("a run that goes on from a checkpoint", () => {
  /** What the file is, and where it lies, differs: the restored run begins a new one. */
  function outcome(system: System) {
    const { fileBytes: _, fileRewrites: __, ...result } = resultOf(system);
    const digests = Object.entries(system.digests()).filter(
      ([name]) => !name.startsWith("checkpoint/") || name.startsWith("checkpoint/image"),
    );
    return { result, digests, contents: contentsOf(system), now: system.interconnect.now };
  }

  it("ends like the original", () => {
    fc.assert(
      fc.property(anyCheckpoints("live", "stop", "diff"), fc.nat(), (any, pick) => {
        const recipe = { ...any, state: true };
        const sink = new MemorySink();
        const original = buildCheckpoints(recipe, sink);
        const files: Buffer[] = [];
        watch(original, (number) => {
          if (!recipe.fails.includes(number)) files.push(sink.bytes);
        });
        if (files.length === 0) return;
        const restored = buildCheckpoints(recipe);
        expect(restoreInto(restored, files[pick % files.length]!).continues).toBe(true);
        watch(restored);
        expect(outcome(restored)).toEqual(outcome(original));
      }),
      { numRuns: RUNS },
    );
  });

  it("can be restored from its own file", () => {
    const recipe = { ...PLAIN, state: true };
    const sink = new MemorySink();
    let first: Buffer = Buffer.alloc(0);
    const original = buildCheckpoints(recipe, sink);
    watch(original, (number) => {
      if (number === 1) first = sink.bytes;
    });
    const secondSink = new MemorySink();
    const second = buildCheckpoints(recipe, secondSink);
    restoreInto(second, first);
    let again: Buffer = Buffer.alloc(0);
    watch(second, () => {
      if (again.length === 0) again = secondSink.bytes;
    });
    const third = buildCheckpoints(recipe);
    expect(restoreInto(third, again).checkpoint.number).toBe(1);
    watch(third);
    expect(outcome(third)).toEqual(outcome(original));
  });

  it("is refused with a file of other VMs, or of another scenario", () => {
    const sink = new MemorySink();
    watch(buildCheckpoints({ ...PLAIN, state: true }, sink));
    const other = { ...PLAIN.system, vms: [{ ...PLAIN.system.vms[0]!, pages: 9 }] };
    const larger = buildCheckpoints({ ...PLAIN, system: other });
    expect(() => restoreInto(larger, sink.bytes)).toThrow(/of other VMs/);
    const edited = buildCheckpoints({ ...PLAIN, state: true }, undefined, "compiled", "edited");
    expect(() => restoreInto(edited, sink.bytes)).toThrow(
      /of another scenario, or of an edited one/,
    );
  });
});

describe("a snapshot of a run that takes checkpoints", () => {
  it("continues like the uninterrupted run, wherever it was taken", () => {
    fc.assert(
      fc.property(anyCheckpoints("live", "stop"), fc.nat(), (recipe, cut) => {
        const sink = new MemorySink();
        const whole = buildCheckpoints(recipe, sink);
        const { messages } = watch(whole);
        const first = buildCheckpoints(recipe);
        first.run(cut % messages);
        const snapshot = first.save();
        const secondSink = new MemorySink();
        const second = buildCheckpoints(recipe, secondSink);
        second.restore(snapshot);
        expect(second.digests()).toEqual(first.digests());
        watch(second);
        expect(resultOf(second)).toEqual(resultOf(whole));
        expect(second.digests()).toEqual(whole.digests());
        expect(secondSink.bytes.equals(sink.bytes)).toBe(true);
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it("is the same under XState's interpreter as with compiled machines", () => {
    fc.assert(
      fc.property(anyCheckpoints("live", "stop"), (recipe) => {
        const compiled = buildCheckpoints(recipe);
        const interpreted = buildCheckpoints(recipe, undefined, "interpreted");
        watch(compiled);
        watch(interpreted);
        expect(interpreted.digests()).toEqual(compiled.digests());
      }),
      { numRuns: RUNS / 6 },
    );
  });
});
