/** What the operator asked for and did not get, and why a run can go no further, is said on the screen. */
import { expect, it } from "vitest";
import { formatSummary } from "../../src/cli/runReport.ts";
import { Session } from "../../src/session/session.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { Driver } from "../../src/tui/driver.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { UNICODE } from "../../src/tui/themes.ts";

function begun(): { readonly session: Session; readonly driver: Driver } {
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
    copy: () => {},
  });
  return { session, driver };
}

it("a tracker that was refused is named with the one that stays, until a key is pressed", () => {
  const { session, driver } = begun();
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

it("a run that can go no further says who got what it does not take, also in its summary", () => {
  const { session, driver } = begun();
  session.advance(20);
  session.command("operator", { type: "armed", technique: "pml" });
  for (let steps = 0; session.system.stuck === null; steps++) {
    if (steps > 100) throw new Error("it is taken");
    driver.run.step(1);
  }
  driver.run.step(1);
  const text = 'the run cannot go on: operator: machine "operator" in state "idle"';
  expect(driver.shown().run.notice).toMatchObject({ style: "bad" });
  expect(driver.shown().run.notice?.text).toContain(text);
  const summary = summarize(session.system);
  expect(summary.stuck).toMatchObject({ actor: "operator" });
  expect(formatSummary("refused", summary)[0]).toMatch(/ of virtual time \(stuck\)$/);
});
