/** What is shown ahead of its time is marked, and breakpoints stop where things change. */
import { describe, expect, it } from "vitest";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { Session } from "../../src/session/session.ts";
import { frameOf } from "../../src/tui/batch.ts";
import { SMALL } from "../tui/fakeTerminal.ts";

function pml(): Session {
  const { scenario, directory } = loadScenario("sort-pml");
  return Session.start(scenario, directory);
}

describe("a frame", () => {
  it("says of a log that is ahead of the time until when, and at that time it is so", () => {
    const session = pml();
    let marked = 0;
    for (let i = 0; i < 60; i++) {
      if (session.advance(1) === "end") break;
      const { logs, bursts, stream } = frameOf(session);
      if (logs[0]?.used !== logs[0]?.entries) continue;
      if (stream.at(-1)?.type === "continueGuest") {
        // It is full, and nobody has been told yet.
        marked++;
        expect(bursts.map(({ vcpu }) => vcpu)).toEqual([0]);
        const [{ until }] = bursts as [(typeof bursts)[number]];
        session.advance(1);
        expect(frameOf(session)).toMatchObject({ time: until, bursts: [] });
        expect(frameOf(session).stream.at(-1)?.type).toBe("pmlIndexOutOfRange");
      }
    }
    expect(marked).toBeGreaterThan(0);
  });

  it("marks nobody when no guest runs", () => {
    const session = pml();
    expect(frameOf(session).bursts).toEqual([]);
  });

  it("marks a guest from its burst's request until its end, and not beyond", () => {
    const session = Session.start(SMALL, ".");
    for (let i = 0; i < 600; i++) {
      session.advance(1);
      const { bursts } = frameOf(session);
      const { interconnect, actors } = session.system;
      const running = actors.filter(({ machine, id }) => {
        const own = interconnect.pending().filter(({ from }) => from === id);
        return machine.id === "mmu" && own.some(({ time }) => time > interconnect.now);
      });
      expect(bursts).toHaveLength(running.length);
    }
  });
});

/** PRL loses pages while nobody empties its logs; bursts are long enough that the pVM answers meanwhile. */
const LOSSY = { ...SMALL, machine: { ...SMALL.machine, quantum: 48_000 } };

/** PML sets the dirty flag of an entry, and a harvest clears it. */
const LOGGED = { ...LOSSY, tracker: { ...SMALL.tracker, technique: "pml" as const } };

describe.each([
  ["property missed", LOSSY],
  ["page 0", LOGGED],
] as const)("a breakpoint on %s", (text, scenario) => {
  /** Every place where it stops, going on. */
  const stops = (session: Session): number[] => {
    const found: number[] = [];
    while (found.length < 6) {
      const stop = session.advance(20_000);
      if (stop === null || stop === "end") break;
      found.push(session.position);
    }
    return found;
  };

  it("stops at the time at which it changes: the value is that of no earlier time", () => {
    const session = Session.start(scenario, ".");
    session.addBreakpoint(text);
    const plain = Session.start(scenario, ".");
    for (const position of stops(session)) {
      plain.seek(position);
      // Whoever changed it has come to the end of its burst: nothing of the change lies ahead.
      const { interconnect } = plain.system;
      const before = Session.start(scenario, ".");
      before.seek(position - 1);
      expect(before.system.interconnect.now).toBeLessThanOrEqual(interconnect.now);
      const ended = frameOf(before).bursts.filter(({ until }) => until <= interconnect.now);
      const { message } = session.ring.delivery(position)!;
      // Either a burst ended here, or software changed it in handling this message.
      expect(ended.length > 0 || message.type !== "continueGuest").toBe(true);
    }
  });

  it("stops going back where it stopped going on", () => {
    const session = Session.start(scenario, ".");
    session.addBreakpoint(text);
    const found = stops(session);
    expect(found.length).toBeGreaterThan(1);
    for (const position of found.slice(0, -1).toReversed()) {
      expect(session.runBack()).toBe(text);
      expect(session.position).toBe(position);
    }
  });

  it("stops at the same places when it is set while a burst is under way, and after a jump", () => {
    const session = Session.start(scenario, ".");
    session.addBreakpoint(text);
    const [first = 0, second = 0] = stops(session);
    const later = Session.start(scenario, ".");
    later.seek(first - 1);
    later.addBreakpoint(text);
    later.advance(20_000);
    expect(later.position).toBe(first);
    later.seek(second - 1);
    later.advance(20_000);
    expect(later.position).toBe(second);
  });
});

it("a breakpoint that is set behind a command leaves the command where it is", () => {
  const session = Session.start(SMALL, ".");
  session.advance(300);
  session.command("operator", { type: "setWriteIntensity", vm: 0, percent: 50 });
  const pending = session.system.interconnect.pending().length;
  session.addBreakpoint("property missed");
  expect(session.system.interconnect.pending()).toHaveLength(pending);
});
