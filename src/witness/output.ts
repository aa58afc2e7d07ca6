/** Reads what the image has printed (image/image.c): what the processor answered to each table. */
import { EPT } from "../hardware/formats/ept.ts";
import { NPT } from "../hardware/formats/npt.ts";
import type { Answer, Ending } from "./answers.ts";
import type { Question } from "./translate.ts";
import { linearOf } from "./vmcsFields.ts";

/** One answer as it was printed: that of a VMX instruction, or of an entry of the guest. */
export interface Printed {
  /** E: an exit; F: an entry that failed; I: INVEPT or INVVPID. */
  readonly letter: string;
  readonly numbers: readonly bigint[];
  readonly words: Map<number, bigint>;
}

/** What a processor says of itself. */
export interface Processor {
  readonly physicalAddressBits: number;
  /** Of its second-level entries: which virtualization it has. */
  readonly entryFormat: string;
  /** CPUID Fn8000_000A EDX; of VMX 0. */
  readonly svmFeatures: bigint;
  /** IA32_VMX_EPT_VPID_CAP; of SVM 0, as the controls are. */
  readonly eptCapabilities: bigint;
  /** Primary controls that may be 1. */
  readonly primaryAllowed: number;
  /** Secondary controls that may be 1. */
  readonly secondaryAllowed: number;
}

export interface Output {
  readonly processor: Processor | null;
  /** By the number of the test. */
  readonly tests: ReadonlyMap<number, readonly Printed[]>;
  /** Whether it came to its end. */
  readonly complete: boolean;
  /** What went wrong in the image, in its own words. */
  readonly trouble: string | null;
}

const SVM = 2n;
const LINE = /^([HTEFIWXZ])((?: [0-9a-f]+)*)(?: .*)?$/;

/** Lines that are none of the image's are passed over: a console has others. */
export function readOutput(text: string): Output {
  let processor: Processor | null = null;
  let trouble: string | null = null;
  let complete = false;
  const tests = new Map<number, Printed[]>();
  let answers: Printed[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("X ")) trouble = line.slice(2);
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, letter = "", rest = ""] = match;
    const numbers = rest
      .split(" ")
      .flatMap((digits) => (digits === "" ? [] : [BigInt(`0x${digits}`)]));
    const [first = 0n, second = 0n] = numbers;
    if (letter === "H") processor = processorOf(numbers);
    else if (letter === "T") {
      answers = [];
      tests.set(Number(first), answers);
    } else if (letter === "W") answers.at(-1)?.words.set(Number(first), second);
    else if (letter === "Z") complete = true;
    else if ("EFI".includes(letter)) answers.push({ letter, numbers, words: new Map() });
  }
  return { processor, tests, complete, trouble };
}

/** H: 1 for VMX, 2 for SVM; address bits; of VMX IA32_VMX_EPT_VPID_CAP, pin, primary, exit and entry controls, secondary ones, IA32_VMX_BASIC. */
function processorOf(numbers: readonly bigint[]): Processor {
  const [version = 1n, bits = 0n, third = 0n] = numbers;
  if (version === SVM) return svmProcessor(Number(bits), third);
  const [, , eptCapabilities = 0n, , primary = 0n, , , secondary = 0n] = numbers;
  return {
    physicalAddressBits: Number(bits),
    entryFormat: EPT.name,
    svmFeatures: 0n,
    eptCapabilities,
    primaryAllowed: Number(primary >> 32n),
    secondaryAllowed: Number(secondary >> 32n),
  };
}

/** A processor with nested paging. */
export function svmProcessor(physicalAddressBits: number, svmFeatures: bigint): Processor {
  return {
    physicalAddressBits,
    entryFormat: NPT.name,
    svmFeatures,
    eptCapabilities: 0n,
    primaryAllowed: 0,
    secondaryAllowed: 0,
  };
}

/** Positions in the line of an exit (image.c, reported). */
const Reported = {
  reason: 0,
  qualification: 1,
  gpa: 2,
  gla: 3,
  vectoring: 4,
  interruption: 6,
  errorCode: 7,
  interruptibility: 8,
  rflags: 9,
  rip: 10,
  index: 11,
  pdpte0: 12,
  r9: 18,
  rcx: 19,
} as const;

const VMCALL = 18;
/** Exits between two instructions: interrupt and NMI window. */
const WINDOWS: readonly number[] = [7, 8];
const EXCEPTION = 0;
const BREAKPOINT = 3;
const UNDEFINED = 6;
const PAGE_FAULT = 14;
const RF = 1n << 16n;
const NO_ANSWER: Answer = {
  ending: { kind: "other", text: "no answer" },
  index: 0,
  interruptibility: 0,
  pdptes: [],
  retired: 0,
  words: new Map(),
};

/** The answer to a question, from what was printed for its entries; and how much of it was used. */
export function answerOf(
  question: Question,
  printed: readonly Printed[],
  from: number,
): { readonly answer: Answer; readonly next: number } {
  const { runs } = question;
  if (runs.length === 0) return { answer: instructionAnswer(printed[from]), next: from + 1 };
  let answer = NO_ANSWER;
  let retired = 0;
  const words = new Map<number, bigint>();
  for (const [i, run] of runs.entries()) {
    const one = printed[from + i];
    if (one === undefined) return { answer: NO_ANSWER, next: from + runs.length };
    // A burst is over with the part that was stopped; the image goes on, and what it then does is not asked.
    if (i > 0 && answer.ending.kind !== "done") break;
    answer = entryAnswer(question, i, one);
    retired += answer.ending.kind === "done" ? (run.count ?? 0) : answer.retired;
    for (const [at, value] of one.words) words.set(at, value);
  }
  return { answer: { ...answer, retired, words }, next: from + runs.length };
}

function instructionAnswer(printed: Printed | undefined): Answer {
  if (printed === undefined || printed.letter !== "I") return NO_ANSWER;
  const [failed = 0n, error = 0n] = printed.numbers;
  const ending: Ending =
    failed === 0n ? { kind: "done" } : { kind: "failed", error: Number(error) };
  return { ...NO_ANSWER, ending };
}

function entryAnswer({ code, runs }: Question, position: number, printed: Printed): Answer {
  const run = runs[position];
  if (run === undefined || printed.letter === "I") return NO_ANSWER;
  const { numbers } = printed;
  const at = (place: number) => numbers[place] ?? 0n;
  if (printed.letter === "F") {
    return { ...NO_ANSWER, ending: { kind: "failed", error: Number(at(1)) }, words: printed.words };
  }
  const rip = at(Reported.rip);
  const prefix = code.pae ? "g32" : "g64";
  const places = [run.rip ?? linearOf(code, `${prefix}_${run.operation}`)];
  if (run.cr3 !== undefined) places.push(linearOf(code, `${prefix}_cr3`));
  const left = Number(at(code.pae ? Reported.rcx : Reported.r9));
  const isFirst = places.includes(rip) || rip === linearOf(code, `${prefix}_enter`);
  return {
    ending: endingOf(run.operation, at, places.includes(rip), isFirst, code.svm),
    index: Number(at(Reported.index)),
    interruptibility: Number(at(Reported.interruptibility)),
    pdptes: [0, 1, 2, 3].map((i) => at(Reported.pdpte0 + i)),
    retired: (run.count ?? 0) - left,
    words: printed.words,
  };
}

function endingOf(
  operation: string,
  at: (place: number) => bigint,
  atInstruction: boolean,
  isFirst: boolean,
  svm: boolean,
): Ending {
  const reason = Number(at(Reported.reason));
  const qualification = Number(at(Reported.qualification));
  if (reason >= 0x80000000) return { kind: "entryFailed", reason: reason | 0, qualification };
  if (reason === VMCALL && !(operation === "vmcall_exit")) return { kind: "done" };
  // The instruction is over, and the window opened then: the next one finds it.
  if (WINDOWS.includes(reason) && !isFirst) return { kind: "done" };
  const vector = Number(at(Reported.interruption) & 0xffn);
  const asked = [
    "div",
    "ud",
    "np",
    "ss",
    "gp",
    "pf",
    "nmi",
    "icebp",
    "nm",
    "mf",
    "ac",
    "xm",
  ].includes(operation);
  const ofFetch = svm ? UNDEFINED : BREAKPOINT;
  if (reason === EXCEPTION && vector === ofFetch && operation.endsWith("fetch")) {
    return { kind: "done" };
  }
  if (reason === EXCEPTION && !asked) {
    const error = vector === PAGE_FAULT ? Number(at(Reported.errorCode)) : 0;
    return { kind: "exception", vector, error };
  }
  const vectoring = Number(at(Reported.vectoring));
  return {
    kind: "exit",
    reason,
    qualification,
    gpa: at(Reported.gpa),
    gla: at(Reported.gla),
    vectoring: vectoring >= 0x80000000 ? vectoring | 0 : 0,
    resumeFlag: (at(Reported.rflags) & RF) !== 0n,
    atInstruction,
  };
}
