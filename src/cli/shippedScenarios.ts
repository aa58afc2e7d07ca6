/** `trackvisor scenarios`: what is shipped, to be looked at and copied. */
import { Command } from "commander";
import { writeOutput } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import {
  loadScenario,
  readScenario,
  shippedReports,
  shippedScenarios,
} from "../runs/scenarioFile.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { FORCE } from "./optionParsers.ts";

const COLUMN = 32;

/** The command. Exit codes: 0 fine, 2 bad input. */
export function scenariosCommand(): Command {
  const scenarios = new Command("scenarios").description("the shipped scenarios: list, show, copy");
  scenarios
    .command("list", { isDefault: true })
    .description("name all, with a line on each")
    .option(...JSON_OPTION)
    .action(({ json }: { readonly json?: true }) => {
      const rows = [...shippedScenarios(), ...shippedReports()].map((name) => {
        const { scenario } = loadScenario(name);
        return { name, title: scenario.name, operation: scenario.operation.kind };
      });
      if (json) printResult("scenarios", { scenarios: rows });
      else for (const { name, title } of rows) print(`${name.padEnd(COLUMN)}${title}`);
    });
  scenarios
    .command("show")
    .description("print one")
    .argument("<name>", "of a shipped scenario")
    .action((name: string) => {
      print(...readScenario(name).replace(/\n$/, "").split("\n"));
    });
  scenarios
    .command("copy")
    .description("write one to a file of your own, to be changed and run")
    .argument("<name>", "of a shipped scenario")
    .argument("[file]", "default: its name, with .yaml, here")
    .option(...FORCE)
    .action((name: string, file: string | undefined, { force }: { readonly force?: true }) => {
      const path = file ?? `${name}.yaml`;
      writeOutput(path, readScenario(name), { force });
      print(`${path}: run it with: trackvisor run ${path}`);
    });
  return scenarios;
}
