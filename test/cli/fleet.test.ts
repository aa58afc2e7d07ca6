/** `trackvisor fleet` as a user calls it. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { fleetReportSchema } from "../../src/questions/fleet/fleetFormat.ts";
import { fleet, GUEST } from "../questions/fleet/fleets.ts";
import { Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

describe("a fleet from the command line", { timeout: 120_000 }, () => {
  it("gives a table, answers, a course as CSV and a report; a second time, no run is done", async () => {
    scratch.write("guest.yaml", GUEST);
    scratch.write("fleet.yaml", fleet({ events: [{ at: "12:00", evacuate: 0 }] }));
    const words = ["fleet", "fleet.yaml", "--workers", "1", "--store", "store"];
    const first = await scratch.run([...words, "--csv", "day.csv"]);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toMatch(/^small: 10 VMs, 4 hosts of 16\.0 MiB; curves of \d+ runs/);
    for (const row of ["(declared)", "(exact)", "bits", "pml"]) {
      expect(first.out).toContain(`│ ${row} `);
    }
    expect(first.out).toContain("The evacuation at 12:00 takes");
    const rows = readFileSync(scratch.path("day.csv"), "utf8").trimEnd().split("\r\n");
    expect(rows.length).toBe(1 + 4 * 144);
    expect(rows[1]).toMatch(/^\(declared\),0,3,10,/);

    const json = await scratch.run([...words, "--json", "--trackers", "pml"]);
    const report = fleetReportSchema.parse(JSON.parse(json.out));
    expect(report.days.map(({ tracker }) => tracker)).toEqual([null, null, "pml"]);
    expect(report.days[2]!.short.part).toBeGreaterThan(0.9);
    // Each run is in the store, by the name that the report has.
    for (const { run } of report.runs) {
      expect(readFileSync(scratch.path(`store/${run}.json`), "utf8")).toContain("digest");
    }
    expect(await scratch.run([...words, "--csv", "day.csv"])).toMatchObject({ code: 2, out: "" });
    expect((await scratch.run([...words, "--csv", "day.csv", "--force"])).out).toBe(first.out);
  });

  it("is refused for a mistake in one line, before any run", async () => {
    scratch.write("guest.yaml", GUEST);
    scratch.write("plain.yaml", fleet());
    const seeds = Array.from({ length: 60 }, (_, n) => n);
    scratch.write("many.yaml", fleet({ curves: { seeds } }));
    for (const [words, said] of [
      [["ofice-day"], /no such file, and no shipped fleet .*did you mean "office-day"\?/],
      [["plain.yaml", "--trackers", "bit"], /--trackers: there is no "bit"; did you mean "bits"\?/],
      [["plain.yaml", "--csv", "no/day.csv"], /no\/day\.csv: cannot be written/],
      [["many.yaml"], /up to 1,\d\d\d runs; give --yes to run that many/],
    ] as const) {
      const { code, out, err } = await scratch.run(["fleet", ...words, "--store", "none"]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(said);
      expect(err.trimEnd()).not.toContain("\n");
    }
    expect(scratch.list()).not.toContain("none");
  });
});
