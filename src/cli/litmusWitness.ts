/** `trackvisor litmus --on`: asks implementations that nobody here wrote (docs/witnesses.md). */
import { UserError } from "../errors.ts";
import { readText } from "../io/inputFile.ts";
import { OutputFile } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import { type LitmusTest, loadLitmus } from "../litmus/load.ts";
import { findLitmusFiles } from "../litmus/paths.ts";
import { RULES } from "../witness/explained.ts";
import { QEMU_RULES, RYZEN_RULES } from "../witness/explainedNested.ts";
import { type FuzzReport, fuzzBochs } from "../witness/fuzz.ts";
import type { Virtualization } from "../witness/imageFile.ts";
import { testName, type WitnessReport } from "../witness/report.ts";
import { askOn, compareResults, diskFor, WITNESS_NAMES } from "../witness/witness.ts";

const FILE_BYTES_LIMIT = 4 << 20;
const RESULTS_BYTES_LIMIT = 256 << 20;
/** Disks for real processors, by what `--on` has before their names. */
const DISKS = [
  ["image:", "vmx"],
  ["svm-image:", "svm"],
] as const;
const ALL_RULES = [...new Set([...RULES, ...QEMU_RULES, ...RYZEN_RULES])];
const TEXT_ALONE = "--json: a witness's report is text";

export interface WitnessOptions {
  readonly on?: string;
  readonly results?: string;
  readonly case?: number;
  readonly verbose?: true;
  readonly force?: true;
  readonly fuzz?: number;
  readonly seed?: number;
  readonly json?: true;
}

/** Asks Bochs random tests. Sets the exit code 1 if one differs for no known reason. */
export async function fuzzWitness(
  paths: readonly string[],
  { on, fuzz = 0, seed = 1, results, case: caseNumber, json }: WitnessOptions,
): Promise<void> {
  if (on !== "bochs" || results !== undefined || caseNumber !== undefined || paths.length > 0) {
    throw new UserError("--fuzz makes its own tests: give it --on bochs, and no files or case");
  }
  if (json) throw new UserError(TEXT_ALONE);
  const report = await fuzzBochs(fuzz, seed);
  print(...describeFuzz(report, seed));
  if (report.failure !== null) process.exitCode = 1;
}

/** The report for a person. The lines of a failure are a litmus file. */
export function describeFuzz(report: FuzzReport, seed: number): string[] {
  const { witness, tests, accesses, values, rules, notAsked, failure } = report;
  const number = (value: number) => value.toLocaleString("en-US");
  const skipped = [...notAsked.values()].reduce((sum, count) => sum + count, 0);
  const asked = `${number(tests - skipped)} of ${number(tests)} random tests of seed ${seed} asked`;
  const lines = [
    `# ${witness}: ${asked}, ${number(accesses)} accesses, ${number(values)} values`,
    ...RULES.filter(({ name }) => rules.has(name)).map(
      ({ name, reason }) => `# ${number(rules.get(name) ?? 0)} of them: ${reason}`,
    ),
  ];
  if (failure === null) return [...lines, "# all others agree in all values"];
  lines.push(`# test ${failure.number} differs, and nothing says why; shrunk:`);
  for (const { step, what, expected, actual } of failure.found) {
    lines.push(`#   step ${step}, ${what}: expected ${expected}, ${witness} has ${actual}`);
  }
  return [...lines, ...failure.text.trimEnd().split("\n")];
}

/** Sets the exit code 1 if a test differs for no known reason. */
export async function askWitness(paths: readonly string[], options: WitnessOptions): Promise<void> {
  const { on, results, case: caseNumber, verbose } = options;
  if (on !== undefined && results !== undefined) {
    throw new UserError("--results compares what --on image:FILE gave: choose one of the two");
  }
  if (options.json) throw new UserError(TEXT_ALONE);
  const tests = findLitmusFiles(paths)
    .flatMap((file) => loadLitmus(file, readText(file, FILE_BYTES_LIMIT)))
    .filter(({ cases = [] }) => caseNumber === undefined || cases.includes(caseNumber));
  for (const [prefix, virtualization] of DISKS) {
    if (on?.startsWith(prefix) !== true) continue;
    await writeDisk(on.slice(prefix.length), tests, virtualization, options.force);
    return;
  }
  if (on !== undefined && !WITNESS_NAMES.includes(on)) {
    const others = DISKS.map(([prefix]) => `${prefix}FILE`);
    throw new UserError(`--on ${on}: expected ${[...WITNESS_NAMES, ...others].join(", ")}`);
  }
  const report =
    results === undefined
      ? await askOn(on ?? "", tests)
      : await compareResults(tests, readText(results, RESULTS_BYTES_LIMIT), results);
  print(...describeWitness(report, verbose === true));
  if (report.differing.length > 0) process.exitCode = 1;
}

async function writeDisk(
  path: string,
  tests: readonly LitmusTest[],
  virtualization: Virtualization,
  force?: true,
): Promise<void> {
  if (path === "") throw new UserError("--on: the name of the image's file is missing");
  const file = new OutputFile(path, { force });
  try {
    file.write(await diskFor(tests, virtualization));
    file.commit();
  } finally {
    file.abort();
  }
  print(`${path}: a disk to start a PC from; it prints to the first serial port, and to port 0xE9`);
}

/** The report for a person. @param verbose names each test that was not asked, or is explained */
export function describeWitness(report: WitnessReport, verbose: boolean): string[] {
  const { explained, differing, notAsked } = report;
  const lines = differing.flatMap(({ test, found }) => [
    `DIFFERS ${testName(test)}`,
    ...found.map(
      ({ step, what, expected, actual }) =>
        `  step ${step}, ${what}: expected ${expected}, ${report.witness} has ${actual}`,
    ),
  ]);
  const names = (list: readonly string[]) => (verbose ? list.map((name) => `      ${name}`) : []);
  lines.push(
    `${report.witness}: ${report.asked} of ${report.tests} tests asked, ${report.values} values`,
  );
  lines.push(`${report.agreeing} agree in all of them`);
  lines.push(`${report.explainedTests} differ, for reasons that are known:`);
  for (const rule of ALL_RULES) {
    const list = explained.get(rule.name) ?? [];
    if (list.length === 0) continue;
    lines.push(
      `  ${String(list.length).padStart(4)} ${rule.reason} (${rule.source})`,
      ...names(list),
    );
  }
  lines.push(`${differing.length} differ, and nothing says why`);
  lines.push(`${report.tests - report.asked} cannot be asked; they need:`);
  for (const [reason, list] of [...notAsked].sort(([, a], [, b]) => b.length - a.length)) {
    lines.push(`  ${String(list.length).padStart(4)} ${reason}`, ...names(list));
  }
  return lines;
}
