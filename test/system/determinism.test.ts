/** Same recipe, same run: whatever else the process does, whoever watches, and across snapshots. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor, createMachine } from "xstate";
import { type PartJson, partFromJson, partToJson } from "../../src/hardware/part.ts";
import type { Delivery } from "../../src/interconnect/messages.ts";
import type { System, SystemSnapshot } from "../../src/system/system.ts";
import { anyRecipe, build, deliveriesOf, MESSAGES_MAX, SIMPLE } from "./smallSystems.ts";

const RUNS = 120;

interface Step {
  readonly delivery: Delivery;
  readonly digests: Readonly<Record<string, string>>;
}

/** Every message of a run to its end, with the digests after it. */
function stepsOf(system: System): Step[] {
  const steps: Step[] = [];
  const subscription = system.interconnect.delivered.subscribe((delivery) => {
    steps.push({ delivery, digests: system.digests() });
  });
  system.run(MESSAGES_MAX);
  subscription.unsubscribe();
  expect(system.done).toBe(true);
  return steps;
}

type JsonSnapshot = Omit<SystemSnapshot, "parts"> & { readonly parts: readonly PartJson[] };

function toJson(snapshot: SystemSnapshot): JsonSnapshot {
  return { ...snapshot, parts: snapshot.parts.map(partToJson) };
}

function throughJson(snapshot: SystemSnapshot): SystemSnapshot {
  const json = toJson(snapshot);
  const text = JSON.stringify(json);
  const back = JSON.parse(text) as JsonSnapshot;
  // Nothing that JSON drops or changes: no undefined, NaN, Infinity, -0, dates, functions.
  expect(back).toStrictEqual(json);
  return { ...back, parts: back.parts.map(partFromJson) };
}

describe("a run", () => {
  it("gives the same deliveries and the same digests each time", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        expect(stepsOf(build(recipe))).toEqual(stepsOf(build(recipe)));
      }),
      { numRuns: RUNS },
    );
  });

  it("does not notice unrelated XState actors", () => {
    const other = createMachine({
      initial: "a",
      states: { a: { after: { 1: "b" }, on: { X: "b" } }, b: { on: { X: "a" } } },
    });
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const expected = stepsOf(build(recipe));
        const actors = [1, 2, 3].map(() => createActor(other).start());
        for (const actor of actors) actor.send({ type: "X" });
        expect(stepsOf(build(recipe))).toEqual(expected);
        for (const actor of actors) actor.stop();
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it("does not notice observers that come and go", () => {
    fc.assert(
      fc.property(anyRecipe, fc.integer({ min: 1, max: 9 }), (recipe, every) => {
        const plain = build(recipe);
        plain.run(MESSAGES_MAX);
        const watched = build(recipe);
        let seen = 0;
        let subscriptions = [watched.interconnect.delivered.subscribe()];
        while (watched.step()) {
          if (++seen % every !== 0) continue;
          for (const subscription of subscriptions.splice(seen % 3)) subscription.unsubscribe();
          subscriptions = [
            ...subscriptions,
            watched.interconnect.delivered.subscribe(() => watched.actors.map((a) => a.snapshot)),
          ];
        }
        expect(watched.interconnect.save()).toEqual(plain.interconnect.save());
        expect(watched.digests()).toEqual(plain.digests());
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it("is the same under XState's interpreter as with compiled machines", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const compiled = build(recipe, "compiled");
        const interpreted = build(recipe, "interpreted");
        expect(deliveriesOf(interpreted)).toEqual(deliveriesOf(compiled));
        expect(interpreted.digests()).toEqual(compiled.digests());
      }),
      { numRuns: RUNS / 3 },
    );
  });
});

describe("a snapshot", () => {
  /** Runs to a cut, restores there into a new system through `carry`, and compares all that follows. */
  function compareFrom(
    recipe: Parameters<typeof build>[0],
    cut: number,
    carry: (snapshot: SystemSnapshot) => SystemSnapshot,
    logic: Parameters<typeof build>[1] = "compiled",
  ): void {
    const whole = stepsOf(build(recipe, logic));
    const at = cut % (whole.length + 1);
    const first = build(recipe, logic);
    first.run(at);
    const snapshot = first.save();
    const second = build(recipe, logic);
    second.restore(carry(snapshot));
    expect(second.digests()).toEqual(first.digests());
    expect(second.done).toBe(at === whole.length);
    expect(stepsOf(second)).toEqual(whole.slice(at));
    // The snapshot is detached: running on has changed nothing in it.
    first.run(MESSAGES_MAX);
    const third = build(recipe, logic);
    third.restore(snapshot);
    expect(stepsOf(third)).toEqual(whole.slice(at));
  }

  it("continues like the uninterrupted run, wherever it was taken", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, cut) => {
        compareFrom(recipe, cut, (snapshot) => snapshot);
      }),
      { numRuns: RUNS },
    );
  });

  it("continues like the uninterrupted run after a way through JSON", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, cut) => compareFrom(recipe, cut, throughJson)),
      { numRuns: RUNS },
    );
  });

  it("continues under XState's interpreter, too", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, cut) => {
        compareFrom(recipe, cut, throughJson, "interpreted");
      }),
      { numRuns: RUNS / 5 },
    );
  });

  it("replaces whatever the system had been doing", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), fc.nat(), (recipe, cut, otherCut) => {
        const whole = stepsOf(build(recipe));
        const at = cut % (whole.length + 1);
        const first = build(recipe);
        first.run(at);
        const snapshot = first.save();
        const second = build(recipe);
        second.run(otherCut % (whole.length + 1));
        second.restore(snapshot);
        expect(second.digests()).toEqual(first.digests());
        expect(stepsOf(second)).toEqual(whole.slice(at));
      }),
      { numRuns: RUNS },
    );
  });

  it("is refused by a system of another shape", () => {
    const script = [[0, 1]] as const;
    const vm = { pages: 3, paging: "off", leafLevel: 1, vcpus: [{ gap: 0, script }] } as const;
    const small = build({ ...SIMPLE, vms: [vm] });
    const large = build({ ...SIMPLE, vms: [{ ...vm, pages: 60 }] });
    expect(() => large.restore(small.save())).toThrow(/another shape/);
  });
});
