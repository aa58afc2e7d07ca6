/** trackvisor litmus FILE|DIR...: runs litmus tests against the emulated hardware. */
import { Command, InvalidArgumentError } from "commander";
import { UserError } from "../errors.ts";
import { print } from "../io/standardStreams.ts";
import { runLitmusPaths } from "../litmus/paths.ts";
import { describeSummary, testTitle } from "../litmus/report.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { askWitness, fuzzWitness, type WitnessOptions } from "./litmusWitness.ts";
import { FORCE, SEED_MAX, wholeNumber } from "./optionParsers.ts";

/** The command. Exit codes: 0 all passed, 1 an expectation failed, 2 bad input. */
export function litmusCommand(): Command {
  return new Command("litmus")
    .description("run litmus tests of the emulated hardware (format: docs/litmus.md)")
    .argument("[path...]", "litmus files, or directories with *.litmus.yaml files")
    .option("--case <number>", "only the tests of one conformance case", caseNumber)
    .option(...JSON_OPTION)
    .option("-v, --verbose", "name each test as it ends")
    .option(
      "--on <witness>",
      "ask another implementation, and compare (docs/witnesses.md): bochs, qemu or bochs-svm; or image:FILE or svm-image:FILE, a disk for a real processor",
    )
    .option("--results <file>", "compare what a processor printed that was started from that disk")
    .option(
      "--fuzz <tests>",
      "run this many random tests, and shrink the first that differs",
      wholeNumber(1),
    )
    .option("--seed <number>", "seed of the random tests", wholeNumber(0, SEED_MAX), 1)
    .option(...FORCE)
    .action(async (paths: string[], options: WitnessOptions) => {
      if (options.fuzz !== undefined) {
        await fuzzWitness(paths, options);
        return;
      }
      if (paths.length === 0) {
        throw new UserError("expected litmus files, or directories with *.litmus.yaml files");
      }
      if (options.on !== undefined || options.results !== undefined) {
        await askWitness(paths, options);
        return;
      }
      const summary = await runLitmusPaths(paths, {
        ...(options.case === undefined ? {} : { caseNumber: options.case }),
        onResult: (result) => {
          if (options.json || !options.verbose || !result.passed) return;
          print(`ok ${result.file}: ${testTitle(result)}`);
        },
      });
      if (options.case !== undefined && summary.tests === 0) {
        throw new UserError(`no test names case ${options.case}`);
      }
      if (options.json) printResult("litmus", summary, 2);
      else print(...describeSummary(summary));
      if (summary.failed > 0) process.exitCode = 1;
    });
}

function caseNumber(text: string): number {
  if (!/^[1-9][0-9]{0,2}$/.test(text)) throw new InvalidArgumentError("expected a case number");
  return Number(text);
}
