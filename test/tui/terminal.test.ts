/** Whole sessions in a real pseudo-terminal, by tmux; without it only this says so. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
const PATIENCE_MS = 60_000;

describe.skipIf(!hasTmux)("in a real terminal (needs tmux)", () => {
  let directory = "";
  let socket = "";

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "trackvisor-tmux-"));
    socket = join(directory, "socket");
  });
  afterEach(() => {
    tmux("kill-server");
    rmSync(directory, { recursive: true });
  });

  const tmux = (...words: string[]): string =>
    spawnSync("tmux", ["-S", socket, "-f", "/dev/null", ...words], { encoding: "utf8" }).stdout;
  const keys = (...names: string[]): string => tmux("send-keys", "-t", "t", ...names);
  const screen = (): string => tmux("capture-pane", "-p", "-t", "t");

  /** Waits until the screen says something. */
  const until = async (pattern: RegExp): Promise<string> => {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = screen();
      if (pattern.test(text) || performance.now() > end) {
        expect(text).toMatch(pattern);
        return text;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  /** A shell in which the program was started after a line of other output. */
  const start = (words: string, environment: readonly string[] = []): void =>
    startCommand(`tui ${words}`, environment);
  const startCommand = (words: string, environment: readonly string[] = []): void => {
    const raw = join(directory, "raw");
    tmux("new-session", "-d", "-s", "t", "-x", "80", "-y", "24", "-c", directory, "sh");
    tmux("pipe-pane", "-t", "t", `cat > ${raw}`);
    keys(
      `echo before; ${environment.join(" ")} ${process.execPath} ${MAIN} ${words}; echo ended $?`,
      "Enter",
    );
  };

  const childOfShell = (): number => {
    const pane = tmux("display", "-p", "-t", "t", "#{pane_pid}").trim();
    return Number(spawnSync("pgrep", ["-P", pane], { encoding: "utf8" }).stdout.trim());
  };

  it("runs, steps back, saves, and gives the terminal back after q", async () => {
    start("sort-prl");
    await until(/message 0/);
    keys("Space");
    await until(/the run has ended/);
    const end = Number(/message (\d+)/.exec(screen())![1]);
    keys("b", "b");
    await until(new RegExp(`message ${end - 2} of ${end}`));
    keys("s");
    await until(/saved: session-1\.tvlog/);
    keys("q");
    expect(await until(/ended 0/)).toContain("before");
    // What follows is another session; `clear` of the shell would write the sequence itself.
    keys(`${process.execPath} ${MAIN} tui session-1.tvlog`, "Enter");
    await until(new RegExp(`message ${end - 2} of ${end - 2}`));
    expect(readFileSync(join(directory, "raw"), "utf8")).not.toContain("\x1b[3J");
  });

  it("a hundred resizes leave a clean screen", async () => {
    start("sort-pml --at '#100'");
    await until(/message 100/);
    for (let i = 0; i < 100; i++) {
      tmux(
        "resize-window",
        "-t",
        "t",
        "-x",
        String(30 + ((i * 37) % 170)),
        "-y",
        String(8 + ((i * 7) % 50)),
      );
    }
    tmux("resize-window", "-t", "t", "-x", "80", "-y", "24");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const stormed = await until(/message 100/);
    keys("q");
    await until(/ended 0/);
    keys(`clear; ${process.execPath} ${MAIN} tui sort-pml --at '#100'`, "Enter");
    await until(/message 100/);
    keys("Escape");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(screen().split("\n").slice(0, 22)).toEqual(stormed.split("\n").slice(0, 22));
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const)("%s gives the terminal back", async (signal, code) => {
    start("sort-pml");
    await until(/message 0/);
    process.kill(childOfShell(), signal);
    expect(await until(new RegExp(`ended ${code}`))).toContain("before");
    expect(tmux("display", "-p", "-t", "t", "#{cursor_flag} #{alternate_on}").trim()).toBe("1 0");
  });

  it("a crash gives the terminal back, and says what it was", async () => {
    const crash = "data:text/javascript,process.on(`SIGUSR2`,()=>{throw(Error(`boom`))})";
    start("sort-pml", [`NODE_OPTIONS=--import='${crash}'`]);
    await until(/message 0/);
    process.kill(childOfShell(), "SIGUSR2");
    const text = await until(/ended 1/);
    expect(text).toContain("before");
    expect(text).toContain("Error: boom");
    expect(tmux("display", "-p", "-t", "t", "#{cursor_flag} #{alternate_on}").trim()).toBe("1 0");
  });

  /** The cursor is there, and the screen is the shell's. */
  const isGivenBack = (): void => {
    expect(tmux("display", "-p", "-t", "t", "#{cursor_flag} #{alternate_on}").trim()).toBe("1 0");
  };

  it("two runs side by side go to their ends and back", async () => {
    start("sort-pml --beside prl");
    await until(/beside {2}pml \| prl/);
    keys("Space");
    await until(/the run has ended/);
    expect(screen()).toMatch(/VM exits +1 +0 +-1/);
    keys("b", "g");
    await until(/message 0/);
    keys("q");
    expect(await until(/ended 0/)).toContain("before");
  });

  it("a search on screen ends by Ctrl-C; another leads to the lanes, and prints and writes what it would without", async () => {
    startCommand("check prl-two-vms --live");
    await until(/states [\d,]{3,}/);
    keys("C-c");
    expect(await until(/ended 130/)).toContain("what makes it large");
    isGivenBack();
    const again = `clear; ${process.execPath} ${MAIN} check pml --fault index-wraps`;
    keys(`${again} --live --log live.tvlog; echo ended $?`, "Enter");
    await until(/VIOLATED[\s\S]*q leave/);
    keys("Enter");
    await until(/lanes {2}breaks at 12/);
    keys("q");
    await until(/q leave/);
    keys("q");
    expect(await until(/ended 1\b/)).toContain("BREAKS");
    isGivenBack();
    keys(`${again} --log plain.tvlog > plain; cmp live.tvlog plain.tvlog; echo same $?`, "Enter");
    await until(/same 0/);
  });

  it("a sweep on screen ends by Ctrl-C, goes on, shows a run again, and writes what it would without", async () => {
    const sweep = "sweep sort-pml --vary machine.logEntries=64,512 --workers 1 --metric exits";
    startCommand(`${sweep} --store one -o live.json --live`);
    await until(/of 2 runs/);
    keys("C-c");
    expect(await until(/ended 130/)).toContain("interrupted; finished runs are kept");
    isGivenBack();
    const again = `clear; ${process.execPath} ${MAIN} ${sweep}`;
    keys(`${again} --store one -o live.json --live; echo ended $?`, "Enter");
    await until(/done[\s\S]*logEntries=64[\s\S]*q leave/);
    keys("Enter");
    await until(/lanes[\s\S]*no message yet/);
    keys("q");
    await until(/q leave/);
    keys("q");
    await until(/ended 0/);
    isGivenBack();
    keys(
      `${again} --store two -o plain.json > plain; cmp live.json plain.json; echo same $?`,
      "Enter",
    );
    await until(/same 0/);
  });

  it("an experiment on screen ends by Ctrl-C, and says where what was done is kept", async () => {
    startCommand("experiment run pml-limits --quick --out kept --live");
    await until(/runs done/);
    keys("C-c");
    expect(await until(/ended 130/)).toContain("finished runs are in kept");
    isGivenBack();
  });

  it("Ctrl-C quits", async () => {
    start("sort-pml");
    await until(/message 0/);
    keys("C-c");
    expect(await until(/ended 0/)).toContain("before");
  });
});
