/** The console of a guest: what it shows at which time, and what is typed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { finish } from "../../src/replay/timeline.ts";
import { consoleFrame } from "../../src/session/consoleFrame.ts";
import { OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { Session } from "../../src/session/session.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { keptImage } from "../../workloads/guests/linux/image.ts";
import { IS_LONG } from "../share.ts";
import { SMALL, startRobot } from "./fakeTerminal.ts";

const sessionOf = (workload: object, until?: string): Session =>
  Session.start(
    scenarioSchema.parse({
      name: "console",
      ...(until === undefined ? {} : { until }),
      vms: [{ paging: "off", workload }],
      tracker: { technique: "pml" },
    }),
    ".",
  );

const said = ({ system }: Session): string =>
  consoleFrame(system, 0, 100).lines?.join("\n") ?? "no console";

const SORT = { kind: "wasm", module: "shipped:sort", args: ["2000"], memory: "1MiB" };

describe("the console", () => {
  it.each([
    ["run live", true],
    ["recorded", false],
  ])("shows what a guest that is %s has printed by then, and not what it will", async (_, live) => {
    const session = sessionOf({ ...SORT, live });
    const robot = await startRobot({ session, columns: 100, rows: 30 });
    await robot.keys("0");
    expect(robot.output.text).toMatch(/▶ 0 console/);
    expect(robot.output.text).not.toContain("2000 numbers from");
    robot.driver.do("speed full");
    await robot.keys("space");
    await robot.stands();
    expect(robot.output.text).toContain("2000 numbers from");
    await robot.keys("g");
    expect(robot.output.text).not.toContain("2000 numbers from");
    await robot.keys("y", "x", "enter");
    expect(robot.output.text).toContain("its guest cannot be typed to: expected a live Linux");
    await robot.keys("escape");
    expect(robot.driver.shown().mode).toBe("panels");
    await robot.quit();
  });

  it("says that there is none where nobody knows what is printed", async () => {
    const robot = await startRobot({ session: Session.start(SMALL, "."), columns: 100, rows: 30 });
    robot.driver.do("panel console");
    await robot.keys("?", "escape");
    expect(robot.output.text).toContain("no console: live and recorded guests have one");
    await robot.quit();
  });
});

function isPrepared(): boolean {
  if (!IS_LONG) return false;
  try {
    keptImage();
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return false;
  }
}

describe.skipIf(!isPrepared())("a live Linux (trackvisor guest prepare linux)", () => {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-console-"));

  it("is typed to, gone back through, saved, and replayed to the last message", {
    timeout: 120_000,
  }, () => {
    const session = sessionOf({ kind: "linux" }, "60ms");
    const type = (text: string): string => OPERATOR_COMMANDS["type"]!(session, 0, text);
    session.timeline.run(40);
    expect(said(session)).toBe("");
    type("seq 3 5; cat");
    session.timeline.run(60);
    const here = session.timeline.position;
    type("to the cat");
    session.timeline.run(100);
    type("^D");
    session.timeline.run();
    const text = said(session);
    expect(text).toBe("seq 3 5; cat\n3\n4\n5\nto the cat\nto the cat\n[0] # ");
    const digests = session.system.digests();
    // The same from the middle, and what was typed later is not there yet.
    session.timeline.seek(here);
    expect(said(session)).not.toContain("to the cat");
    session.timeline.run();
    expect(said(session)).toBe(text);
    expect(session.system.digests()).toEqual(digests);
    const file = join(directory, "typed.tvlog");
    finish(session.save(file));
    const again = Session.open(file);
    expect(again.timeline.run()).toBe(session.timeline.position);
    expect(again.system.digests()).toEqual(digests);
    expect(said(again)).toBe(text);
    // Another line in its place is another run.
    session.timeline.seek(here);
    type("to the dog");
    session.timeline.run(120);
    expect(said(session)).toContain("to the dog\nto the dog");
    expect(said(session)).not.toContain("cat\nto the cat");
    rmSync(directory, { recursive: true });
  });
});
