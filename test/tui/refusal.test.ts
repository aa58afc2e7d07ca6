/** What the operator asked for and did not get is said on the screen, once. */
import { expect, it } from "vitest";
import { Session } from "../../src/session/session.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { Driver } from "../../src/tui/driver.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { UNICODE } from "../../src/tui/themes.ts";

it("a tracker that was refused is named with the one that stays, until a key is pressed", () => {
  const scenario = scenarioSchema.parse({
    name: "refused",
    vms: [{ workload: { kind: "uniform", pages: 40, gap: 400, accesses: 20_000 } }],
  });
  const session = Session.start(scenario, ".");
  const driver = new Driver({
    session,
    look: { colours: "plain", theme: "default", glyphs: UNICODE },
    keys: keyMap("", {}),
    size: () => ({ columns: 100, rows: 30 }),
    draw: () => {},
    suspend: () => {},
  });
  const notice = () => driver.shown().run.notice;
  session.advance(20);
  driver.do("tracker writeProtect");
  expect(notice()).toMatchObject({ style: "good" });
  const { system } = session;
  while (system.actor("operator").value !== "arming") session.advance(1);
  // Xen's answer, before the tracker can give its own.
  session.command("operator", { type: "armRefused", vm: 0, error: "EINVAL", technique: "prl" });
  const { sequence } = system.interconnect
    .pending()
    .find(({ message }) => message.type === "armRefused")!;
  session.timeline.intervene({ kind: "deliver", sequence });
  expect(notice()).toEqual({
    text: "vm0: EINVAL: it is tracked already, and stays so: by prl",
    style: "bad",
  });
  driver.press("?", "?");
  expect(notice()).toBeNull();
  expect(notice()).toBeNull();
});
