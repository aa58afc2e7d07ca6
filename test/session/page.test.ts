/** One page: what is said of it is what the map, the logs and its entries say; its past is found; it can be waited for. */
import { describe, expect, it } from "vitest";
import { finish } from "../../src/replay/timeline.ts";
import { eptEntry } from "../../src/replay/watch.ts";
import type { FrameRequest } from "../../src/session/sampler.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { LEAST_REQUEST } from "../../src/tui/frameRequest.ts";
import { SMALL } from "../tui/fakeTerminal.ts";

const PML = { ...SMALL, tracker: { ...SMALL.tracker, technique: "pml" as const } };

function at(position: number): Session {
  const session = Session.start(PML, ".");
  session.advance(position);
  return session;
}

function frameOf(session: Session, asked: Partial<FrameRequest>) {
  return new Sampler(session).sample({ ...LEAST_REQUEST, ...asked });
}

describe("a page", () => {
  it("is in the state that its cell of the map has", () => {
    const session = at(300);
    const { heat } = frameOf(session, { cells: 1024 });
    expect(heat.pagesPerCell).toBe(1);
    const seen = new Set<string>();
    for (let page = 0; page < heat.states.length; page++) {
      const { page: one } = frameOf(session, { cells: 1024, page });
      const state = heat.states[page]!;
      seen.add(state);
      if (one!.inLogs.length > 0) expect(state).toBe("p");
      else if (one!.marked) expect(state).toBe("l");
      else if (one!.buffered > 0) expect("bh").toContain(state);
      else expect({ ".": "never used", r: "read", w: "written" }[state]).toBe(one!.guest);
    }
    expect(seen.size).toBeGreaterThan(2);
  });

  it("has the entries of a walk: the last one is its leaf", () => {
    const session = at(300);
    for (const page of [0, 17, 299]) {
      const { page: one } = frameOf(session, { page });
      const leaf = one!.entries.at(-1)!;
      expect(one!.entries.map(({ level }) => level)).toEqual([4, 3, 2, 1]);
      expect(leaf.entry.slice(2).padStart(16, "0")).toBe(eptEntry(0, page)(session.system));
      expect(leaf.flags).toMatch(/^[r-][w-][x-][A-][D-]$/);
    }
  });
});

describe("the map", () => {
  it("magnified shows whole cells around the page under the cursor, down to a page a cell", () => {
    const session = at(300);
    for (const page of [0, 7, 150, 299]) {
      for (let magnified = 0; magnified < 6; magnified++) {
        const { heat } = frameOf(session, { cells: 20, page, magnified });
        const { first, pagesPerCell, states } = heat;
        expect(first % pagesPerCell).toBe(0);
        expect(page).toBeGreaterThanOrEqual(first);
        expect(page).toBeLessThan(first + pagesPerCell * states.length);
        expect(states.length).toBeLessThanOrEqual(20);
        if (magnified === 0) expect([first, states.length * pagesPerCell]).toEqual([0, 300]);
        if (magnified === 5) expect(pagesPerCell).toBe(1);
      }
    }
  });
});

describe("the past of a page", () => {
  it("is found change by change: before each it was as the one before had left it", () => {
    const session = at(500);
    const state = () => {
      const { page } = frameOf(session, { page: 3 });
      const { entries, guest, marked, buffered } = page!;
      return JSON.stringify([entries.at(-1), guest, marked, buffered]);
    };
    let changes = 0;
    while (finish(session.seekingPageChange(0, 3)) !== null) {
      const { position } = session;
      const after = state();
      session.seek(position - 1);
      expect(state()).not.toBe(after);
      session.seek(position);
      changes++;
    }
    expect(changes).toBeGreaterThan(1);
  });

  it.each(["written", "marked"])("is waited for: break page 3 %s", (aspect) => {
    const session = at(0);
    session.addBreakpoint(`page 3 ${aspect}`);
    expect(session.advance(10_000)).toBe(`page 3 ${aspect}`);
    const { page } = frameOf(session, { page: 3 });
    expect(aspect === "written" ? page!.guest : page!.marked).toBe(
      aspect === "written" ? "written" : true,
    );
  });

  it("refuses what is no aspect of a page with the nearest that is", () => {
    expect(() => at(0).addBreakpoint("page 3 writen")).toThrow('did you mean "written"');
  });
});
