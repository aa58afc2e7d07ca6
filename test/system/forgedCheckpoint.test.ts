/**
 * A checkpoint whose checksums are right may still be made up: a state that its system cannot have is refused
 * in one sentence that names the field.
 */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { buildSystem } from "../../src/system/build.ts";
import { restoreCheckpoint } from "../../src/system/operations/checkpoint/restore.ts";
import { MemorySink } from "../../src/system/operations/checkpoint/sink.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { System } from "../../src/system/system.ts";
import { forgedCheckpoint, piecesOf } from "../forge/checkpoint.ts";

const scenario = scenarioSchema.parse({
  name: "two vCPUs on one CPU",
  machine: { cpus: 1 },
  vms: [
    {
      vcpus: 2,
      workload: { kind: "uniform", pages: 30, writeFraction: 0.5, accesses: 3000, gap: 500 },
    },
  ],
  tracker: { technique: "pml" },
  operation: { kind: "checkpoint", mode: "stop", times: ["300us"] },
});

const build = (): System => buildSystem(scenario);

const honest = ((): Buffer => {
  const sink = new MemorySink();
  buildSystem(scenario, { checkpointSink: sink }).run();
  return sink.bytes;
})();

const pieces = piecesOf(honest);

function restored(bytes: Buffer): System {
  const system = build();
  restoreCheckpoint(system, sourceOf("forged.ckpt", bytes));
  return system;
}

/** The sentence with which a state is refused, with one field of it changed. */
function complaint(path: readonly (string | number)[], value: unknown): string {
  const state = structuredClone(pieces.state);
  let at: object = state;
  for (const key of path.slice(0, -1)) at = Reflect.get(at, key) as object;
  const last = path.at(-1)!;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else Object.defineProperty(at, last, { value, enumerable: true, configurable: true });
  try {
    restored(forgedCheckpoint(honest, pieces, JSON.stringify(state)));
    return "";
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

const context = (actor: string, field: string) => ["actors", actor, "context", field];
const parts = Reflect.get(pieces.state, "parts") as readonly { readonly name: string }[];
const part = (name: string): number => parts.findIndex((one) => one.name === name);

describe("a state that the system cannot have", () => {
  it.each<[readonly (string | number)[], unknown, RegExp]>([
    [["surplus"], 1, /surplus: unknown field/],
    [["interconnect"], undefined, /field "interconnect" is missing/],
    [["interconnect", "now"], -1, /interconnect\.now: .*>=0/],
    [["interconnect", "now"], null, /interconnect\.now: expected number/],
    [["interconnect", "now"], 1e300, /interconnect\.now: /],
    [["interconnect", "sequence"], 0, /interconnect\.queue\[\d\]: is not in order/],
    [["interconnect", "queue", 0, "to"], 99, /queue\[0\]\.to: there is no actor 99; there are \d+/],
    [["interconnect", "queue", 0, "time"], 1, /queue\[\d\]: is not in order/],
    [
      ["interconnect", "queue", 0, "message", "type"],
      "kcik",
      /message\.type: there is no "kcik"; did you mean "kick"/,
    ],
    [["interconnect", "queue", 0, "message", "extra"], 1, /message\.extra: unknown field/],
    [["actors", "vcpu0"], undefined, /actors: "vcpu0" is missing/],
    [["actors", "vcpu9"], { value: "guest", context: {} }, /there is no "vcpu9" in this system/],
    [["actors", "__proto__"], { value: "guest", context: {} }, /there is no "__proto__"|unknown/],
    [
      ["actors", "vcpu0", "value"],
      "gest",
      /vcpu0\.value: there is no state "gest"; did you mean "guest"/,
    ],
    [["actors", "vcpu0", "value"], "constructor", /there is no state "constructor"/],
    [context("vcpu0", "vm"), 1, /vcpu0\.context\.vm: is not as this system was built/],
    [context("vcpu0", "mmu"), 99, /vcpu0\.context\.mmu: there is no actor 99/],
    [context("vcpu0", "exits"), "9", /context\.exits: expected number, not "9"/],
    [context("vcpu0", "finished"), 0, /context\.finished: expected boolean, not 0/],
    [context("vcpu0", "entryFailure"), { toString: 1 }, /context\.entryFailure: expected string/],
    [context("vcpu0", "surplus"), 0, /context\.surplus: unknown field/],
    [context("pcpu0/mmu", "vcpu"), 2, /context\.vcpu: there is no vcpu 2; there are 2, from 0/],
    [context("scheduler", "waiting"), [0, 7], /context\.waiting\[1\]: there is no vcpu 7/],
    [context("scheduler", "cpus"), [], /context\.cpus: has 0 elements; there are 1 \(pcpu\)/],
    [context("scheduler", "pausedBy"), [[], []], /pausedBy: has 2 elements; there are 1 \(vm\)/],
    [context("scheduler", "vmOfVcpu"), [0, 0, 0], /vmOfVcpu: is not as this system was built/],
    [context("pcpu0/dispatcher", "exits"), { hlt: -1 }, /exits\.hlt: .*>=0/],
    [
      context("pcpu0/dispatcher", "invepts"),
      [{ vm: 0 }],
      /field "tracker" is missing|invepts\[0\]/,
    ],
    [context("vm0/tracker", "technique"), "plm", /technique: expected one of .*did you mean "pml"/],
    [context("vm0/tracker", "answer"), { type: "armed" }, /answer: field "technique" is missing/],
    [
      context("vm0/tracker", "deferred"),
      [{ type: "begun" }],
      /deferred\[0\]\.type: there is no "begun"/,
    ],
    [context("vm0/tracker", "deferred"), undefined, /field "deferred" is missing/],
    [["parts", 0], undefined, /parts/],
    [["parts", 0, "name"], "memroy", /parts: ".*" is missing/],
    [
      ["parts", part("memory"), "arrays", "wrods"],
      { type: "i32", data: "" },
      /it has none of that name/,
    ],
    [["parts", part("memory"), "arrays", "words", "type"], "f64", /expected i32, not f64/],
    [["parts", part("memory"), "arrays", "words", "data"], "AAA?", /array "words": not base64/],
    [
      ["parts", part("memory"), "arrays", "words", "data"],
      "AAA=",
      /array "words": ends within a word/,
    ],
    [
      ["parts", part("vm0/vcpu0/vmcs"), "arrays", "words", "data"],
      "AAAAAA==",
      /another shape: array "words"/,
    ],
  ])("%j", (path, value, sentence) => {
    const said = complaint(path, value);
    expect(said).toMatch(/^forged\.ckpt: checkpoint \d+, its state: /);
    expect(said).toMatch(sentence);
    expect(said).not.toMatch(/\n/);
  });

  it("is not JSON, or nested too deeply", () => {
    const refused = (state: string) => () => restored(forgedCheckpoint(honest, pieces, state));
    expect(refused("{")).toThrow(/its state: is not JSON$/);
    expect(refused(`${"[".repeat(1e5)}${"]".repeat(1e5)}`)).toThrow(/nested too deeply$/);
  });
});

it("a fault in a run that a checkpoint's words have made is the file's", () => {
  const system = restored(honest);
  // As a made-up state could have it: the MMU runs nobody.
  const mmu = system.actor("pcpu0/mmu");
  system.restoreActor(mmu, { value: "running", context: { ...mmu.snapshot.context, vcpu: -1 } });
  system.interconnect.post(mmu.id, mmu.id, 0, { type: "continueGuest" });
  expect(() => system.run()).toThrow(/^forged\.ckpt: makes a run that cannot be: pcpu0\/mmu: /);
});

it("an honest state is put back, and goes on as the run did", () => {
  expect(forgedCheckpoint(honest, pieces).equals(honest)).toBe(true);
  const [whole, again] = [build(), restored(honest)];
  whole.run();
  again.run();
  const parts = (system: System) =>
    Object.entries(system.digests()).filter(([name]) => !name.startsWith("checkpoint/"));
  expect(parts(again)).toEqual(parts(whole));
});
