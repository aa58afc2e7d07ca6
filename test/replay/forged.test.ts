/**
 * A log whose checksums are right may still be made up: what no program writes is refused in one sentence,
 * with its place, whoever reads the log.
 */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { visible } from "../../src/io/visible.ts";
import { outlineOf } from "../../src/replay/branch.ts";
import type { LogEntry, MessageEntry } from "../../src/replay/decoder.ts";
import type { LogHeader } from "../../src/replay/format.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { build, type Recipe, SIMPLE } from "../system/smallSystems.ts";
import { entriesOf, forgedLog, readerOf, recordRun, replayAll } from "./logs.ts";

const script = Array.from({ length: 5 }, (_, i) => [i % 5, 1 + (i % 2)] as const);
const recipe: Recipe = {
  ...SIMPLE,
  vms: [{ pages: 5, paging: "off", leafLevel: 1, vcpus: [{ gap: 10, script }] }],
};
const honest = recordRun(build(recipe), (system) => {
  system.run(7);
  system.command("pcpu0/mmu", { type: "kick" }, 3);
  system.run();
});
const { header } = readerOf(honest);
const entries = entriesOf(readerOf(honest));

type Change = Readonly<Record<string, unknown>>;

/** The sentence that a reader of the log gets; "" if there is none. */
function complaint(bytes: Buffer): string {
  try {
    entriesOf(readerOf(bytes));
    return "";
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** The first entry for which something holds, changed. */
function withChanged(
  holds: (entry: LogEntry) => boolean,
  change: (entry: LogEntry) => object,
): Buffer {
  const at = entries.findIndex(holds);
  const changed = change(entries[at]!) as LogEntry;
  return forgedLog(header, entries.with(at, changed));
}

function withMessage(type: string, change: Change): Buffer {
  return withChanged(
    (entry) => entry.kind === "message" && entry.delivery.message.type === type,
    (entry) => {
      const { delivery } = entry as MessageEntry;
      return { ...entry, delivery: { ...delivery, message: { ...delivery.message, ...change } } };
    },
  );
}

function withDelivery(change: Change): Buffer {
  return withChanged(
    ({ position }) => position === 9,
    (entry) => ({ ...entry, delivery: { ...(entry as MessageEntry).delivery, ...change } }),
  );
}

function withIntervention(intervention: object): Buffer {
  return withChanged(
    ({ kind }) => kind === "intervention",
    (entry) => ({ ...entry, intervention }),
  );
}

const PLACE = /^test\.tvlog: block \d+, record \d+, byte \d+: /;

describe("what no program writes", () => {
  const command = { kind: "command", to: 1, delay: 0 };
  it.each<[string, Buffer, RegExp]>([
    [
      "a type",
      withMessage("resume", { type: "resmue" }),
      /there is no "resmue"; did you mean "resume"\?$/,
    ],
    [
      "a field too many",
      withMessage("resume", { extra: 1 }),
      /message "resume": extra: unknown field/,
    ],
    [
      "a text for a number",
      withMessage("enterGuest", { vcpu: "0" }),
      /"enterGuest": vcpu: expected number, not "0"$/,
    ],
    ["a fraction", withMessage("enterGuest", { vcpu: 0.5 }), /vcpu: expected int, not 0\.5$/],
    [
      "a negative count",
      withMessage("vmExit", { reason: -3 }),
      /reason: .*expected number to be >=0, not -3$/,
    ],
    [
      "no number",
      withMessage("vmExit", { reason: Number.NaN }),
      /reason: expected number, not NaN$/,
    ],
    [
      "a technique",
      withMessage("arm", { technique: "plm" }),
      /technique: expected one of .*did you mean "pml"/,
    ],
    ["a list", withMessage("arm", { pages: [1, "2"] }), /pages\[1\]: expected number, not "2"$/],
    [
      "an object's own names",
      withMessage("resume", JSON.parse('{"__proto__": 1}')),
      /__proto__: unknown field/,
    ],
    ["a receiver", withDelivery({ to: 99 }), /there is no actor 99; there are \d+, from 0$/],
    ["nobody as a receiver", withDelivery({ to: 0 }), /to: .*expected number to be >=1/],
    ["a sender", withDelivery({ from: 99 }), /there is no actor 99/],
    ["a time before the last", withDelivery({ time: 0 }), /earlier than the one before$/],
    ["no time", withDelivery({ time: Number.NaN }), /message's time: expected number, not NaN$/],
    ["an endless time", withDelivery({ time: Number.POSITIVE_INFINITY }), /message's time: /],
    [
      "a message never posted",
      withDelivery({ sequence: 2 ** 40 }),
      /the message's number makes no sense$/,
    ],
    [
      "an intervention",
      withIntervention({ kind: "delivr", sequence: 1 }),
      /intervention: kind: there is no "delivr"; did you mean "deliver"\?$/,
    ],
    [
      "one of a message to come",
      withIntervention({ kind: "skip", sequence: 99_999 }),
      /sequence: \d+ messages were posted, not 99999$/,
    ],
    [
      "a command",
      withIntervention({ ...command, message: { type: "pauseVm", requester: 1 } }),
      /message: field "vm" is missing$/,
    ],
    [
      "a command's type",
      withIntervention({ ...command, message: { type: "\x1b[2J" } }),
      /message\.type: there is no " \[2J"$/,
    ],
    [
      "a command without message",
      withIntervention(command),
      /field "message" is missing$|message: expected/,
    ],
    [
      "a command to nobody",
      withIntervention({ ...command, to: 77, message: { type: "kick" } }),
      /to: there is no actor 77/,
    ],
    [
      "a delay",
      withIntervention({ ...command, delay: -1, message: { type: "kick" } }),
      /delay: .*>=0/,
    ],
    [
      "an access",
      withIntervention({ kind: "access", vcpu: 0, page: 0, access: "wirte" }),
      /did you mean "write"/,
    ],
    [
      "a prototype",
      withIntervention(JSON.parse('{"kind": "__proto__"}')),
      /there is no "__proto__"/,
    ],
  ])("%s", (_, bytes, sentence) => {
    const said = complaint(bytes);
    expect(said).toMatch(PLACE);
    expect(said).toMatch(sentence);
    expect(visible(said)).toBe(said);
  });

  it("in a checkpoint: digests of more or fewer parts than the header names", () => {
    const isCheckpoint = ({ kind }: LogEntry): boolean => kind === "checkpoint";
    const bytes = withChanged(isCheckpoint, (entry) => ({ ...entry, digests: ["0".repeat(16)] }));
    expect(complaint(bytes)).toMatch(/a checkpoint of 1 digests; the header names \d+$/);
  });

  it.each<[string, Change, RegExp]>([
    ["an actor's name", { actors: [{ name: 1, machine: "m" }] }, /the header: actors\[0\]\.name: /],
    ["a field", { surplus: 1 }, /the header: surplus: unknown field/],
    ["a parent", { parent: { log: "x", at: -1 } }, /the header: parent\.at: /],
    [
      "fields within fields",
      { scenario: JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`) },
      /the header: scenario: expected at most \d+ levels/,
    ],
  ])("in the header: %s", (_, change, sentence) => {
    expect(complaint(forgedLog({ ...header, ...change } as LogHeader, entries))).toMatch(sentence);
  });
});

describe("what could be written, but cannot be done to this run", () => {
  it.each<[string, object, RegExp]>([
    ["a message that was delivered", { kind: "skip", sequence: 1 }, /message 1 is not pending/],
    [
      "a vCPU",
      { kind: "access", vcpu: 7, page: 0, access: "read" },
      /vcpu: there is no vcpu 7; there are 1/,
    ],
    ["a page", { kind: "access", vcpu: 0, page: 99, access: "read" }, /vCPU 0 has no page 99/],
    [
      "a VM",
      { kind: "command", to: 1, delay: 0, message: { type: "pauseVm", vm: 3, requester: 1 } },
      /message\.vm: there is no vm 3; there are 1, from 0/,
    ],
  ])("%s", (_, intervention, sentence) => {
    const bytes = withIntervention(intervention);
    const own =
      /^test\.tvlog: block \d+, record \d+, byte \d+: "\w+" after 7 messages cannot be done: /;
    expect(() => replayAll(bytes, build(recipe))).toThrow(UserError);
    expect(() => replayAll(bytes, build(recipe))).toThrow(own);
    const { interventions } = outlineOf(readerOf(bytes));
    const timeline = new Timeline(build(recipe), interventions);
    expect(() => timeline.run()).toThrow(own);
    expect(() => new Timeline(build(recipe), interventions).run()).toThrow(sentence);
  });
});

it("an honest log is read as it was", () => {
  expect(complaint(honest)).toBe("");
  expect(forgedLog(header, entries).equals(honest)).toBe(true);
});
