/** What is recorded is replayed alike; what differs is named. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery, Message } from "../../src/interconnect/messages.ts";
import type { Intervention } from "../../src/system/intervention.ts";
import type { System } from "../../src/system/system.ts";
import {
  anyRecipe,
  build,
  deliveriesOf,
  MESSAGES_MAX,
  type Recipe,
} from "../system/smallSystems.ts";
import { entriesOf, readerOf, recordRun, replayAll } from "./logs.ts";

const RUNS = 40;

describe("a log", () => {
  it("holds every message of the run as it was delivered", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const reader = readerOf(recordRun(build(recipe)));
        const messages = entriesOf(reader).flatMap((entry) =>
          entry.kind === "message" ? [entry.delivery] : [],
        );
        expect(messages).toEqual(deliveriesOf(build(recipe)));
        expect(reader.damage).toBeUndefined();
        expect(reader.end).toMatchObject({ messages: messages.length, complete: true });
      }),
      { numRuns: RUNS },
    );
  });

  it("is the same, byte for byte, each time, and replays without a difference", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const bytes = recordRun(build(recipe));
        expect(recordRun(build(recipe)).equals(bytes)).toBe(true);
        expect(replayAll(bytes, build(recipe))).toBeNull();
      }),
      { numRuns: RUNS },
    );
  });

  it("of a run that somebody interfered with replays alike, too", () => {
    fc.assert(
      fc.property(anyRecipe, fc.array(meddling, { maxLength: 12 }), (recipe, meddlings) => {
        const meddled: Intervention[] = [];
        const bytes = recordRun(build(recipe), (system) => meddle(system, meddlings, meddled));
        const logged = entriesOf(readerOf(bytes)).flatMap((entry) =>
          entry.kind === "intervention" ? [entry.intervention] : [],
        );
        expect(logged).toEqual(meddled);
        expect(replayAll(bytes, build(recipe))).toBeNull();
      }),
      { numRuns: RUNS },
    );
  });

  it("that is compared with another run names the first message that differs", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, pick) => {
        const other = withAnotherAccess(recipe, pick);
        const difference = replayAll(recordRun(build(recipe)), build(other));
        const [ours, theirs] = [deliveriesOf(build(recipe)), deliveriesOf(build(other))];
        const first = ours.findIndex((one, i) => !same(one, theirs[i]));
        if (first < 0 && ours.length === theirs.length) return;
        expect(difference).not.toBeNull();
        // The state may differ before a message does.
        expect(difference!.position).toBeLessThanOrEqual(first < 0 ? ours.length : first);
        expect(difference!.before).toEqual(
          ours.slice(Math.max(0, difference!.position - 10), difference!.position),
        );
        if (difference!.kind !== "message") return;
        expect(difference!.recorded).toEqual(ours[first]);
        expect(difference!.actual).toEqual(theirs[first]);
        expect(difference!.fields.length).toBeGreaterThan(0);
      }),
      { numRuns: 3 * RUNS },
    );
  });

  it("shows a difference in memory alone at the next checkpoint", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const plain = build(recipe);
        const bytes = recordRun(plain);
        if ((plain.world.vms[0]!.guest.truth[0]! & (1 << 30)) !== 0) return;
        const system = build(recipe);
        system.world.vms[0]!.guest.truth[0] = system.world.vms[0]!.guest.truth[0]! ^ (1 << 30);
        const difference = replayAll(bytes, system);
        if (difference === null) throw new Error("not noticed");
        expect(difference).toMatchObject({ kind: "checkpoint", detail: ["vm0/pages"] });
      }),
      { numRuns: 10 },
    );
  });

  it("of at most 24 bytes a message", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const reader = readerOf(recordRun(build(recipe)));
        const messages = entriesOf(reader).filter(({ kind }) => kind === "message").length;
        if (messages < 2000) return;
        expect(reader.source.length / messages).toBeLessThanOrEqual(24);
      }),
      { numRuns: RUNS },
    );
  });
});

interface Meddling {
  readonly after: number;
  readonly kind: Intervention["kind"];
  readonly pick: number;
}

const meddling: fc.Arbitrary<Meddling> = fc.record({
  after: fc.nat(40),
  kind: fc.constantFrom("command", "deliver", "skip", "postpone", "access", "reseed"),
  pick: fc.nat(),
});

/** Interferes where it can be done; what is impossible is refused, and leaves no trace. */
function meddle(system: System, meddlings: readonly Meddling[], done: Intervention[]): void {
  for (const { after, kind, pick } of meddlings) {
    system.run(after);
    const intervention = interventionOf(system, kind, pick);
    if (intervention === null) continue;
    try {
      system.intervene(intervention);
      done.push(intervention);
    } catch (error) {
      expect(String(error)).toMatch(/overtake|has ended|is full|cannot go on/);
    }
  }
  system.run(MESSAGES_MAX);
}

const COMMANDS: readonly Message[] = [
  { type: "kick" },
  { type: "preempt" },
  { type: "remoteReload" },
  { type: "inveptDone", pcpu: 0 },
];

function interventionOf(system: System, kind: Meddling["kind"], pick: number): Intervention | null {
  const pending = system.interconnect.pending();
  const sequence = pending[pick % pending.length]?.sequence;
  switch (kind) {
    case "command": {
      const message = COMMANDS[pick % COMMANDS.length]!;
      const to =
        message.type === "kick"
          ? "pcpu0/mmu"
          : message.type === "preempt"
            ? "pcpu0/dispatcher"
            : "vcpu0/prl";
      // Processors with others' second-level entries have no PRL.
      if (system.actors.every(({ name }) => name !== to)) return null;
      return { kind, to: system.actor(to).id, delay: pick % 5, message };
    }
    case "reseed":
      return { kind, seed: pick };
    case "access":
      return {
        kind,
        vcpu: 0,
        page: pick % system.world.vcpus[0]!.stream.workload.pages,
        access: "write",
      };
    case "postpone":
      return sequence === undefined ? null : { kind, sequence, cycles: pick % 5000 };
    case "deliver":
    case "skip":
      return sequence === undefined ? null : { kind, sequence };
  }
}

function withAnotherAccess(recipe: Recipe, pick: number): Recipe {
  const [vm, ...vms] = recipe.vms as readonly [Recipe["vms"][number]];
  const [vcpu, ...vcpus] = vm.vcpus as readonly [(typeof vm.vcpus)[number]];
  const script = [...vcpu.script];
  if (script.length === 0) script.push([1, 1]);
  else {
    const at = pick % script.length;
    const [page, kind] = script[at]!;
    script[at] = [page + 1, kind ^ 1];
  }
  return { ...recipe, vms: [{ ...vm, vcpus: [{ ...vcpu, script }, ...vcpus] }, ...vms] };
}

function same(a: Delivery, b: Delivery | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
