/** What a processor answers to one step of a guest, or to one VMX instruction of its VMM. */

import { NPT } from "../hardware/formats/npt.ts";

/** How a step ended. */
export type Ending =
  | { readonly kind: "done" }
  | {
      readonly kind: "exit";
      readonly reason: number;
      readonly qualification: number;
      /** Of EPT violations and misconfigurations. */
      readonly gpa: bigint;
      /** Of EPT violations whose qualification says that it is valid. */
      readonly gla: bigint;
      readonly vectoring: number;
      readonly resumeFlag: boolean;
      /** Whether the saved RIP names the instruction of the step. */
      readonly atInstruction: boolean;
    }
  | { readonly kind: "exception"; readonly vector: number; readonly error: number }
  | { readonly kind: "entryFailed"; readonly reason: number; readonly qualification: number }
  | { readonly kind: "failed"; readonly error: number }
  /** Something that no emulated processor does. */
  | { readonly kind: "other"; readonly text: string };

export interface Answer {
  readonly ending: Ending;
  readonly index: number;
  readonly interruptibility: number;
  readonly pdptes: readonly bigint[];
  /** Accesses of a burst that completed. */
  readonly retired: number;
  /** 64-bit words of paging structures and logs that changed, by physical address. */
  readonly words: ReadonlyMap<number, bigint>;
  /** Of those, the entries of a log that were there before, too: who stores the same shows no change. */
  readonly again?: ReadonlySet<number>;
}

/** One value in which two answers differ. */
export interface Disagreement {
  /** For instance "qualification", or "EPT word". */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  /** Of a word. */
  readonly address?: number;
}

/** Which of an answer's values can be compared: what the step does not define is left out. */
export interface Compared {
  readonly index: boolean;
  readonly resumeFlag: boolean;
  readonly interruptibility: boolean;
  readonly atInstruction: boolean;
  readonly pdptes: readonly number[];
  readonly retired: boolean;
  /** Names the kind of a word by its physical address. */
  readonly kindOf: (address: number) => string;
}

/** What is said of a word that a step leaves as it was. */
export const UNCHANGED = "unchanged";
const LOG_FULL = 62;
const VIOLATION = 48;
const MISCONFIGURATION = 49;
const EXCEPTION = 0;
const LINEAR_VALID = 1 << 7;
const NMI_UNBLOCKED = 1 << 12;

/** The values in which a processor's answer differs from what is expected; and how many were compared. */
export function compareAnswers(
  expected: Answer,
  actual: Answer,
  compared: Compared,
): { readonly disagreements: Disagreement[]; readonly values: number } {
  const found: Disagreement[] = [];
  let values = 0;
  const compare = (what: string, wanted: string, got: string, address?: number) => {
    values++;
    if (wanted === got) return;
    const difference = { what, expected: wanted, actual: got };
    found.push(address === undefined ? difference : { ...difference, address });
  };
  compare("ending", endingText(expected.ending), endingText(actual.ending));
  if (expected.ending.kind === "exit" && actual.ending.kind === "exit") {
    compareExits(expected.ending, actual.ending, compared, compare);
  }
  if (compared.index && expected.ending.kind === actual.ending.kind) {
    compare("index", hexText(expected.index), hexText(actual.index));
  }
  if (compared.interruptibility) {
    compare(
      "interruptibility",
      hexText(expected.interruptibility),
      hexText(actual.interruptibility),
    );
  }
  for (const i of compared.pdptes) {
    compare(`PDPTE ${i}`, hexText(expected.pdptes[i] ?? 0n), hexText(actual.pdptes[i] ?? 0n));
  }
  if (compared.retired) compare("retired", String(expected.retired), String(actual.retired));
  const addresses = new Set([...expected.words.keys(), ...actual.words.keys()]);
  for (const address of [...addresses].sort((a, b) => a - b)) {
    const wanted = expected.words.get(address);
    const got = actual.words.get(address) ?? (expected.again?.has(address) ? wanted : undefined);
    compare(compared.kindOf(address), wordText(wanted), wordText(got), address);
  }
  return { disagreements: found, values };
}

type Exit = Extract<Ending, { kind: "exit" }>;

function compareExits(
  expected: Exit,
  actual: Exit,
  compared: Compared,
  compare: (what: string, expected: string, actual: string) => void,
): void {
  compare("vectoring", hexText(expected.vectoring), hexText(actual.vectoring));
  if (compared.resumeFlag) {
    compare("RF", String(expected.resumeFlag), String(actual.resumeFlag));
  }
  if (compared.atInstruction) {
    compare("RIP at the instruction", String(expected.atInstruction), String(actual.atInstruction));
  }
  if (expected.reason !== actual.reason) return;
  // Of a full log only bit 12 is defined (SDM 27.2.1), and of a misconfiguration none.
  let mask = -1;
  if (expected.reason === LOG_FULL) mask = NMI_UNBLOCKED;
  if (expected.reason === MISCONFIGURATION || expected.reason === EXCEPTION) mask = 0;
  const isNested = expected.reason === NPT.fault.reason;
  // A nested page fault says in bits 33:32 what was accessed.
  const shown = ({ qualification }: Exit) => (isNested ? qualification : qualification & mask);
  compare("qualification", hexText(shown(expected)), hexText(shown(actual)));
  if (isNested || expected.reason === VIOLATION || expected.reason === MISCONFIGURATION) {
    compare("guest-physical address", hexText(expected.gpa), hexText(actual.gpa));
  }
  const linear = expected.reason === VIOLATION && (expected.qualification & LINEAR_VALID) !== 0;
  if (linear) compare("guest-linear address", hexText(expected.gla), hexText(actual.gla));
}

function hexText(value: number | bigint): string {
  return `0x${(typeof value === "number" && value < 0 ? value >>> 0 : value).toString(16)}`;
}

function wordText(value: bigint | undefined): string {
  return value === undefined ? UNCHANGED : hexText(value);
}

export function endingText(ending: Ending): string {
  switch (ending.kind) {
    case "done":
      return "completed";
    case "exit":
      return `exit ${ending.reason}`;
    case "exception":
      return `exception ${ending.vector}, error ${hexText(ending.error)}`;
    case "entryFailed":
      return `entry failed: reason ${hexText(ending.reason)}, qualification ${ending.qualification}`;
    case "failed":
      return `VMfail ${ending.error}`;
    case "other":
      return ending.text;
  }
}
