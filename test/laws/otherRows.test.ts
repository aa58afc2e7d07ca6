/** What holds for every message, experiment and command: a new one is tested by being listed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { manPage } from "../../src/cli/manPage.ts";
import { EXPERIMENTS, experimentsNamed } from "../../src/experiments/all.ts";
import { FULL, QUICK } from "../../src/experiments/scale.ts";
import { MESSAGE_KINDS } from "../../src/interconnect/messageRow.ts";
import {
  MESSAGES,
  type Message,
  type MessageType,
  messages,
} from "../../src/interconnect/messages.ts";
import { RunIdentity } from "../../src/runs/runIdentity.ts";
import { entryOf } from "../../src/session/describe.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { exampleOf } from "../interconnect/examples.ts";
import { entriesOf, forgedLog, readerOf, recordRun } from "../replay/logs.ts";
import { scenarioOf } from "./samples.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (...path: readonly string[]): string => readFileSync(join(ROOT, ...path), "utf8");
const DOCUMENTS = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));

describe("messages", () => {
  const types = Object.keys(MESSAGES) as MessageType[];
  const { header } = readerOf(recordRun(buildSystem(scenarioOf({})), () => {}));

  it.each(types)("%s goes into a log and comes back as it was", (type) => {
    const message = { type, ...exampleOf(MESSAGES[type].fields) } as Message;
    const delivery = { sequence: 1, time: 7, from: 1, to: 2, message };
    const log = forgedLog(header, [
      { kind: "message", position: 0, delivery, posted: 9, digest: 0 },
    ]);
    expect(entriesOf(readerOf(log))[0]).toMatchObject({ kind: "message", delivery });
  });

  it.each(types)("%s is told to people by all of its fields, and in a color", (type) => {
    const { fields } = MESSAGES[type];
    const message = { type, ...exampleOf(fields) } as Message;
    const delivery = { sequence: 1, time: 7, from: 1, to: 2, message };
    const { text, kind } = entryOf(delivery, 0, String);
    for (const name of Object.keys(fields)) expect(text).toContain(name);
    expect(MESSAGE_KINDS).toContain(kind);
  });

  it.each(types)(
    "%s has its fields in the table, and a name near it is answered with it",
    (type) => {
      expect(messages.fieldsOf(type)).toBeDefined();
      expect(messages.problemOf({ type: `${type}x` })).toContain(`did you mean "${type}"?`);
    },
  );
});

describe.each(EXPERIMENTS.map((one) => [one.name, one] as const))("experiment %s", (name, one) => {
  it("is found by its name, and no other has it", () => {
    expect(experimentsNamed(name)).toEqual([one]);
  });

  it.each([FULL, QUICK])("asks for no run twice, $name", (scale) => {
    const identity = new RunIdentity();
    const points = one.points(scale);
    const keys = points.map(({ scenario }) =>
      identity.of({ scenario: scenarioSchema.parse(scenario), directory: "." }),
    );
    expect(new Set(keys).size).toBe(points.length);
  });

  it("has its results and its row in the documents", () => {
    expect(read("docs", "results.md")).toContain(name);
    expect(read("docs", "experiments.md")).toContain(`| \`${name}\` |`);
  });
});

const manual = manPage(COMMANDS).then((lines) => lines.join("\n"));

describe.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
  "command %s",
  (name, entry) => {
    it("tells what it does, and each of its options", async () => {
      const command = await entry.load();
      for (const one of [command, ...command.commands]) {
        expect(one.description(), one.name()).not.toBe("");
        for (const { flags, description } of one.options) expect(description, flags).not.toBe("");
      }
    });

    it("is in the manual page, and somewhere in the documents", async () => {
      expect(await manual).toMatch(new RegExp(`^\\.SS ${name}\\b`, "m"));
      const pages = [read("README.md"), ...DOCUMENTS.map((page) => read("docs", page))].join("\n");
      expect(pages).toMatch(new RegExp(`trackvisor ${name}\\b`));
    });
  },
);
