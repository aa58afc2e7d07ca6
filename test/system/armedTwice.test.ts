/**
 * A tracker that is armed already is not armed anew: Xen answers EINVAL (paging_log_dirty_enable), KVM success
 * (__kvm_set_memory_region, nothing to change), and in both nothing is done. Whoever needs a tracker of its own
 * switches it off and on, as libxc does.
 */
import { describe, expect, it } from "vitest";
import type { OperatorContext } from "../../machines/operator.ts";
import type { TrackerContext } from "../../machines/trackerContext.ts";
import type { Message, Technique } from "../../src/interconnect/messages.ts";
import { refusalOf } from "../../src/session/operatorCommands.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { listeningAt } from "./smallSystems.ts";

const workload = { kind: "uniform", pages: 40, writeFraction: 0.5, gap: 400, accesses: 20_000 };

function scenario(fields: object = {}) {
  return scenarioSchema.parse({ name: "armed twice", vms: [{ workload }], ...fields });
}

/** A system whose operator is a listener: trackers answer it, and it does nothing. */
function listened(fields: object = {}) {
  return listeningAt("operator", buildSystem(scenario(fields)).config);
}

/** Goes on until an actor is in a state. */
function until(system: System, actor: string, state: string): void {
  while (system.actor(actor).value !== state) {
    if (!system.step()) throw new Error(`${actor} has not come to be ${state}`);
  }
}

/** Messages of these types, from now on. */
function seen(system: System, ...types: readonly Message["type"][]): Message[] {
  const messages: Message[] = [];
  system.interconnect.delivered.subscribe(({ message }) => {
    if (types.includes(message.type)) messages.push(message);
  });
  return messages;
}

/** What arming would change: the tracker but for its answers, and all memory. */
function stateOf(system: System): unknown {
  const { technique, awaited, controlCycles } = system.actor("vm0/tracker").snapshot
    .context as TrackerContext;
  const memory = Object.entries(system.digests()).filter(
    ([name]) => !/^(actor |cpuTimes$)/.test(name),
  );
  return { technique, awaited, controlCycles, memory };
}

const TECHNIQUES = [
  "writeProtect",
  "presentBit",
  "accessedDirtyScan",
  "pml",
  "prl",
  "dirtyRing",
] as const satisfies readonly Technique[];

describe.each(TECHNIQUES)("%s that is armed already", (technique) => {
  it.each([
    ["xen", { type: "armRefused", vm: 0, error: "EINVAL", technique }],
    ["kvm", { type: "armed", technique }],
  ] as const)("answers as %s does, and stays as it is", (armedTwice, answer) => {
    const { system, listener } = listened({ tracker: { technique, armedTwice } });
    until(system, "vm0/tracker", "logging");
    system.run(8);
    until(system, "vm0/tracker", "logging");
    const before = stateOf(system);
    // Now, before anything else is delivered.
    system.command("vm0/tracker", { type: "arm", technique: "writeProtect", requester: listener });
    const pending = () => system.interconnect.pending();
    const arm = pending().find(({ message }) => message.type === "arm")!;
    const others = pending().filter((one) => one !== arm);
    system.intervene({ kind: "deliver", sequence: arm.sequence });
    expect(stateOf(system)).toEqual(before);
    const answers = pending().filter(({ sequence }) =>
      others.every((one) => one.sequence !== sequence),
    );
    expect(answers.map(({ to, message }) => [to, message])).toEqual([[listener, answer]]);
    system.run();
    expect(summarize(system).failures).toEqual([]);
  });
});

it("xen is the default", () => {
  expect(scenario().tracker.armedTwice).toBe("xen");
});

describe("an operation that finds its tracker armed", () => {
  const estimate = { kind: "estimate", estimator: { kind: "pml", interval: "1ms", clean: true } };
  it.each([
    ["a measurement", { operation: { kind: "measure" } }],
    ["a migration", { operation: { kind: "migrate", start: "0s" } }],
    ["checkpointing", { operation: { kind: "checkpoint", mode: "live", epoch: "1ms" } }],
    ["an estimation", { operation: estimate, until: "5ms" }],
  ])("%s switches it off and on, and has its own", (_what, fields) => {
    const { system, listener } = listened({ tracker: { technique: "pml" }, ...fields });
    const messages = seen(system, "arm", "armRefused", "disarm", "armed", "disarmed");
    // Before the operation's own.
    system.command("vm0/tracker", { type: "arm", technique: "presentBit", requester: listener });
    while (!messages.some(({ type }) => type === "armRefused")) {
      if (!system.step()) throw new Error("no refusal");
    }
    system.run();
    const ofToolstack = messages.slice(messages.findIndex(({ type }) => type === "armRefused"));
    expect(ofToolstack.slice(0, 5).map(({ type }) => type)).toEqual([
      "armRefused",
      "disarm",
      "disarmed",
      "arm",
      "armed",
    ]);
    expect(ofToolstack.filter(({ type }) => type === "armed")).toEqual([
      { type: "armed", technique: "pml" },
    ]);
    expect(system.done).toBe(true);
    expect(summarize(system).failures).toEqual([]);
  });

  it.each([
    ["a measurement", { kind: "measure" }],
    ["checkpointing", { kind: "checkpoint", mode: "live", epoch: "1ms" }],
  ])("%s of three VMs does so with those two that were armed", (_what, operation) => {
    const vms = [{ workload }, { workload }, { workload }];
    const { system, listener } = listened({ vms, operation });
    const messages = seen(system, "armRefused", "armed", "disarm", "disarmed");
    for (const vm of [2, 0]) {
      const tracker = `vm${vm}/tracker`;
      system.command(tracker, { type: "arm", technique: "presentBit", requester: listener });
    }
    system.run();
    expect(messages.filter(({ type }) => type === "armRefused")).toHaveLength(2);
    // One after the other, each once: "disarmed" does not say who it is.
    const disarming = messages.map(({ type }) => type).filter((type) => type.startsWith("disarm"));
    expect(disarming).toEqual(["disarm", "disarmed", "disarm", "disarmed"]);
    const armed = messages.flatMap((one) => (one.type === "armed" ? [one.technique] : []));
    expect(armed.toSorted()).toEqual(["pml", "pml", "pml", "presentBit", "presentBit"]);
    expect(system.done).toBe(true);
    const { harvests, failures } = summarize(system);
    expect(harvests.map(({ technique }) => technique)).toEqual(["pml", "pml", "pml"]);
    expect(failures).toEqual([]);
  });

  it.each([
    ["xen", "EINVAL", "vm0: EINVAL: it is tracked already, and stays so: by presentBit"],
    ["kvm", "", null],
  ])("an operator's command, with the answer of %s, is not done, and says so", (...row) => {
    const [armedTwice, error, text] = row;
    const asked = scenario({ tracker: { technique: "pml", armedTwice } });
    const { system, listener } = listeningAt("pvm0", buildSystem(asked).config);
    system.run(8);
    expect(refusalOf(system)).toBeNull();
    system.command("operator", { type: "switchTracker", vm: 0, technique: "writeProtect" });
    until(system, "operator", "disarming");
    // Somebody is quicker.
    system.command("vm0/tracker", { type: "arm", technique: "presentBit", requester: listener });
    until(system, "operator", "idle");
    expect(system.actor("vm0/tracker").snapshot.context).toMatchObject({
      technique: "presentBit",
    });
    const { technique, error: said } = system.actor("operator").snapshot.context as OperatorContext;
    expect(technique).toBe("presentBit");
    expect([said, refusalOf(system)]).toEqual([error, text]);
  });
});
