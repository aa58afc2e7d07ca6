/** The list of commands, which is shown without loading them, says what they say themselves. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_COMMAND } from "../../src/cli/commandEntry.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { VERSION } from "../../src/config/version.ts";
import { shippedReports, shippedScenarios } from "../../src/runs/scenarioFile.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MAIN = join(ROOT, "dist", "src", "cli", "main.js");

function trackvisor(...words: string[]) {
  return spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
}

describe("the list of commands", () => {
  it.each(COMMANDS)("$name: usage and description are the command's own", async (entry) => {
    const command = await entry.load();
    const options = command.options.length > 0 ? " [options]" : "";
    const words = command.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
      return argument.required ? ` <${name}>` : ` [${name}]`;
    });
    expect(`${command.name()}${options}${words.join("")}`).toBe(entry.usage);
    expect(command.name()).toBe(entry.name);
    expect(command.description()).toBe(entry.description);
  });

  it("is shown whole by --help, which loads none of them", () => {
    const { stdout, status } = trackvisor("--help");
    expect(status).toBe(0);
    for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    const imported = ["main.ts", "program.ts"].flatMap((file) => {
      const source = readFileSync(join(ROOT, "src", "cli", file), "utf8");
      return [...source.matchAll(/from "(\.[^"]*)"/g)].map(([, path]) => path);
    });
    expect([...new Set(imported)].sort()).toEqual([
      "../config/nearest.ts",
      "../config/version.ts",
      "../errors.ts",
      "../io/standardStreams.ts",
      "./commandEntry.ts",
      "./commands.ts",
      "./program.ts",
    ]);
    expect(COMMANDS.map(({ name }) => name)).toContain(DEFAULT_COMMAND);
  });

  it("helps with a command's name that is mistyped", () => {
    const typo = trackvisor("chekc");
    expect(typo.stderr).toContain('or did you mean the command "check"?');
    expect(typo.status).toBe(2);
    const help = trackvisor("help", "replya");
    expect(help.stderr).toBe('trackvisor: no command is called "replya"; did you mean "replay"?\n');
    expect(help.status).toBe(2);
  });
});

describe("--version", () => {
  it("is the version of the package", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(VERSION).toBe(version);
    expect(trackvisor("--version").stdout).toBe(`${version}\n`);
  });
});

describe("scenarios", () => {
  it("lists all that are shipped, and shows one to be changed", () => {
    const { scenarios } = JSON.parse(trackvisor("scenarios", "list", "--json").stdout);
    expect(scenarios.map(({ name }: { name: string }) => name)).toEqual([
      ...shippedScenarios(),
      ...shippedReports(),
    ]);
    const file = join(ROOT, "workloads", "scenarios", "sort-pml.yaml");
    expect(trackvisor("scenarios", "show", "sort-pml").stdout).toBe(readFileSync(file, "utf8"));
    expect(trackvisor("scenarios").stdout).toContain("sort under PML");
    expect(trackvisor("scenarios", "show", "sort-pm").stderr).toContain('did you mean "sort-pml"');
  });
});
