/** Compares what a step did with what its test expects. */

import { COUNTERS, Counter } from "../hardware/counters.ts";
import { describeEvent } from "../hardware/eventInformation.ts";
import { Qualification } from "../hardware/exit.ts";
import { attributesOf, isLeaf } from "../hardware/formats/entryFormat.ts";
import { EPT } from "../hardware/formats/ept.ts";
import { PageFault } from "../hardware/guestEntry.ts";
import { BLOCKING_BY_NMI, Field, RFLAGS_RF, readField, readField64 } from "../hardware/vmcs.ts";
import { joinWords } from "../hardware/words.ts";
import { wordAt } from "../lookup.ts";
import { fieldNamed, LOG_FULL_EXPECTATIONS } from "../units/all.ts";
import { exitReasonName, hidesAccess } from "../units/exits.ts";
import { eptPath } from "./entryPath.ts";
import { entryPermissions, permissionBits, permissionText } from "./eptItems.ts";
import { expandFlags, readFlags } from "./flagText.ts";
import type { StepOutcome, StepResult } from "./guestSteps.ts";
import { GUEST_FLAGS } from "./guestTables.ts";
import { type Before, cachedRights, grown, loggedSince, observe } from "./observe.ts";
import { QUALIFICATION_BITS, signedAddress } from "./scalars.ts";
import { PAGE_SIZES, type VmcsFields } from "./setupSchema.ts";
import type { Machine, Vcpu } from "./state.ts";
import type { Expectation, GpaRange } from "./stepSchema.ts";
import { logEntry } from "./vmmSteps.ts";

/** One assertion that does not hold. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

/** Lists of GPAs longer than this are shown by their ends. */
const LIST_SHOWN = 12;

/** The assertions that do not hold after a step. Without any outcome among them, it must complete. */
export function differences(
  machine: Machine,
  vcpu: Vcpu,
  expected: Expectation,
  result: StepResult,
  before: Before,
): Difference[] {
  const found: Difference[] = [];
  const compare = (what: string, wanted: string, actual: string) => {
    if (wanted !== actual) found.push({ what, expected: wanted, actual });
  };
  compare("outcome", expectedOutcome(expected), outcomeText(result.outcome));
  compareQualification(vcpu, expected, compare);
  compareLog(machine, vcpu, expected, result, before, compare);
  compareEntries(machine, vcpu, expected, compare);
  compareFields(expected.vmcs, vcpu.vmcs.words, "VMCS", compare);
  compareFields(expected.image, vcpu.vmcs.image, "VMCS in memory:", compare);
  for (const [name, value] of Object.entries(expected.registers ?? {})) {
    compare(`register ${name}`, String(value), String(vcpu.registers.get(name) ?? "never written"));
  }
  compareState(machine, vcpu, expected, result, before, compare);
  return found;
}

type Compare = (what: string, expected: string, actual: string) => void;

function expectedOutcome(expected: Expectation): string {
  if (expected.exit !== undefined) return `exit ${expected.exit}`;
  if (expected.entryFailure !== undefined) return `entry failure ${expected.entryFailure}`;
  if (expected.exception !== undefined) return `exception ${expected.exception}`;
  if (expected.vmfail !== undefined) return `VMfail ${expected.vmfail}`;
  if (expected.pageFault !== undefined) {
    const bits = expected.pageFault.reduce((sum, name) => sum | PageFault[name], 0);
    return pageFaultText(bits);
  }
  return "completed";
}

function outcomeText(outcome: StepOutcome): string {
  switch (outcome.kind) {
    case "done":
      return "completed";
    case "exit":
      return `exit ${exitReasonName(outcome.reason)}`;
    case "pageFault":
      return pageFaultText(outcome.error);
    case "exception":
      return `exception ${outcome.name}`;
    case "vmfail":
      return `VMfail ${outcome.error}`;
    case "entryFailure":
      return `entry failure ${outcome.failure}`;
  }
}

function pageFaultText(error: number): string {
  return `page fault ${bitNames(error, PageFault)}`;
}

function bitNames(value: number, names: Readonly<Record<string, number>>): string {
  const set = Object.entries(names).filter(([, bit]) => (value & bit) !== 0);
  let rest = value;
  for (const [, bit] of set) rest &= ~bit;
  const known = set.map(([name]) => name);
  return `[${[...known, ...(rest === 0 ? [] : [hex(rest)])].join(", ")}]`;
}

function compareQualification(vcpu: Vcpu, expected: Expectation, compare: Compare): void {
  const wanted = expected.qualification;
  if (wanted === undefined) return;
  let bits = typeof wanted === "bigint" ? Number(wanted & 0xffffffffn) : 0;
  if (typeof wanted === "object") for (const name of wanted) bits |= QUALIFICATION_BITS[name];
  // Of a log-full exit's qualification only bit 12 is defined (SDM 27.2.1).
  const logFull = hidesAccess(readField(vcpu.vmcs, Field.exitReason));
  const defined = logFull ? Qualification.nmiUnblocked : -1;
  const actual = readField(vcpu.vmcs, Field.exitQualification) & defined;
  if (typeof wanted === "bigint" && !logFull) {
    compare("qualification", hex(wanted), hex(readField64(vcpu.vmcs, Field.exitQualification)));
    return;
  }
  compare(
    "qualification",
    bitNames(bits & defined, QUALIFICATION_BITS),
    bitNames(actual, QUALIFICATION_BITS),
  );
}

function compareLog(
  machine: Machine,
  vcpu: Vcpu,
  expected: Expectation,
  result: StepResult,
  before: Before,
  compare: Compare,
): void {
  const { index, logged, log, missed } = expected;
  if (index !== undefined)
    compare("index", hex(index), hex(readField64(vcpu.vmcs, Field.logIndex)));
  const lists: [string, GpaRange | undefined, () => number[]][] = [
    ["logged", logged, () => loggedSince(machine, vcpu, before)],
    ["drained", expected.drained, () => result.drained ?? []],
    ["copied", expected.copied, () => result.copied ?? []],
  ];
  for (const [what, wanted, actual] of lists) {
    if (wanted === undefined) continue;
    compareLists(what, expandRange(wanted), actual(), compare);
  }
  for (const [slot, value] of Object.entries(log ?? {})) {
    compare(`log[${Number(slot)}]`, hex(value), hex(logEntry(machine, vcpu, 0, Number(slot))));
  }
  if (missed !== undefined) {
    compare("missed", String(missed), String(grown(vcpu, before, Counter.missedGpas)));
  }
  for (const name of LOG_FULL_EXPECTATIONS) {
    const wanted = Object.entries(expected).find(([one]) => one === name)?.[1];
    if (wanted === undefined) continue;
    compare(name, String(wanted), String(grown(vcpu, before, Counter.logFull) > 0));
  }
}

function compareLists(what: string, wanted: number[], actual: number[], compare: Compare): void {
  const first = wanted.findIndex((value, i) => value !== actual[i]);
  if (first < 0 && wanted.length === actual.length) return;
  const at = first < 0 ? wanted.length : first;
  compare(what, listText(wanted, at), listText(actual, at));
}

/** A list of GPAs, long ones from a little before the position that matters. */
function listText(values: readonly number[], at: number): string {
  const from = values.length <= LIST_SHOWN ? 0 : Math.max(0, at - 2);
  const shown = values.slice(from, from + LIST_SHOWN).map(hex);
  const more = from + shown.length < values.length ? ", ..." : "";
  return `${values.length} [${from > 0 ? `... from ${from}: ` : ""}${shown.join(", ")}${more}]`;
}

function expandRange(range: GpaRange): number[] {
  if (Array.isArray(range)) return range;
  const { from, count, stride = 4096 } = range;
  return Array.from({ length: count }, (_, i) => from + i * stride);
}

function compareEntries(
  machine: Machine,
  vcpu: Vcpu,
  expected: Expectation,
  compare: Compare,
): void {
  const { memory, ept, tables } = machine;
  for (const [gpa, text] of Object.entries(expected.flags ?? {})) {
    const path = eptPath(ept, Math.floor(Number(gpa) / 4096));
    compare(
      `flags of ${gpa}`,
      expandFlags(text, path, ept.format),
      readFlags(memory, path, ept.format),
    );
  }
  for (const [linear, text] of Object.entries(expected.guestFlags ?? {})) {
    const path = tables.path(linearKey(linear));
    compare(
      `guest flags of ${linear}`,
      expandFlags(text, path, GUEST_FLAGS),
      readFlags(memory, path, GUEST_FLAGS),
    );
  }
  for (const [gpa, text] of Object.entries(expected.mapping ?? {})) {
    const leaf = eptPath(ept, Math.floor(Number(gpa) / 4096)).at(-1);
    const low = leaf === undefined ? 0 : wordAt(memory.words, leaf.word);
    const present = leaf !== undefined && low !== 0 && isLeaf(ept.format, low, leaf.level);
    const high = leaf === undefined ? 0 : wordAt(memory.words, leaf.word + 1);
    const permits = entryPermissions(ept.format, attributesOf(ept.format, low, high));
    const actual = present ? `${PAGE_SIZES[leaf.level - 1]} ${permits}` : "none";
    const [size, permissions] = text.split(" ");
    const wanted =
      permissions === undefined
        ? text
        : `${size} ${entryPermissions(ept.format, permissionBits(ept.format, permissions))}`;
    compare(`mapping of ${gpa}`, wanted, actual);
  }
  for (const [gpa, value] of Object.entries(expected.entry ?? {})) {
    const last = eptPath(ept, Math.floor(Number(gpa) / 4096)).at(-1);
    const word = last?.word ?? 0;
    const actual = joinWords(memory.words[word] ?? 0, memory.words[word + 1] ?? 0);
    compare(`entry of ${gpa}`, hex(value), hex(actual));
  }
  for (const [linear, text] of Object.entries(expected.cached ?? {})) {
    // The rights of translations have the positions of EPT's bits, whatever the format.
    const actual = cachedRights(vcpu, linearKey(linear));
    compare(`cached rights of ${linear}`, permissionText(permissionBits(EPT, text)), actual);
  }
  for (const [gpa, number] of Object.entries(expected.stores ?? {})) {
    const actual = machine.stores.get(Math.floor(Number(gpa) / 4096)) ?? 0;
    compare(`stores to ${gpa}`, String(number), String(actual));
  }
}

/** The linear page that a key names. */
function linearKey(text: string): number {
  return Math.floor(signedAddress(BigInt(text.replaceAll("_", ""))) / 4096);
}

function compareFields(
  fields: VmcsFields | undefined,
  words: Int32Array,
  where: string,
  compare: Compare,
): void {
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue;
    const field = Field[fieldNamed(name)];
    compare(
      `${where} ${name}`,
      hex(value),
      hex(joinWords(wordAt(words, 2 * field), wordAt(words, 2 * field + 1))),
    );
  }
}

function compareState(
  machine: Machine,
  vcpu: Vcpu,
  expected: Expectation,
  result: StepResult,
  before: Before,
  compare: Compare,
): void {
  const { vmcs } = vcpu;
  const { rip, resumeFlag, blockingByNmi, vectoring, tlb, retired, unchanged = [] } = expected;
  const flag = (what: string, wanted: boolean | undefined, word: number, bit: number) => {
    if (wanted !== undefined) compare(what, String(wanted), String((word & bit) !== 0));
  };
  if (rip !== undefined) compare("rip", hex(rip), hex(readField64(vmcs, Field.guestRip)));
  flag("resumeFlag", resumeFlag, readField(vmcs, Field.guestRflags), RFLAGS_RF);
  const interruptibility = readField(vmcs, Field.guestInterruptibility);
  flag("blockingByNmi", blockingByNmi, interruptibility, BLOCKING_BY_NMI);
  if (vectoring !== undefined) {
    const event = describeEvent(readField(vmcs, Field.idtVectoringInformation));
    const wanted = vectoring === "none" ? vectoring : `${vectoring.event} ${hex(vectoring.vector)}`;
    compare("vectoring", wanted, event === null ? "none" : `${event.type} ${hex(event.vector)}`);
  }
  if (tlb !== undefined) {
    compare("tlb", tlb, grown(vcpu, before, Counter.walks) === 0 ? "hit" : "miss");
  }
  if (retired !== undefined) compare("retired", String(retired), String(result.retired ?? 0));
  for (const name of COUNTERS) {
    const value = expected.counters?.[name];
    const actual = grown(vcpu, before, Counter[name]);
    if (value !== undefined) compare(`counter ${name}`, String(value), String(actual));
  }
  const now = observe(machine, vcpu, unchanged);
  for (const what of unchanged) {
    compare(what, "unchanged", before[what] === now[what] ? "unchanged" : "changed");
  }
}

function hex(value: bigint | number): string {
  if (typeof value === "bigint" && value >= 1n << 63n) return String(value - (1n << 64n));
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}
