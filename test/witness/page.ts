/** The part of docs/witnesses.md that is written from what witnesses said (UPDATE_WITNESS=1 npx vitest run test/witness). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RULES } from "../../src/witness/explained.ts";
import { QEMU_RULES } from "../../src/witness/explainedNested.ts";
import { compareAnswers } from "../../src/witness/kvm/compare.ts";
import { questionsOf, shippedAnswers } from "../../src/witness/kvm/shipped.ts";
import { kernelText } from "../../src/witness/kvm/stored.ts";
import { CASES, KNOWN } from "./migrations/cases.ts";
import { recordedMigrations } from "./migrations/table.ts";

/** What is stored of one witness. */
export interface Stored {
  readonly witness: string;
  /** When it was last asked and the list renewed. */
  readonly asked: string;
  readonly tests: number;
  readonly askedTests: number;
  /** Of those, the tests that name other capabilities or another width than the processor's. */
  readonly adapted: number;
  readonly values: number;
  readonly agreeing: number;
  /** By rule: the tests, or of a rule that changes single values how many there are. */
  readonly explained: Readonly<Record<string, number | readonly string[]>>;
  readonly notAsked: Readonly<Record<string, number>>;
}

/** What is stored of one that was asked with nested page tables. */
export interface NestedWitness {
  /** As `--on` has it. */
  readonly name: string;
  readonly witness: string;
  readonly asked: string;
  readonly askedTests: number;
  readonly values: number;
  readonly agreeing: number;
  /** Tests, by rule. */
  readonly explained: Readonly<Record<string, number>>;
}

export const NESTED_FILE = join(import.meta.dirname, "explained", "nested.json");

export function nestedWitnesses(): readonly NestedWitness[] {
  return JSON.parse(readFileSync(NESTED_FILE, "utf8"));
}

function nestedClaims(): string[] {
  return nestedWitnesses().map(({ name, witness, asked, askedTests, values, agreeing }) => {
    const explained = askedTests - agreeing;
    const number = values.toLocaleString("en-US");
    return `| AMD's nested paging: walks, A and D, nested page faults (\`--on ${name}\`) | ${witness} | ${asked} | ${agreeing} of ${askedTests} tests in all of ${number} values | ${explained} ${explained === 1 ? "test" : "tests"} | 0 |`;
  });
}

/** Where those differ. The rules of Bochs are among those of QEMU. */
function nestedDifferences(): string {
  const rows = nestedWitnesses().flatMap(({ witness, explained }) =>
    QEMU_RULES.flatMap(({ name, reason, source, kind }) => {
      const count = explained[name];
      const what = kind === "value" ? "one value" : "the rest of the test";
      return count === undefined
        ? []
        : [`| ${count} | ${witness} | ${reason} | ${what} | ${source} |`];
    }),
  );
  return `| tests | who | with nested paging | what differs | source |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

const BEGIN = "<!-- witnesses -->\n";
const END = "<!-- /witnesses -->";

export function withWitness(page: string, stored: Stored): string {
  const from = page.indexOf(BEGIN) + BEGIN.length;
  return page.slice(0, from) + section(stored) + page.slice(page.indexOf(END));
}

/** A row for each kernel whose answers are stored. */
function kvmClaims(): string[] {
  const questions = questionsOf([]);
  return shippedAnswers().map((kernel) => {
    const { answers, differing } = compareAnswers(questions, kernel);
    const agreeing = `${questions.length - differing.length} questions, ${answers} answers`;
    return `| KVM: memory slots, dirty bitmaps, dirty rings and their errors (\`src/witness/kvm\`) | ${kernelText(kernel)} | ${kernel.asked} | ${agreeing} | 0 | ${differing.length} |`;
  });
}

/** A row for each recorded QEMU; that they agree is test/witness/migrations.test.ts. */
function migrationClaims(): string[] {
  const known = Object.keys(KNOWN).length;
  return recordedMigrations().map(
    ({ qemu, recorded, runs }) =>
      `| QEMU's live migration: pages, bytes, synchronisations, times, throttle (\`test/witness/migrations\`) | QEMU ${qemu} in TCG, ${runs.length} migrations | ${recorded} | ${CASES.length - known} cases within the tolerances | ${known} case | 0 |`,
  );
}

/** Of traces; that all counts are the same is test/oracle/oracle.test.ts. */
const ORACLE =
  "| what a run of a trace counts: TLB, walks, logs, cycles, pages ([counting.md](counting.md)) | a second program, in C, which knows the rules of that page and no code of the emulator (`test/oracle`) | with every test run | the shipped traces, and with `valgrind` up to ten programs recorded on the spot, seven trackers, with and without guest paging, in all values | 0 | 0 |";

/** Of the hypervisor's side; that they agree is test/check/pageModificationLogging.test.ts and spin.test.ts. */
const PROTOCOLS =
  "| the hypervisor's protocols: arming, a full log, harvests, INVEPT, kicks (`trackvisor check`) | SPIN, of models in Promela that were written from the rules ([check.md](check.md#in-promela)) | with every test run | page-modification logging: the same properties hold, and the same break under each of 17 planted faults; write protection: as many states | 0 | 0 |";

/** Random tests as they were last asked in number: `trackvisor litmus --fuzz TESTS --seed SEED --on bochs`. */
interface FuzzRecord {
  readonly witness: string;
  readonly asked: string;
  readonly seed: number;
  readonly tests: number;
  readonly askedTests: number;
  readonly accesses: number;
  readonly values: number;
}

function fuzzClaims(): string[] {
  const file = join(import.meta.dirname, "explained", "fuzz-2.7.json");
  const { witness, asked, seed, tests, askedTests, accesses, values }: FuzzRecord = JSON.parse(
    readFileSync(file, "utf8"),
  );
  const number = (value: number) => value.toLocaleString("en-US");
  const what = `${number(askedTests)} of ${number(tests)} tests, ${number(accesses)} accesses, ${number(values)} values`;
  return [
    `| the same of random tests, in the emulator's mode \`bochs\` (\`--fuzz ${tests} --seed ${seed}\`) | ${witness} | ${asked} | ${what} | one value (the offset in a log entry, RF), or the image's own walk with a full log | 0 |`,
  ];
}

function section(stored: Stored): string {
  const explained = stored.askedTests - stored.agreeing;
  const claims = `| claim | who says so | last asked | agree | differ, and why is known | differ |
|---|---|---|---|---|---|
| the processor's rules: walks, A/D flags, PML, exits, entry checks, events (\`test/litmus\`) | ${stored.witness} | ${stored.asked} | ${stored.agreeing} tests in all values | ${explained} tests | 0 |
${fuzzClaims().join("\n")}
${nestedClaims().join("\n")}
${ORACLE}
${PROTOCOLS}
${[...kvmClaims(), ...migrationClaims()].join("\n")}
`;
  const rows = RULES.flatMap(({ name, reason, source, kind }) => {
    const tests = stored.explained[name] ?? 0;
    const count = typeof tests === "number" ? tests : tests.length;
    const what = { value: "one value", path: "the rest of the test", mode: "as mode `bochs`" }[
      kind
    ];
    return count === 0 ? [] : [`| ${count} | ${reason} | ${what} | ${source} |`];
  });
  const needs = Object.entries(stored.notAsked).map(([need, count]) => `| ${count} | ${need} |`);
  return `${claims}
${stored.askedTests} of ${stored.tests} tests were asked, and ${stored.values.toLocaleString("en-US")} values compared. ${stored.adapted} of them name other capabilities, or
another width of physical addresses, than the processor has: tables and steps are theirs, and what is expected is what the emulator does with the
processor's own. Where ${stored.witness} differs (a test may have several reasons):

| tests | ${stored.witness} | what differs | source |
|---|---|---|---|
${rows.join("\n")}

${nestedDifferences()}
"As mode \`bochs\`": the emulator in that mode gives all of its answers. "The rest of the test": from there on the two go different ways, and
what follows is not compared. The tests by name are in \`test/witness/explained\`; one that no longer differs fails the test, as does a new one.

What the other tests need, and the image or the processor has not:

| tests | need |
|---|---|
${needs.join("\n")}

`;
}
