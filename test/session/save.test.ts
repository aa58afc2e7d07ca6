/** What is saved of a session is the run that was seen, and nothing is called saved that is not. */
import { existsSync, readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { finish } from "../../src/replay/timeline.ts";
import { newRun } from "../../src/session/runSource.ts";
import { Session } from "../../src/session/session.ts";
import type { System } from "../../src/system/system.ts";
import { LongWork } from "../../src/tui/longWork.ts";
import { Scratch } from "../cli/command.ts";
import { smallUnder } from "../tui/fakeTerminal.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());
const SMALL = smallUnder("pml");

/** A session, each of whose systems is made as it is said. */
function sessionOf(build: (built: number) => System): Session {
  const run = newRun(SMALL, ".");
  let built = 0;
  const source = Object.create(run.source, { build: { value: () => build(built++) } });
  return new Session({ ...run, source });
}

const small = (seed = SMALL.seed): System => newRun({ ...SMALL, seed }, ".").source.build();

describe("a session that is saved", () => {
  it("is repeated a message at a time, so that no key waits for more", () => {
    let delivered = 0;
    const session = sessionOf((built) => {
      const system = small();
      if (built > 0) system.interconnect.delivered.subscribe(() => delivered++);
      return system;
    });
    session.advance(600);
    for (const _ of session.save(scratch.path("slow.tvlog"))) {
      expect(delivered).toBeLessThanOrEqual(1);
      delivered = 0;
    }
  });

  it("is not, and says so, where the run that is repeated is another one", () => {
    const ended = small();
    ended.run();
    const others = [small(8), ended];
    for (const other of others) {
      const session = sessionOf((built) => (built === 0 ? small() : other));
      session.advance(600);
      const path = scratch.path("another.tvlog");
      expect(() => finish(session.save(path))).toThrow(
        `${path}: not saved: done again, the run is another one`,
      );
      expect(existsSync(path)).toBe(false);
    }
    expect(readdirSync(scratch.path("."))).toEqual(["slow.tvlog"]);
  });

  it("is written to its end, whatever becomes of a way through the run meanwhile", () => {
    const told: unknown[] = [];
    const work = new LongWork({
      progress: () => {},
      done: () => {},
      failed: (error) => told.push(error),
    });
    function* endless(): Generator<number, void> {
      for (;;) yield 0;
    }
    function* lost(): Generator<number, void> {
      yield 0;
      throw new Error("leads nowhere");
    }
    const says = (): string => "";
    const done = (): void => {};
    work.begin("saving", endless(), says, done);
    work.begin("journey", lost(), says, done);
    expect(told).toEqual([new Error("leads nowhere")]);
    expect([work.saving, work.travelling]).toEqual([true, false]);
    work.cancel("saving");
  });
});
