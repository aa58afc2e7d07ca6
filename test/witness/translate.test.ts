/** What becomes of a litmus test: its table, what is expected, and what cannot be asked. No processor is asked here. */
import { describe, expect, it } from "vitest";
import { loadLitmus } from "../../src/litmus/load.ts";
import { compareAnswers } from "../../src/witness/answers.ts";
import { prepare } from "../../src/witness/ask.ts";
import { RULES } from "../../src/witness/explained.ts";
import { judge, rulesFor } from "../../src/witness/judge.ts";
import { Operation } from "../../src/witness/layout.ts";
import { answerOf, readOutput } from "../../src/witness/output.ts";
import { KNOWN_PROCESSOR } from "../../src/witness/witness.ts";

/** Addresses as a build of the image has them; any will do. */
const symbols = new Map(
  [
    ...["g64_enter", "g64_user", "g64_vmcall", "g64_vmcall_exit", "g64_cr3", "g64_w1", "g64_r1"],
    ...["g64_hlt", "g64_fetch", "gdt", "guest_tss", "guest_idt64", "_start"],
  ].map((name, i) => [name, 0x202000 + 16 * i]),
);

function ask(text: string) {
  return prepare(loadLitmus("a.litmus.yaml", text), KNOWN_PROCESSOR, symbols);
}

const WRITE = `
name: a write
ept: [{ gpa: 0x5000 }]
steps:
  - write: 0x5678
    expect: { logged: [0x5000] }
`;

describe("a translation", () => {
  it("expects what the emulator does: ending, index, words that change", () => {
    const [asked] = ask(WRITE);
    const [question] = asked?.translation?.questions ?? [];
    expect(question?.expected.ending).toEqual({ kind: "done" });
    expect(question?.expected.index).toBe(510);
    // A in three tables and A and D in the leaf; and the entry of the log, at its last slot.
    const words = [...(question?.expected.words ?? [])];
    expect(words).toHaveLength(5);
    expect(words.filter(([at]) => at % 4096 === 8 * 511)).toEqual([[expect.any(Number), 0x5000n]]);
  });

  it("begins with the number of the test, and enters the guest once", () => {
    const { words = [] } = ask(WRITE)[0]?.translation?.table ?? {};
    expect(words.slice(0, 2)).toEqual([BigInt(Operation.test), 0n]);
    expect(words.at(-13)).toBe(BigInt(Operation.enter));
  });

  it.each([
    ["machine: { compatibility: kvm }", "nested KVM, which is not a processor"],
    ["controls: { prl: true }", "page reference logging"],
    ["machine: { geometry: { eptLevels: 3 } }", "a machine with eptLevels 3"],
    ["machine: { geometry: { eptLevels: 5 } }", "a machine with eptLevels 5"],
  ])("%s: not asked, %s", (field, reason) => {
    const [asked] = ask(`${WRITE}${field}\n`);
    expect(asked).toMatchObject({ translation: null, reason });
  });
});

describe("a test that names another processor", () => {
  it.each([
    ["machine: { capabilities: { executeOnly: false } }", true],
    ["machine: { geometry: { physicalAddressBits: 46 } }", true],
    ["machine: { geometry: { physicalAddressBits: 40 } }", false],
  ])("%s: is asked with the processor's own, and counted so: %s", (field, adapted) => {
    const [asked] = ask(`${WRITE}${field}\n`);
    expect(asked).toMatchObject({ reason: "", adapted });
    const { machine } = asked?.translation === null ? {} : { machine: asked?.test.machine };
    expect(machine).toBeDefined();
  });
});

describe("a full log", () => {
  const full = WRITE.replace(
    "steps:",
    "controls: { pml: true }\nvmcs: { pmlIndex: 0xffff }\nsteps:",
  );

  it("of index 0xffff is filled by the guest's own store, of another index it is not", () => {
    const flagsOf = (text: string) => ask(text)[0]?.translation?.table.words.at(-5);
    expect(flagsOf(full)).toBe(8n);
    expect(flagsOf(full.replace("0xffff", "512"))).toBe(0n);
  });
});

/** The answer of a processor to the one step of WRITE. */
function answerTo(text: string) {
  const [asked] = ask(WRITE);
  const questions = asked?.translation?.questions ?? [];
  const [question] = questions;
  if (question === undefined) throw new Error("not translated");
  const printed = readOutput(text).tests.get(0) ?? [];
  const { answer } = answerOf(question, printed, 0);
  return { question, questions, printed, answer };
}

/** A line of the image: reason 18 is VMCALL, the end of a step. */
const DONE = "T 0\nE 12 0 0 0 0 0 0 0 0 2 0 1fe 0 0 0 0 0 0 0 0\n";

describe("an answer", () => {
  it("is read from what the image prints, between other lines of a console", () => {
    const { answer } = answerTo(`SeaBIOS\n${DONE}W 2005ff8 5000\r\nZ\n`);
    expect(answer).toMatchObject({ ending: { kind: "done" }, index: 510 });
    expect([...answer.words]).toEqual([[0x2005ff8, 0x5000n]]);
  });

  it("that misses a word, has another, or another index differs", () => {
    const { question, answer } = answerTo(DONE);
    const same = compareAnswers(question.expected, question.expected, question.compared);
    expect(same.disagreements).toEqual([]);
    const words = compareAnswers(question.expected, answer, question.compared);
    expect(words.disagreements).toHaveLength(5);
    const index = { ...question.expected, index: 511 };
    const { disagreements } = compareAnswers(question.expected, index, question.compared);
    expect(disagreements).toEqual([{ what: "index", expected: "0x1fe", actual: "0x1ff" }]);
  });

  it("that nobody gave differs", () => {
    const { questions } = answerTo(DONE);
    const { unexplained } = judge(questions, [], rulesFor(RULES, "2.7"), () => null);
    expect(unexplained).toContainEqual(expect.objectContaining({ actual: "no answer" }));
  });

  it("is excused for Bochs where a rule says so, and for no other processor", () => {
    const { question, questions } = answerTo(DONE);
    const lines = [...question.expected.words].map(([at, word]) => {
      const logged = word === 0x5000n ? 0x5678n : word;
      return `W ${at.toString(16)} ${logged.toString(16)}`;
    });
    const { printed } = answerTo(`${DONE}${lines.join("\n")}\nZ\n`);
    const bochs = judge(questions, printed, rulesFor(RULES, "2.7"), () => null);
    expect(bochs).toMatchObject({ rules: ["log-offset"], unexplained: [] });
    for (const rules of [rulesFor(RULES, "3.0"), []]) {
      const other = judge(questions, printed, rules, () => null);
      expect(other.unexplained).toMatchObject([{ what: "log word", actual: "0x5678" }]);
    }
  });
});
