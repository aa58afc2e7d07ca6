/** A command that asks about all commands loads none of them. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const RUNS = 5;
/** Seconds of CPU time. */
const HELP_MAX = 0.25;
/** Where Node itself is slow, the program may be, too. */
const TIMES_NODE = 3;

/** Prints what the process has used, in microseconds, as it ends. */
const METER = `data:text/javascript,process.on("exit",()=>{
  const{userCPUTime:u,systemCPUTime:s}=process.resourceUsage();process.stderr.write("cpu "+(u+s));
})`.replaceAll("\n", "");

/** Seconds of CPU time, user and system, the least of a few runs. */
function cpuTime(...words: string[]): number {
  const times = Array.from({ length: RUNS }, () => {
    const { stderr } = spawnSync(process.execPath, ["--import", METER, ...words], {
      encoding: "utf8",
    });
    return Number(/cpu (\d+)$/.exec(stderr)?.[1]) / 1e6;
  });
  return Math.min(...times);
}

it(`--help and --version take less than ${HELP_MAX} s of CPU time`, () => {
  const node = cpuTime("-e", "0");
  const most = Math.max(HELP_MAX, TIMES_NODE * node);
  expect(cpuTime(MAIN, "--help")).toBeLessThan(most);
  expect(cpuTime(MAIN, "--version")).toBeLessThan(most);
});
