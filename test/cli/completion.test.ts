/** Real shells complete commands by asking the program; the manual page is the commands' own. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { completionsOf } from "../../src/cli/completion.ts";
import { Scratch } from "./command.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const scratch = new Scratch();
beforeAll(() => {
  writeFileSync(
    scratch.path("trackvisor"),
    `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
  );
  chmodSync(scratch.path("trackvisor"), 0o755);
  scratch.write("my scenario.yaml", "");
});
afterAll(() => scratch.remove());

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

/** Runs a shell's script in the scratch directory, with the program on its path. */
function shell(program: string, ...words: string[]): string[] {
  const env = { ...process.env, PATH: `${scratch.directory}:${process.env["PATH"]}` };
  const options = { cwd: scratch.directory, env, encoding: "utf8", timeout: 60_000 } as const;
  const out = execFileSync(program, words, options);
  return out.split("\n").filter((line) => line !== "");
}

/** What bash has for the last word. */
function bash(...line: string[]): string[] {
  const script = `source <(trackvisor completion bash)
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _trackvisor trackvisor "\${@: -1}"; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return shell("bash", "-c", script, "bash", "trackvisor", ...line);
}

describe("completion", () => {
  it("knows every command, and every option of each", async () => {
    const { words } = await completionsOf(COMMANDS, [""]);
    const names = words.map(({ value }) => value);
    expect(names).toEqual(expect.arrayContaining([...COMMANDS.map(({ name }) => name), "--help"]));
    for (const { name, load } of COMMANDS) {
      const { options, commands } = await load();
      const offered = await completionsOf(COMMANDS, [name, "--"]);
      const values = offered.words.map(({ value }) => value);
      expect(values).toEqual(expect.arrayContaining(options.map(({ long }) => long)));
      const within = (await completionsOf(COMMANDS, [name, ""])).words.map(({ value }) => value);
      expect(within).toEqual(expect.arrayContaining(commands.map((one) => one.name())));
    }
  });

  it("in bash", () => {
    expect(bash("repl")).toEqual(["replay"]);
    expect(bash("run", "--trac")).toEqual(["--trace", "--tracker"]);
    expect(bash("run", "--tracker", "p")).toEqual(["presentBit", "pml", "prl"]);
    expect(bash("run", "--tracker", "=", "pm")).toEqual(["pml"]);
    expect(bash("log", "gre")).toEqual(["grep"]);
    expect(bash("run", "sort-pr")).toEqual(["sort-prl", "sort-prl-two-logs"]);
    expect(bash("run", "my")).toEqual(["my scenario.yaml"]);
    // What was typed is an argument and no program.
    expect(bash("run", "$(touch planted)", "x")).toEqual([]);
    expect(scratch.list()).not.toContain("planted");
  });

  it.skipIf(!has("fish"))("in fish", () => {
    const fish = (line: string): string[] =>
      shell("fish", "-c", `trackvisor completion fish | source; complete -C "trackvisor ${line}"`);
    expect(fish("repl")).toEqual(["replay\trun a recorded log again, and compare every message"]);
    expect(fish("run --tracker pm")).toEqual(["pml"]);
    expect(fish("run my")).toContain("my scenario.yaml");
  });

  it.skipIf(!has("zsh"))(
    "in zsh, in a terminal",
    () => {
      // Reads what comes until the completed word is there, for 20 seconds at most.
      const script = `zmodload zsh/zpty; zpty z zsh -f -i
      await() { local all= some; repeat 200; do
        zpty -r -t z some && all+=$some; [[ $all == *$1* ]] && break; sleep 0.1; done; print -r -- $all }
      zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; source <(trackvisor completion zsh); print REA""DY'
      await READY
      zpty -w -n z $'trackvisor run --tracker pm\\t'
      await 'tracker pml'
      zpty -d z`;
      expect(shell("zsh", "-f", "-c", script).join("\n")).toContain("--tracker pml");
    },
    60_000,
  );

  it("refuses another shell, with the ones that there are", async () => {
    const { err, code } = await scratch.run(["completion", "tcsh"]);
    expect(err).toContain("bash, zsh, fish");
    expect(code).toBe(2);
  });
});

describe("the manual page", () => {
  const page = spawnSync(process.execPath, [MAIN, "man"], { encoding: "utf8" }).stdout;

  it("has every command, and every option of each", async () => {
    const plain = page.replaceAll("\\-", "-");
    for (const { usage, load } of COMMANDS) {
      expect(plain).toContain(`.SS ${usage}\n`);
      for (const { flags } of (await load()).options) expect(plain).toContain(`.B ${flags}\n`);
    }
  });

  it.skipIf(!has("groff"))("is right by groff, without a warning", () => {
    const { stderr } = spawnSync("groff", ["-ww", "-man", "-Tutf8"], { input: page });
    expect(String(stderr)).toBe("");
  });

  it.skipIf(spawnSync("mandoc", ["-Tlint"], { input: page }).error !== undefined)(
    "is right by mandoc, without a remark",
    () => {
      expect(String(spawnSync("mandoc", ["-Tlint"], { input: page }).stdout)).toBe("");
    },
  );
});
