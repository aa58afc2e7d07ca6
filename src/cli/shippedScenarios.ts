/** `trackvisor scenarios`: what is shipped, to be looked at and copied. */
import { Command } from "commander";
import { print, printJson } from "../io/standardStreams.ts";
import { loadScenario, readScenario, shippedScenarios } from "./scenarios.ts";

const COLUMN = 28;

/** The command. Exit codes: 0 fine, 2 bad input. */
export function scenariosCommand(): Command {
  const scenarios = new Command("scenarios").description("the shipped scenarios: list, show, copy");
  scenarios
    .command("list", { isDefault: true })
    .description("name all, with a line on each")
    .option("--json", "print one JSON array")
    .action(({ json }: { readonly json?: true }) => {
      const rows = shippedScenarios().map((name) => {
        const { scenario } = loadScenario(name);
        return { name, title: scenario.name, operation: scenario.operation.kind };
      });
      if (json) printJson(rows);
      else for (const { name, title } of rows) print(`${name.padEnd(COLUMN)}${title}`);
    });
  scenarios
    .command("show")
    .description("print one, to be changed and run: trackvisor scenarios show NAME > mine.yaml")
    .argument("<name>", "of a shipped scenario")
    .action((name: string) => {
      print(...readScenario(name).replace(/\n$/, "").split("\n"));
    });
  return scenarios;
}
