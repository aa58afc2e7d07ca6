/** A machine with logs that its unit cannot have is refused; one with shorter logs is a model of it. */
import { describe, expect, it } from "vitest";
import { FieldError } from "../../src/errors.ts";
import { OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { Session } from "../../src/session/session.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

function problemOf(logEntries: number, rest: object): string | null {
  const scenario = scenarioSchema.parse({
    name: "a log",
    machine: { logEntries },
    vms: [{ workload: { kind: "uniform", pages: 40, accesses: 100 } }],
    ...rest,
  });
  try {
    buildSystem(scenario);
    return null;
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    expect(error.path).toEqual(["machine", "logEntries"]);
    expect(error.message).not.toContain("\n");
    return error.message;
  }
}

const pml = { tracker: { technique: "pml" } };
const prl = (variant: string) => ({ tracker: { technique: "prl", prl: { variant } } });
const ring = (source: string) => ({ tracker: { technique: "dirtyRing", ring: { source } } });
const estimate = (kind: string) => ({
  tracker: { prl: { variant: "dw19" } },
  operation: {
    kind: "estimate",
    estimator: { kind, ...(kind === "prl" ? {} : { interval: "1ms" }) },
  },
  until: "10ms",
});

it.each([
  ["PML", 512, pml],
  ["PML, in a model", 1, pml],
  ["a dirty ring from PML", 512, ring("pml")],
  ["a dirty ring from write protection, which has no log", 65_536, ring("writeProtect")],
  ["no tracking", 65_536, { tracker: { technique: "none" } }],
  ["VEE21's PRL", 32_768, prl("vee21")],
  ["DW19's PRL", 65_536, prl("dw19")],
])("%s has logs of %i entries", (_what, entries, rest) => {
  expect(problemOf(entries, rest)).toBeNull();
});

it.each([
  ["PML", 513, pml, "at most 512"],
  ["PML", 65_536, { tracker: { technique: "pml", prl: { variant: "dw19" } } }, "at most 512"],
  ["a dirty ring from PML", 1024, ring("pml"), "at most 512"],
  ["an estimator that uses PML", 1024, estimate("pml"), "at most 512"],
  ["a migration under PML", 65_536, { ...pml, operation: { kind: "migrate" } }, "at most 512"],
  ["VEE21's PRL", 32_769, prl("vee21"), "at most 32768"],
])("%s has none of %i", (_what, entries, rest, text) => {
  expect(problemOf(entries, rest)).toContain(`machine.logEntries: expected ${text}`);
});

describe("a tracker that is armed later", () => {
  const untracked = scenarioSchema.parse({
    name: "a log",
    machine: { logEntries: 1024 },
    vms: [{ workload: { kind: "uniform", pages: 40, gap: 400, accesses: 2000 } }],
    tracker: { technique: "none" },
  });

  it("is refused to the operator, in a sentence", () => {
    const session = Session.start(untracked, ".");
    const ask = (technique: string) => OPERATOR_COMMANDS["tracker"]!(session, 0, technique);
    expect(() => ask("pml")).toThrow(
      /^pml: the logs of this machine have 1024 entries: expected at most 512/,
    );
    expect(ask("prl")).toContain("to be tracked by prl");
  });

  it("is write protection, as where the memory for logs is missing", () => {
    const system = buildSystem(untracked);
    system.command("operator", { type: "switchTracker", vm: 0, technique: "pml" });
    system.run();
    const { harvests, failures } = summarize(system);
    expect(harvests).toMatchObject([{ technique: "writeProtect" }]);
    expect(failures).toEqual([]);
  });
});

it("says which unit could have such a log", () => {
  expect(problemOf(1024, pml)).toContain("technique prl, up to 32768, or 65536 with");
  expect(problemOf(40_000, prl("vee21"))).toContain("tracker.prl.variant dw19");
});
