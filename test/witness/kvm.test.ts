/**
 * What KVM says of memory slots, dirty bitmaps and rings: the answers that kernels have given, and this machine's kernel where
 * it has /dev/kvm.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { KvmMemory } from "../../src/hypervisor/slots/kvmMemory.ts";
import { entriesText, pagesText } from "../../src/witness/kvm/answer.ts";
import { compareAnswers } from "../../src/witness/kvm/compare.ts";
import { emulatedAnswers } from "../../src/witness/kvm/emulated.ts";
import { askKernel, hasKvm, type KernelAnswers } from "../../src/witness/kvm/kernel.ts";
import { type KvmQuestion, loadQuestions } from "../../src/witness/kvm/question.ts";
import { randomQuestion } from "../../src/witness/kvm/randomQuestion.ts";
import { questionsOf, shippedAnswers } from "../../src/witness/kvm/shipped.ts";
import { shrunkDifference } from "../../src/witness/kvm/shrink.ts";

const LONG = 120_000;
const MACHINE = { logs: false, offersRingBitmap: false };
const RANDOM = 200;
const canAsk = hasKvm();
if (!canAsk)
  console.log("no /dev/kvm or no gcc: no kernel is asked, its stored answers are compared");

const questions = questionsOf([]);

function differences(kernel: KernelAnswers, asked = questions): string[] {
  return compareAnswers(asked, kernel).differing.map(
    ({ question, step, emulated, kernel: theirs }) =>
      `${question.name}, step ${step}: ${emulated}, kernel ${theirs}`,
  );
}

describe("answers that kernels have given", () => {
  it("are the emulator's, all of them", () => {
    expect(shippedAnswers().length).toBeGreaterThan(0);
    for (const kernel of shippedAnswers()) {
      expect(differences(kernel)).toEqual([]);
      expect(compareAnswers(questions, kernel).answers).toBeGreaterThan(500);
      expect([...kernel.answers.keys()]).toEqual(questions.map(({ name }) => name));
    }
  });

  it("are those of processors with a log of writes, too, but for the size of rings and their limit", () => {
    const other = questions.filter((question) => {
      const logged = emulatedAnswers(question, { ...MACHINE, logs: true });
      return logged.join("\n") !== emulatedAnswers(question, MACHINE).join("\n");
    });
    expect(other.map(({ name }) => name)).toEqual([
      "a vCPU whose ring is full does not run",
      "the limit of the smallest ring is 192 of 256",
      "the ring of one vCPU is full, another one runs on",
      "the ring after many turns",
    ]);
  });
});

/** Mistakes that KVM, or an emulator of it, could make. */
const FAULTS: readonly (readonly [string, typeof KvmMemory])[] = [
  [
    "a CLEAR that takes no mask",
    class extends KvmMemory {
      override clearDirtyLog(id: number, first: number, count: number) {
        const all = Array.from({ length: count }, (_, i) => first + i);
        return super.clearDirtyLog(id, first, count, all);
      }
    },
  ],
  [
    "a reset that arms nothing",
    class extends KvmMemory {
      override resetRings() {
        const slots = new Map(this.slots);
        this.slots.clear();
        const reset = super.resetRings();
        for (const [id, slot] of slots) this.slots.set(id, slot);
        return reset;
      }
    },
  ],
  [
    "a slot that forgets its log when it moves",
    class extends KvmMemory {
      override setRegion(region: Parameters<KvmMemory["setRegion"]>[0]) {
        const old = this.slots.get(region.slot);
        if (old !== undefined && old.firstPage * 4096 !== region.guestAddress && region.bytes > 0) {
          super.setRegion({ ...region, guestAddress: old.firstPage * 4096, flags: 0 });
        }
        return super.setRegion(region);
      }
    },
  ],
  [
    "INITIALLY_SET that is taken for manual protection alone",
    class extends KvmMemory {
      override enableManualProtect(flags: number) {
        return super.enableManualProtect(flags) ?? super.enableManualProtect(flags & 1);
      }
    },
  ],
  [
    "a vCPU that marks in the ring of the first",
    class extends KvmMemory {
      override markGuestPage(_vcpu: number, page: number) {
        return super.markGuestPage(0, page);
      }
    },
  ],
  [
    "a first read that reports nothing",
    class extends KvmMemory {
      override serveViolation(vcpu: number, page: number, write: boolean) {
        const marks = this.markGuestPage;
        if (!write) this.markGuestPage = () => false;
        const served = super.serveViolation(vcpu, page, write);
        this.markGuestPage = marks;
        return served;
      }
    },
  ],
];

/** A ring that overruns is an answer, too. */
function faultyAnswers(question: KvmQuestion, Memory: typeof KvmMemory): string {
  try {
    return emulatedAnswers(question, MACHINE, Memory).join("\n");
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("a planted fault", () => {
  it.each(FAULTS)("%s is seen by a stored answer", (_name, Memory) => {
    const [kernel] = shippedAnswers();
    const seen = questions.filter((question) => {
      return faultyAnswers(question, Memory) !== kernel?.answers.get(question.name)?.join("\n");
    });
    expect(seen).not.toEqual([]);
  });
});

describe.skipIf(!canAsk)("this machine's KVM", () => {
  let kernel: KernelAnswers;
  beforeAll(async () => {
    kernel = await askKernel(questions);
  }, LONG);

  it("answers as the emulator does", () => {
    expect(differences(kernel)).toEqual([]);
  });

  it("answers as it did when its answers were stored", () => {
    const same = shippedAnswers().filter(
      (stored) => stored.kernel === kernel.kernel && stored.module === kernel.module,
    );
    for (const { answers } of same) expect(kernel.answers).toEqual(answers);
  });

  it(
    `answers ${RANDOM} random questions as the emulator does`,
    async () => {
      const random = Array.from({ length: RANDOM }, (_, i) => randomQuestion(7, i));
      expect(differences(await askKernel(random), random)).toEqual([]);
    },
    LONG,
  );
});

/** A kernel that does as the emulator does, but for what its log gives: no page at all. */
function forgetfulKernel(asked: readonly KvmQuestion[]): KernelAnswers {
  const answers = asked.map((question) => {
    const right = emulatedAnswers(question, MACHINE);
    const said = right.map((answer, i) => {
      const isGet = question.commands[i]?.op === "get";
      return isGet && /^\d/.test(answer) ? "none" : answer;
    });
    return [question.name, said] as const;
  });
  return { kernel: "forgetful", module: "none", logs: false, answers: new Map(answers) };
}

describe("a random question that differs", () => {
  it("is made smaller: a log that begins with all pages, and is taken", async () => {
    const asked = Array.from({ length: 20 }, (_, i) => randomQuestion(7, i));
    const [first] = compareAnswers(asked, forgetfulKernel(asked)).differing;
    expect(first).toBeDefined();
    if (first === undefined) return;
    const { question, kernel, step } = await shrunkDifference(first, (smaller) =>
      Promise.resolve(forgetfulKernel(smaller)),
    );
    expect(question.commands.map(({ op }) => op)).toEqual(["manual", "slot", "get"]);
    expect([kernel, step]).toEqual(["none", 3]);
  });
});

describe("a file of questions", () => {
  const file = (steps: string) =>
    `questions:\n  - name: a\n    source: b\n    steps:\n      - ${steps}\n`;
  const refused = (steps: string) => {
    try {
      loadQuestions("x.kvm.yaml", file(steps));
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "";
  };

  it("is refused where it cannot be asked", () => {
    expect(refused("{write: [1]}")).toBe(
      "x.kvm.yaml:5: questions[0].steps[0]: no step before has made slot 0",
    );
    expect(refused("{region: 0, address: 0x40000000, bytes: 0x1000}")).toContain("below 1 GiB");
    expect(
      refused("{region: 9, address: 0, bytes: 0x1000}\n      - {write: [9-3], slot: 0}"),
    ).not.toBe("");
    expect(refused("{forget: 3}")).toContain("x.kvm.yaml:5");
  });

  it("has pages in ranges, and so have answers", () => {
    expect(pagesText([])).toBe("none");
    expect(pagesText([3, 4, 5, 9])).toBe("3-5 9");
    const entries = [3, 4, 2].map((page) => ({ slot: 1, page }));
    expect(entriesText([...entries, { slot: 0, page: 3 }])).toBe("slot 1: 3-4 2, slot 0: 3");
  });
});
