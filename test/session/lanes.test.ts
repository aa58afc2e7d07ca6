/** The picture of the mechanism: every message in it once, its cause and effects marked, its step lit. */
import { describe, expect, it } from "vitest";
import type { FrameRequest } from "../../src/session/sampler.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { LEAST_REQUEST } from "../../src/tui/frameRequest.ts";
import { SMALL } from "../tui/fakeTerminal.ts";

const DEPTH = 1 << 14;

function lanesOf(session: Session, asked: Partial<NonNullable<FrameRequest["lanes"]>>) {
  const lanes = { rows: 60, cursor: null, folded: true, filter: null, ...asked };
  const frame = new Sampler(session).sample({ ...LEAST_REQUEST, depth: DEPTH, lanes });
  return frame.lanes!;
}

function at(position: number): Session {
  const session = Session.start(SMALL, ".");
  session.advance(position);
  return session;
}

describe("lanes", () => {
  it("unfolded are the messages around the cursor, each once, in order", () => {
    const session = at(500);
    const { rows } = lanesOf(session, { cursor: 300, folded: false, rows: 50 });
    expect(rows).toHaveLength(50);
    for (const [i, row] of rows.entries()) {
      expect(row.position).toBe(rows[0]!.position + i);
      const entry = session.ring.entry(row.position)!;
      expect(row).toMatchObject({ time: entry.time, type: entry.type, step: entry.step, count: 1 });
    }
    expect(rows.filter(({ role }) => role === "here").map(({ position }) => position)).toEqual([
      300,
    ]);
  });

  it("folded hold the same messages: only alike ones to oneself, without a step, are one row", () => {
    const session = at(500);
    const { rows } = lanesOf(session, { rows: 100 });
    expect(rows.at(-1)?.position).toBe(500);
    for (const [i, { position, count, step, from, to }] of rows.entries()) {
      const before = rows[i - 1];
      if (before !== undefined) expect(position - count).toBe(before.position);
      if (count > 1) expect([step, from]).toEqual([0, to]);
    }
    expect(rows.some(({ count }) => count > 1)).toBe(true);
  });

  it("mark what has caused the message under the cursor, and what it has caused", () => {
    const session = at(500);
    let seen = 0;
    for (let cursor = 460; cursor <= 500; cursor++) {
      const { rows } = lanesOf(session, { cursor, folded: false });
      const positions = (role: string) =>
        rows.filter((row) => row.role === role).map(({ position }) => position);
      const cause = session.ring.causeOf(cursor);
      const first = rows[0]!.position;
      expect(positions("cause")).toEqual(cause === null || cause < first ? [] : [cause]);
      const effects = session.ring.effectsOf(cursor, rows.at(-1)!.position);
      expect(positions("effect")).toEqual(effects);
      for (const effect of effects) expect(session.ring.causeOf(effect)).toBe(cursor);
      seen += effects.length;
    }
    expect(seen).toBeGreaterThan(20);
  });

  it("light the step under way: the last message's that has one, the first while a guest runs", () => {
    const session = at(0);
    const steps = new Set<number>();
    for (let i = 0; i < 500; i++) {
      session.advance(1);
      const { step } = lanesOf(session, { rows: 10 });
      const last = session.ring.entry(session.position)!;
      if (last.step > 0) expect(step).toBe(last.step);
      if (last.type === "continueGuest" || last.type === "enterGuest") expect(step).toBe(1);
      steps.add(step);
    }
    expect([...steps].sort()).toEqual(expect.arrayContaining([1, 2, 3, 4]));
  });

  it("follow from the run and the position alone", () => {
    const session = at(500);
    session.seek(377);
    const other = at(377);
    expect(lanesOf(session, {})).toEqual(lanesOf(other, {}));
  });

  it("show what a filter lets pass", () => {
    const { rows } = lanesOf(at(500), { filter: { pattern: /ipi|remoteReload/, inverse: false } });
    expect(new Set(rows.map(({ type }) => type))).toEqual(new Set(["ipi", "remoteReload"]));
  });
});
