/** Going back is going there again: a snapshot and the messages after it give what the run gave. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../src/interconnect/messages.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { eptEntry } from "../../src/replay/watch.ts";
import type { System } from "../../src/system/system.ts";
import { anyRecipe, build, MESSAGES_MAX, SIMPLE, stepper } from "../system/smallSystems.ts";

interface Step {
  readonly delivery: Delivery;
  readonly digests: Readonly<Record<string, string>>;
  readonly pending: readonly Delivery[];
}

function stepsOf(system: System): Step[] {
  const steps: Step[] = [];
  const step = stepper(system, (delivery) => {
    steps.push({
      delivery,
      digests: system.digests(),
      pending: system.interconnect.pending(),
    });
  });
  while (step() && steps.length < MESSAGES_MAX);
  return steps;
}

describe("a timeline", () => {
  it("shows at every message what the run from the start shows there", () => {
    fc.assert(
      fc.property(anyRecipe, fc.array(fc.nat(), { maxLength: 8 }), (recipe, jumps) => {
        const steps = stepsOf(build(recipe));
        const initial = build(recipe).digests();
        const timeline = new Timeline(build(recipe), [], { spacing: 1 + ((jumps[0] ?? 0) % 50) });
        timeline.run();
        expect(timeline.end).toBe(steps.length);
        const check = (): void => {
          const at = timeline.position;
          const { digests, delivery, pending } = steps[at - 1] ?? {
            digests: initial,
            delivery: null,
            pending: null,
          };
          expect(timeline.system.digests()).toEqual(digests);
          expect(timeline.last).toEqual(delivery);
          if (pending !== null) expect(timeline.system.interconnect.pending()).toEqual(pending);
        };
        for (const jump of jumps) {
          expect(timeline.seek(jump % (steps.length + 1))).toBe(jump % (steps.length + 1));
          check();
        }
        while (timeline.stepBack()) {
          if (timeline.position % 3 === 0) check();
        }
        check();
      }),
      { numRuns: 25 },
    );
  });

  it("keeps to its memory, whatever it is", () => {
    const vm = {
      pages: 60,
      paging: "longMode",
      leafLevel: 1,
      vcpus: [{ gap: 0, script: Array.from({ length: 60 }, (_, i) => [i, 1] as const) }],
    } as const;
    const recipe = { ...SIMPLE, vms: [vm], passes: 40, technique: "writeProtect", harvest: 100 };
    const steps = stepsOf(build(recipe as typeof SIMPLE));
    for (const memoryBytes of [0, 200_000, 1 << 28]) {
      const timeline = new Timeline(build(recipe as typeof SIMPLE), [], {
        memoryBytes,
        spacing: 64,
      });
      timeline.run();
      if (memoryBytes > 0) expect(timeline.memory.bytes).toBeLessThanOrEqual(memoryBytes);
      for (const at of [0, 1, steps.length >> 1, steps.length - 1, steps.length]) {
        timeline.seek(at);
        expect(timeline.last).toEqual(steps[at - 1]?.delivery ?? null);
      }
    }
  });

  it("goes to a virtual time: behind the last message up to it", () => {
    fc.assert(
      fc.property(
        anyRecipe,
        fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
        (recipe, picks) => {
          const steps = stepsOf(build(recipe));
          const timeline = new Timeline(build(recipe), [], { spacing: 20 });
          for (const pick of picks) {
            const { time } = steps[pick % steps.length]!.delivery;
            const upTo = steps.filter(({ delivery }) => delivery.time <= time).length;
            expect(timeline.seekTime(time)).toBe(upTo);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it("finds the last message before the present for which something holds", () => {
    fc.assert(
      fc.property(
        anyRecipe,
        fc.nat(),
        fc.constantFrom("vmExit", "resume", "kick"),
        (recipe, cut, type) => {
          const steps = stepsOf(build(recipe));
          const from = cut % (steps.length + 1);
          const timeline = new Timeline(build(recipe), [], { spacing: 20 });
          timeline.run();
          timeline.seek(from);
          const expected = steps
            .slice(0, Math.max(0, from - 1))
            .findLastIndex(({ delivery }) => delivery.message.type === type);
          const found = timeline.runBackTo(({ message }) => message.type === type);
          expect(found?.position ?? 0).toBe(expected + 1);
          expect(timeline.position).toBe(found?.position ?? from);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("says which message last changed what is watched, such as the EPT entry of a page", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), fc.nat(63), (recipe, cut, pick) => {
        const page = pick % recipe.vms[0]!.pages;
        const watch = eptEntry(0, page);
        const values: string[] = [];
        const plain = build(recipe);
        values.push(watch(plain));
        const step = stepper(plain, () => values.push(watch(plain)));
        while (step());
        const from = cut % values.length;
        const timeline = new Timeline(build(recipe), [], { spacing: 20 });
        timeline.seek(from);
        const change = timeline.lastChange(watch);
        const expected = values
          .slice(0, from + 1)
          .findLastIndex((v, i) => i > 0 && v !== values[i - 1]);
        expect(change?.position ?? -1).toBe(expected);
        if (change !== null) {
          expect([change.before, change.after]).toEqual([values[expected - 1], values[expected]]);
        }
        expect(timeline.position).toBe(from);
      }),
      { numRuns: 25 },
    );
  });
});
