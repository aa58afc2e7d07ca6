/** Exports are what the other tool's own parser takes; alignment and queries find what is there. */
import fc from "fast-check";
import mermaid from "mermaid";
import { describe, expect, it } from "vitest";
import { align } from "../../src/replay/align.ts";
import { causalPast } from "../../src/replay/causality.ts";
import type { MessageEntry } from "../../src/replay/decoder.ts";
import { logLine, mermaidLines, PerfettoExport, type TraceEvent } from "../../src/replay/export.ts";
import { find } from "../../src/replay/query.ts";
import { anyRecipe, build, type Recipe } from "../system/smallSystems.ts";
import { entriesOf, readerOf, recordRun } from "./logs.ts";

function logOf(recipe: Recipe) {
  const system = build(recipe);
  const bytes = recordRun(system);
  const messages = entriesOf(readerOf(bytes)).filter((entry) => entry.kind === "message");
  return {
    bytes,
    messages,
    header: readerOf(bytes).header,
    nameOf: (id: number) => system.nameOf(id),
  };
}

describe("an export", () => {
  it("as JSON has names in place of addresses, for each entry", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const { messages, nameOf } = logOf(recipe);
        for (const entry of messages.slice(0, 200)) {
          expect(logLine(entry, nameOf)).toMatchObject({
            position: entry.position,
            message: entry.delivery.message,
            to: nameOf(entry.delivery.to),
          });
        }
      }),
      { numRuns: 10 },
    );
  });

  it("for Mermaid is a sequence diagram to its parser", async () => {
    for (const recipe of fc.sample(anyRecipe, 10)) {
      const { messages, nameOf } = logOf(recipe);
      const text = mermaidLines(messages.slice(0, 100), nameOf).join("\n");
      expect(await mermaid.parse(text)).toMatchObject({ diagramType: "sequence" });
    }
  });

  it("for Mermaid has a line for each message, of characters that mean nothing to it", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const { messages, nameOf } = logOf(recipe);
        const lines = mermaidLines(messages, nameOf);
        expect(
          lines.filter((line) => /^ {2}a\d+->>a\d+: [\w \-/.,=()[\]]+$/.test(line)),
        ).toHaveLength(messages.length);
      }),
      { numRuns: 10 },
    );
  });

  it("for Perfetto obeys the Trace Event Format: slices nest, arrows have both ends", () => {
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const { messages, header, nameOf } = logOf(recipe);
        const trace = new PerfettoExport(header, nameOf);
        for (const entry of messages) trace.add(entry);
        const events = JSON.parse(JSON.stringify(trace.events())) as TraceEvent[];
        const starts = new Map(events.filter(({ ph }) => ph === "s").map((one) => [one.id, one]));
        const ends = events.filter(({ ph }) => ph === "f");
        expect(ends).toHaveLength(starts.size);
        for (const { id, ts } of ends) expect(starts.get(id)!.ts).toBeLessThanOrEqual(ts!);
        const fromActors = messages.filter(({ delivery }) => delivery.from > 0);
        expect(starts.size).toBe(fromActors.length);
        for (const cpu of new Set(events.filter(({ pid }) => pid === 1).map(({ tid }) => tid))) {
          expectNested(events.filter(({ ph, pid, tid }) => ph === "X" && pid === 1 && tid === cpu));
        }
      }),
      { numRuns: 15 },
    );
  });
});

function expectNested(slices: readonly TraceEvent[]): void {
  const ends: number[] = [];
  const order = slices.toSorted((a, b) => a.ts! - b.ts! || b.dur! - a.dur!);
  for (const { ts, dur } of order) {
    expect(dur).toBeGreaterThanOrEqual(0);
    while (ends.length > 0 && ends.at(-1)! <= ts! + 1e-6) ends.pop();
    if (ends.length > 0) expect(ts! + dur!).toBeLessThanOrEqual(ends.at(-1)! + 1e-6);
    ends.push(ts! + dur!);
  }
}

describe("an alignment", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });

  /** Length of the longest common subsequence, the plain way. */
  function common(a: readonly string[], b: readonly string[]): number {
    const best = Array.from({ length: a.length + 1 }, () =>
      new Array<number>(b.length + 1).fill(0),
    );
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        best[i]![j] =
          a[i - 1] === b[j - 1]
            ? best[i - 1]![j - 1]! + 1
            : Math.max(best[i - 1]![j]!, best[i]![j - 1]!);
      }
    }
    return best[a.length]![b.length]!;
  }

  it("keeps both lists in order and has as many in common as there can be", () => {
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const entry = (type: string, position: number): MessageEntry => ({
          kind: "message",
          position,
          posted: 0,
          digest: 0,
          delivery: { sequence: 1, time: 0, from: 1, to: 1, message: { type: type as "kick" } },
        });
        const aligned = align(a.map(entry), b.map(entry))!;
        const type = (one: MessageEntry | null) => one?.delivery.message.type;
        expect(aligned.flatMap(({ left }) => type(left) ?? [])).toEqual(a);
        expect(aligned.flatMap(({ right }) => type(right) ?? [])).toEqual(b);
        const both = aligned.filter(({ kind }) => kind === "both");
        for (const { left, right } of both) expect(type(left)).toBe(type(right));
        expect(both).toHaveLength(common(a, b));
      }),
      { numRuns: 500 },
    );
  });
});

describe("a query", () => {
  it("finds every message that is like it, and no other", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, pick) => {
        const { bytes, messages } = logOf(recipe);
        const { delivery } = messages[pick % messages.length]!;
        const { type } = delivery.message;
        const found = [...find(readerOf(bytes), { type, after: delivery.time })];
        expect(found).toEqual(
          messages.filter(
            ({ delivery: one }) => one.message.type === type && one.time >= delivery.time,
          ),
        );
        const own = [...find(readerOf(bytes), { actor: "vcpu0", type: "vmExit" })];
        expect(
          own.every(({ delivery: { message } }) => (message as { vcpu: number }).vcpu === 0),
        ).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

it("the causal past of a message holds what its receiver and its senders had received", () => {
  fc.assert(
    fc.property(anyRecipe, fc.nat(), (recipe, pick) => {
      const { messages } = logOf(recipe);
      const at = pick % messages.length;
      const past = causalPast(messages, at);
      const { to } = messages[at]!.delivery;
      expect(past.has(at)).toBe(true);
      for (let i = 0; i < at; i++) {
        if (messages[i]!.delivery.to === to) expect(past.has(i)).toBe(true);
      }
      for (const one of past) expect(one).toBeLessThanOrEqual(at);
    }),
    { numRuns: 20 },
  );
});
