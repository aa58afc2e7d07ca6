/** The table of messages says what machines really send, and refuses everything else by name. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ANY_SYSTEM } from "../../src/interconnect/fields.ts";
import { goesBetween } from "../../src/interconnect/messageRow.ts";
import { MESSAGES, messages } from "../../src/interconnect/messages.ts";
import { rebuild } from "../../src/replay/rebuild.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { partyOf } from "../../src/system/roles.ts";
import type { System } from "../../src/system/system.ts";
import { entriesOf, readerOf } from "../replay/logs.ts";
import { repeatedScenarios, runnableScenarios } from "../runnableScenarios.ts";
import { exampleOf } from "./examples.ts";

const golden = join(import.meta.dirname, "..", "replay", "golden", "v1");

function refusedMessages(system: System, most = 3000): readonly string[] {
  const { census } = system;
  const refused = new Set<string>();
  const roles = new Map(system.actors.map(({ id, role }) => [id, role]));
  system.interconnect.delivered.subscribe(({ from, to, message }) => {
    const problem = messages.problemOf(message, census);
    if (problem !== undefined) refused.add(`${message.type}: ${problem}`);
    const [sender, receiver] = [from, to].map((id) =>
      id === 0 ? "system" : partyOf(roles.get(id)!),
    );
    if (goesBetween(MESSAGES[message.type], sender!, receiver!)) return;
    refused.add(`${message.type}: from ${sender} to ${receiver}, which its row does not say`);
  });
  system.run(most);
  return [...refused];
}

describe("messages that machines send are in the table", () => {
  const repeated = repeatedScenarios();
  it.each(runnableScenarios().filter((name) => !repeated.has(name)))("%s", (name) => {
    const { scenario, directory } = loadScenario(name);
    expect(refusedMessages(buildSystem(scenario, { directory }))).toEqual([]);
  });

  it.each(readdirSync(golden))("%s", (file) => {
    const log = readerOf(readFileSync(join(golden, file)));
    const { census } = rebuild(file, log.header);
    for (const entry of entriesOf(log)) {
      if (entry.kind !== "message") continue;
      expect(messages.problemOf(entry.delivery.message, census)).toBeUndefined();
    }
  });
});

describe("what is no message is refused", () => {
  const all = Object.entries(MESSAGES).map(([type, { fields }]) => ({
    type,
    names: Object.keys(fields),
    example: { type, ...exampleOf(fields) },
  }));
  const problem = (value: unknown): string | undefined => messages.problemOf(value, ANY_SYSTEM);

  it.each(all)("$type: a field too many, too few, or of another kind, by its name", (one) => {
    const { names, example } = one;
    expect(problem(example)).toBeUndefined();
    expect(problem({ ...example, surplusField: 1 })).toMatch(/^surplusField: unknown field/);
    for (const name of names) {
      const { [name]: _, ...without } = example as Readonly<Record<string, unknown>>;
      if (!["pages", "attempt", "live", "drain"].includes(name)) {
        expect(problem(without)).toBe(`field "${name}" is missing`);
      }
      for (const wrong of [{}, Symbol.iterator.toString(), Number.NaN, [[]], -2.5]) {
        if (typeof wrong === typeof Reflect.get(example, name) && typeof wrong === "string")
          continue;
        expect(problem({ ...example, [name]: wrong }), `${name}: ${String(wrong)}`).toMatch(
          new RegExp(`^${name}(\\[0\\])?: `),
        );
      }
    }
  });

  it("by the nearest name", () => {
    expect(problem({ type: "pausevcpu", vcpu: 0 })).toBe(
      'type: there is no "pausevcpu"; did you mean "pauseVcpu"?',
    );
    expect(problem({ type: "armed", technique: "plm" })).toMatch(
      /^technique: expected one of none, .*, not "plm"; did you mean "pml"\?$/,
    );
    expect(problem({ type: "pauseVcpu", vpcu: 0 })).toBe('field "vcpu" is missing');
  });

  it("also by names that every object has", () => {
    for (const type of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(problem({ type })).toMatch(/^type: there is no /);
    }
    for (const value of [null, undefined, 3, "kick", [], [{ type: "kick" }]]) {
      expect(problem(value)).toBe('expected fields, "type" among them');
    }
    expect(problem(JSON.parse('{"type": "kick", "__proto__": {"x": 1}}'))).toMatch(/unknown field/);
    expect(problem(Object.create({ type: "kick" }))).toBe('field "type" is missing');
  });

  it("where it names what the system does not have", () => {
    const census = { actor: 9, vcpu: 2, vm: 1, pcpu: 1, page: 100 };
    const of = (value: unknown): string | undefined => messages.problemOf(value, census);
    expect(of({ type: "pauseVcpu", vcpu: 1 })).toBeUndefined();
    expect(of({ type: "pauseVcpu", vcpu: 2 })).toBe(
      "vcpu: there is no vcpu 2; there are 2, from 0",
    );
    const arm = { type: "arm", technique: "presentBit", requester: 8 };
    expect(of({ ...arm, pages: [0, 99] })).toBeUndefined();
    expect(of({ ...arm, pages: [0, 100] })).toBe(
      "pages[1]: there is no page 100; there are 100, from 0",
    );
  });
});
