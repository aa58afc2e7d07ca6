/**
 * Why Bochs may differ from the emulator, as data: each rule says which values, why, and where that is written.
 * What no rule explains is a bug of one of the two.
 */
import type { Answer, Disagreement } from "./answers.ts";
import type { Question } from "./translate.ts";

/** A disagreement with what was asked and answered. */
export interface Context {
  readonly difference: Disagreement;
  readonly question: Question;
  readonly answer: Answer;
  /** Words that have changed earlier than expected, for a reason that was known: what they have, by address. */
  readonly early: ReadonlyMap<number, string>;
}

export interface Rule {
  readonly name: string;
  /** For a person: what Bochs does. */
  readonly reason: string;
  /** Where the rule is written that the emulator follows, or who else has found this. */
  readonly source: string;
  /**
   * value: this value alone differs. path: from here on both go different ways, and the rest of the test is not
   * compared. mode: as path, and the emulator in mode `bochs` gives all of Bochs's answers.
   */
  readonly kind: "value" | "path" | "mode";
  /** Versions of Bochs that do this. */
  readonly versions: RegExp;
  readonly explains: (context: Context) => boolean;
}

const ANY = /^/;
const BEFORE_3 = /^[12]\./;
const LOG_FULL = 62;
const SLOTS = 512;
const MISCONFIGURATION = 49;
const VIOLATION = 48;

export function exitReason({ ending }: Answer): number | null {
  return ending.kind === "exit" ? ending.reason : null;
}

function bitZeroAlone({ expected, actual }: Disagreement): boolean {
  return (Number(expected) & ~1) === Number(actual);
}

/** Of two page-aligned words, whether the second has an offset in the page. */
function offsetAlone({ expected, actual }: Disagreement): boolean {
  if (!expected.startsWith("0x") || !actual.startsWith("0x")) return false;
  return (BigInt(actual) & ~0xfffn) === BigInt(expected);
}

export const RULES: readonly Rule[] = [
  {
    name: "log-offset",
    reason: "a log entry has the offset of the access in its page",
    source: "Bochs issue 217, mended in 3.0; SDM 28.2.6",
    kind: "value",
    versions: BEFORE_3,
    explains: ({ difference }) =>
      /^(log word|PDPTE)/.test(difference.what) && offsetAlone(difference),
  },
  {
    name: "resume-flag",
    reason: "RF in the saved RFLAGS is as it was",
    source: "Bochs issue 215, mended for EPT violations in 3.0; SDM 27.3.3",
    kind: "value",
    versions: ANY,
    explains: ({ difference, question }) =>
      difference.what === "RF" &&
      difference.expected === "true" &&
      exitReason(question.expected) !== null,
  },
  {
    name: "nmi-exit-blocks",
    reason: "an NMI that exits is saved as blocking by NMI",
    source: "SDM 27.1: it blocks only once the exit is complete",
    kind: "value",
    versions: BEFORE_3,
    explains: ({ difference, question }) =>
      difference.what === "interruptibility" &&
      question.runs[0]?.operation === "nmi" &&
      Number(difference.actual) === (Number(difference.expected) | 8),
  },
  {
    name: "double-fault-resume-flag",
    reason: "a double fault saves the RF that its first fault has set",
    source: "SDM vol. 3B 17.3.1.1: RF is set for faults, and a double fault is an abort",
    kind: "value",
    versions: ANY,
    explains: ({ difference, question }) =>
      difference.what === "RF" &&
      difference.expected === "false" &&
      question.runs[0]?.fields !== undefined,
  },
  {
    name: "iret-selector",
    reason:
      "IRET reads two bytes of the slot of SS, so the last byte of the frame may be in a page that is not read",
    source: "SDM vol. 2A, IRET: the slot has 32 bits; how many are read is not said",
    kind: "path",
    versions: ANY,
    explains: ({ difference, question, answer }) =>
      question.runs[0]?.operation === "iret" &&
      question.expected.ending.kind === "done" &&
      answer.ending.kind === "done" &&
      difference.actual === "unchanged",
  },
  {
    name: "frame-order",
    reason:
      "a frame is pushed and popped slot by slot from the other end, so its pages are met in another order",
    source: "docs/choices.md, order of a frame's pages: the SDM leaves it open",
    kind: "path",
    versions: ANY,
    explains: ({ difference, question }) => {
      const [run] = question.runs;
      if (run?.event === undefined && run?.operation !== "iret") return false;
      return /address$|^(log|EPT|guest) word$/.test(difference.what);
    },
  },
  {
    name: "index-first",
    reason: "a log that is full exits before it is known whether a flag must be set",
    source: "docs/choices.md, log full; mode `bochs`",
    kind: "mode",
    versions: ANY,
    explains: ({ question, answer }) =>
      exitReason(answer) === LOG_FULL && question.expected.index >= SLOTS,
  },
  {
    name: "index-first-own-code",
    reason: "a log that is full exits at once, here when the image's own code is walked to",
    source: "docs/choices.md, log full; no guest of the image's gets to its access",
    kind: "path",
    versions: ANY,
    explains: ({ question, answer }) =>
      exitReason(answer) === LOG_FULL && question.expected.index >= SLOTS,
  },
  {
    name: "structure-write-only",
    reason: "a violation by an access to a guest's paging structure is reported as a write alone",
    source: "docs/choices.md, violation by an access to a guest paging structure; mode `bochs`",
    kind: "mode",
    versions: ANY,
    explains: ({ difference, question }) =>
      difference.what === "qualification" &&
      bitZeroAlone(difference) &&
      (Number(difference.expected) & 0x100) === 0 &&
      exitReason(question.expected) === VIOLATION,
  },
  {
    name: "read-modify-write",
    reason: "a violation by a read-modify-write is reported as a write alone",
    source: "docs/choices.md, qualification of a read-modify-write violation; mode `bochs`",
    kind: "mode",
    versions: ANY,
    explains: ({ difference, question }) =>
      difference.what === "qualification" &&
      bitZeroAlone(difference) &&
      (Number(difference.expected) & 0x100) !== 0 &&
      exitReason(question.expected) === VIOLATION,
  },
  {
    name: "flag-update-unasked",
    reason: "with A/D flags off, the guest's own A or D is set without a second look at the EPT",
    source: "docs/choices.md, A/D flags off, the guest's own A or D must be set; mode `bochs`",
    kind: "mode",
    versions: ANY,
    explains: ({ question, answer }) =>
      exitReason(question.expected) === VIOLATION && answer.ending.kind === "done",
  },
  {
    name: "large-page-bit-12",
    reason: "bit 12 of an entry that maps a large page is ignored",
    source: "docs/choices.md, bit 12: SDM tables 28-3 and 28-5 have it reserved; mode `bochs`",
    kind: "mode",
    versions: ANY,
    explains: ({ question, answer }) =>
      exitReason(question.expected) === MISCONFIGURATION && answer.ending.kind === "done",
  },
  {
    name: "more-controls",
    reason: "the processor has controls that the emulated one has not",
    source: "docs/choices.md, controls that are not emulated",
    kind: "path",
    versions: ANY,
    explains: ({ difference, answer }) =>
      difference.expected === "VMfail 7" &&
      (answer.ending.kind === "done" || answer.ending.kind === "exit"),
  },
  {
    name: "guest-rip-unchecked",
    reason: "VM entry does not check RIP; its first fetch is a general protection fault",
    source: "SDM 26.3.1.4",
    kind: "path",
    versions: BEFORE_3,
    explains: ({ difference }) =>
      difference.expected.startsWith("entry failed") &&
      difference.actual.startsWith("exception 13"),
  },
  {
    name: "virtual-nmi-unchecked",
    reason: "VM entry injects an NMI though virtual NMIs are blocked",
    source: "SDM 26.3.1.5",
    kind: "path",
    versions: BEFORE_3,
    explains: ({ question, answer }) =>
      question.expected.ending.kind === "entryFailed" &&
      (question.expected.interruptibility & 8) !== 0 &&
      answer.ending.kind === "done",
  },
  {
    name: "nmi-qualification",
    reason: "an NMI after STI fails with qualification 0",
    source: "SDM 26.7; docs/choices.md, an NMI is injected while blocking by STI is in effect",
    kind: "path",
    versions: BEFORE_3,
    explains: ({ difference }) =>
      /qualification 3$/.test(difference.expected) && /qualification 0$/.test(difference.actual),
  },
  {
    name: "virtual-nmi-kept",
    reason: "blocking of virtual NMIs stays from the guest before, though the VMCS has it clear",
    source: "SDM 26.6.1: VM entry takes it from the interruptibility state",
    kind: "path",
    versions: BEFORE_3,
    explains: ({ question, answer }) =>
      (question.expected.interruptibility & 8) === 0 && (answer.interruptibility & 8) !== 0,
  },
];
