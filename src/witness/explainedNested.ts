/** Why those who have AMD's virtualization may differ from the emulator, as data (explained.ts). */
import { NPT } from "../hardware/formats/npt.ts";
import { UNCHANGED } from "./answers.ts";
import { type Context, exitReason, type Rule } from "./explained.ts";

const ANY = /^/;
/** Of its root: through it the image's own code is reached (ownCode.ts). */
const LAST_ENTRY = 0xff8n;
const TABLE_WORDS = [`${NPT.label} word`, "guest word"];
const PAGE_FAULT = NPT.fault.reason;

/** Bit 8 of an entry of the top table, which a walk passes. */
const topGlobal: Rule = {
  name: "npt-top-global",
  reason: "bit 8 of an entry of the top table is ignored",
  source: "APM vol. 2 5.3.3: it must be zero; KVM nonleaf_bit8_rsvd",
  kind: "path",
  versions: ANY,
  explains: ({ question, answer }) =>
    exitReason(question.expected) === PAGE_FAULT &&
    isReserved(question.expected) &&
    answer.ending.kind === "done",
};

export const RYZEN_RULES: readonly Rule[] = [topGlobal];

export const QEMU_RULES: readonly Rule[] = [
  {
    name: "accessed-early",
    reason: "A of the entries above is set, though the access ends in a fault",
    source: "docs/choices.md, A of entries above the one that faults",
    kind: "value",
    versions: ANY,
    explains: ({ difference, answer, early }) =>
      TABLE_WORDS.includes(difference.what) &&
      (difference.expected === UNCHANGED
        ? answer.ending.kind !== "done" && isAccessedAlone(difference.actual)
        : difference.actual === UNCHANGED && isEarly(early, difference)),
  },
  {
    name: "reserved-not-present",
    reason: "a fault for reserved bits does not say that the entry is present",
    source: "APM vol. 2 8.4.2; QEMU target/i386/tcg/sysemu/excp_helper.c, do_fault_rsvd",
    kind: "value",
    versions: ANY,
    explains: ({ difference, question, answer }) =>
      (difference.what === "qualification" &&
        isReserved(question.expected) &&
        Number(difference.actual) === Number(difference.expected) - 1) ||
      (difference.what === "ending" && isPageFaultWithoutPresent(question.expected, answer)),
  },
  {
    name: "read-modify-write-read",
    reason: "a locked read-modify-write is a read, and then a write, where there is one CPU",
    source: "QEMU tcg/tcg-op.c, do_nonatomic_op",
    kind: "value",
    versions: ANY,
    explains: ({ difference, question }) =>
      difference.what === "qualification" &&
      /^(run_)?m/.test(question.runs[0]?.operation ?? "") &&
      Number(difference.actual) === Number(difference.expected) - NPT.fault.write,
  },
  {
    name: "mov-to-cr3-vmexit",
    reason: "MOV to CR3 with bits from MAXPHYADDR on ends as a VMRUN that failed",
    source: "QEMU target/i386/tcg/sysemu/misc_helper.c, helper_write_crN; APM vol. 3, MOV CRn: #GP",
    kind: "path",
    versions: ANY,
    explains: ({ question: { runs, expected }, answer }) =>
      runs[0]?.cr3 !== undefined &&
      expected.ending.kind === "exception" &&
      answer.ending.kind === "failed",
  },
  topGlobal,
  {
    name: "npt-cr3-unchecked",
    reason: "VMRUN does not check the nested CR3; the first walk faults",
    source: "APM vol. 2 15.5.1 and 15.25.3",
    kind: "path",
    versions: ANY,
    explains: ({ question, answer }) =>
      question.expected.ending.kind === "failed" && exitReason(answer) === PAGE_FAULT,
  },
  {
    name: "npt-own-code",
    reason:
      "MOV to CR3 drops global translations, and the image's own code is walked to through the guest's root, which is not there",
    source:
      "QEMU target/i386/helper.c, cpu_x86_update_cr3; no guest of the image's gets to its access",
    kind: "path",
    versions: ANY,
    explains: ({ answer: { ending } }) =>
      ending.kind === "exit" &&
      ending.reason === PAGE_FAULT &&
      !ending.atInstruction &&
      (ending.gpa & 0xfffn) === LAST_ENTRY,
  },
];

function isReserved({ ending }: Context["answer"]): boolean {
  return (
    ending.kind === "exit" &&
    (ending.qualification & NPT.fault.malformed.bits) === NPT.fault.malformed.bits
  );
}

function isPageFaultWithoutPresent(
  expected: Context["answer"],
  actual: Context["answer"],
): boolean {
  const [wanted, got] = [expected.ending, actual.ending];
  if (wanted.kind !== "exception" || got.kind !== "exception") return false;
  const isOfReserved = (wanted.error & NPT.fault.malformed.bits) === NPT.fault.malformed.bits;
  return wanted.vector === got.vector && isOfReserved && got.error === wanted.error - 1;
}

/** Guests' tables and nested ones have the same bits. */
function isAccessedAlone(word: string): boolean {
  const { accessed, dirty } = NPT;
  return (Number(BigInt(word) & 0xfffn) & (accessed | dirty)) === accessed;
}

function isEarly(early: Context["early"], { address, expected }: Context["difference"]): boolean {
  return address !== undefined && early.get(address) === expected;
}
