/** The command line's promises about message logs. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scratch, scenario } from "./command.ts";

const scratch = new Scratch();
const TIMEOUT = 120_000;
afterAll(() => scratch.remove());

beforeAll(async () => {
  scratch.write("a.json", scenario({}, 3000));
  const { code } = await scratch.run(["run", "a.json", "--record", "a.tvlog"]);
  expect(code).toBe(0);
}, TIMEOUT);

describe("a recorded run", { timeout: TIMEOUT }, () => {
  it("is replayed without a difference", async () => {
    const { code, out, err } = await scratch.run(["replay", "a.tvlog"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^a\.tvlog: \d+ messages, .* no difference\n$/);
  });

  it("is replayed up to a message, or a time, as JSON", async () => {
    const { out } = await scratch.run(["replay", "a.tvlog", "--until", "5", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ messages: 5, damage: null, difference: null });
    const { code, err } = await scratch.run(["replay", "a.tvlog", "--until", "soon"]);
    expect(code).toBe(2);
    expect(err).toMatch(/^trackvisor: .*expected a number of messages, or a time/);
  });

  it("is compared with another one, and with one actor's machine", async () => {
    scratch.write("b.json", scenario({ seed: 2 }, 3000));
    await scratch.run(["run", "b.json", "--record", "b.tvlog"]);
    const { code, out } = await scratch.run(["replay", "a.tvlog", "--bisect", "b.tvlog"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^first difference after \d+ messages/);
    const component = await scratch.run(["replay", "a.tvlog", "--component", "vcpu0"]);
    expect(component.out).toMatch(/^vcpu0: \d+ messages, the same outputs\n$/);
  });

  it("that is cut off is used up to there, and says so", async () => {
    const whole = readFileSync(scratch.path("a.tvlog"));
    writeFileSync(scratch.path("torn.tvlog"), whole.subarray(0, whole.length - 20));
    const { code, err, out } = await scratch.run(["replay", "torn.tvlog"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^trackvisor: torn\.tvlog: damaged at block \d+, byte \d+: [^\n]+\n$/);
    expect(out).toMatch(/no difference/);
  });

  it("is shown, counted, searched and exported", async () => {
    const show = await scratch.run(["log", "show", "a.tvlog", "--from", "2", "--count", "3"]);
    expect(show.out.trimEnd().split("\n")).toHaveLength(3);
    const stats = await scratch.run(["log", "stats", "a.tvlog", "--json"]);
    const { messages, byType } = JSON.parse(stats.out) as {
      messages: number;
      byType: Record<string, number>;
    };
    const counts = Object.values(byType).reduce((sum, count) => sum + count, 0);
    expect(counts).toBe(messages);
    const grep = await scratch.run(["log", "grep", "a.tvlog", "--type", "vmExit"]);
    expect(grep.out.trimEnd().split("\n")).toHaveLength(byType["vmExit"]!);
    const trace = await scratch.run(["log", "export", "a.tvlog", "--format", "perfetto"]);
    expect(JSON.parse(trace.out)).toMatchObject({ traceEvents: expect.any(Array) });
    const same = await scratch.run(["log", "diff", "a.tvlog", "a.tvlog"]);
    expect(same.code).toBe(0);
  });

  it("is exported with courses over time if they are asked for, to a format that has a place for them", async () => {
    await scratch.run(["run", "sort-prl", "--record", "courses.tvlog"]);
    const words = (format: string) => ["log", "export", "courses.tvlog", "--format", format];
    const { out } = await scratch.run([...words("perfetto"), "--counters"]);
    const { traceEvents } = JSON.parse(out) as { traceEvents: { ph: string; name: string }[] };
    const tracks = new Set(traceEvents.filter(({ ph }) => ph === "C").map(({ name }) => name));
    expect([...tracks]).toContain("in logs: in logs");
    expect([...tracks]).toContain("accesses and writes, 1/s: writes");
    const plain = await scratch.run(words("perfetto"));
    expect(plain.out).not.toContain('"ph":"C"');
    const refused = await scratch.run([...words("jsonl"), "--counters"]);
    expect([refused.code, refused.out]).toEqual([2, ""]);
  });

  it("branches: a message is never delivered, and the branch names its parent", async () => {
    const pending = await scratch.run(["log", "branch", "a.tvlog", "--at", "9"]);
    const [, sequence] = /^ *(\d+) /.exec(pending.out) ?? [];
    const words = ["log", "branch", "a.tvlog", "--at", "9", "--skip", sequence!, "-o", "c.tvlog"];
    const { code, out } = await scratch.run(words);
    expect(code).toBe(0);
    expect(out).toMatch(/^c\.tvlog: /);
    expect((await scratch.run(["replay", "c.tvlog"])).out).toMatch(/no difference/);
    const stats = await scratch.run(["log", "stats", "c.tvlog"]);
    expect(stats.out).toMatch(/branched off +\w+ after 9/);
  });

  it("opens in the terminal UI under any name, and says if it is damaged", async () => {
    const whole = readFileSync(scratch.path("a.tvlog"));
    scratch.write("session", whole);
    const opened = await scratch.run(["tui", "--once", "session"]);
    expect([opened.code, opened.err]).toEqual([0, ""]);
    expect(opened.out).toMatch(/message \d+ of \d+\n/);
    scratch.write("cut", whole.subarray(0, whole.length - 20));
    const { code, err } = await scratch.run(["tui", "--once", "cut"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^trackvisor: cut: damaged at block \d+, byte \d+: [^\n]+\n$/);
  });

  it("says that a type which was searched for is not in the log", async () => {
    const { code, out, err } = await scratch.run(["log", "grep", "a.tvlog", "--type", "vmexit"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^trackvisor: --type: the log has no "vmexit"; did you mean "vmExit"\?/);
  });

  it.each([
    [["replay", "a.json"], /not a Trackvisor message log/],
    [["run", "a.json", "--record", "a.json"], /a.json: exists; choose another name/],
    [["log", "grep", "a.tvlog", "--actor", "nobody"], /there is no "nobody"/],
    [["log", "shrink", "a.tvlog", "--expect", "ends"], /does not fail/],
    [["log", "branch", "a.tvlog", "--at", "3", "-o", "a.tvlog"], /is the log that is read/],
    [["log", "shrink", "a.tvlog", "--expect", "ends", "-o", "a.tvlog"], /is the log that is read/],
    [["log", "shrink", "a.tvlog", "--expect", "ends", "--scenario", "no/s"], /cannot be written/],
    [["log", "branch", "a.tvlog", "--at", "99999"], /has \d+ messages/],
  ] as const)("refuses %j in one line", async (words, reason) => {
    const { code, err } = await scratch.run(words);
    expect(code).toBe(2);
    expect(err).toMatch(/^trackvisor: [^\n]+\n$/);
    expect(err).toMatch(reason);
  });
});
