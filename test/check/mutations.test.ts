import { describe, expect, it } from "vitest";
import { buildTargetSystem } from "../../src/check/catalogue.ts";
import { CheckRun } from "../../src/check/checkRun.ts";
import { recordTrace } from "../../src/check/hypervisor/counterexampleLog.ts";
import { MUTATIONS } from "../../src/check/mutations/all.ts";
import { systemOfCheck } from "../../src/check/origin.ts";
import { itfTrace } from "../../src/check/output/itf.ts";
import { numberedList } from "../../src/check/output/list.ts";
import { mermaidDiagram } from "../../src/check/output/mermaid.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { LogReader } from "../../src/replay/reader.ts";
import { sourceOf } from "../../workloads/trace/byteSource.ts";

/** Messages of the shortest counterexample, as found. A number that changes says that a protocol has. */
const MESSAGES: Readonly<Record<string, number>> = {};

describe("each planted fault is caught, and its counterexample replays", () => {
  it.each(MUTATIONS)("$name: $mistake", ({ name, model, set = {}, breaks }) => {
    const target = { model, set, mutation: name };
    const run = new CheckRun(target);
    run.explore();
    const broken = run.results.filter(({ verdict }) => verdict === "violated");
    const expected = broken.find((one) => one.name.startsWith(breaks));
    expect(broken.map((one) => one.name)).not.toEqual([]);
    expect(expected?.name).toMatch(breaks);
    const trace = run.traceOf(expected!)!;
    if (MESSAGES[name] !== undefined) expect(trace.steps.length).toBe(MESSAGES[name]);

    expect(numberedList(trace).split("\n").length).toBeGreaterThanOrEqual(trace.steps.length);
    expect(mermaidDiagram(trace)).toContain("sequenceDiagram");
    expect(itfTrace(trace).states.length).toBe(trace.steps.length + 1);

    const sink = new LogBuffer();
    const messages = recordTrace(buildTargetSystem(target)!, target, trace, sink);
    expect(messages).toBe(trace.steps.length);
    const log = new LogReader(sourceOf("counterexample", sink.bytes));
    const player = new Player(log, systemOfCheck(log.header.scenario)!);
    let result = player.step();
    while (result === true) result = player.step();
    expect(result).toBe(false);
    expect(player.position).toBe(messages);
  });
});

it("there are at least 25 planted faults, each with a name of its own", () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});
