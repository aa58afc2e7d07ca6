/** `trackvisor checkpoint`, and `run` with checkpoint files. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());
const TIMEOUT = 120_000;
const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");

function scenario(operation: object, until = "60ms"): string {
  return JSON.stringify({
    name: "small",
    vms: [{ workload: { kind: "uniform", pages: 500, writeFraction: 0.5, gap: 500 } }],
    operation: { kind: "checkpoint", ...operation },
    until,
  });
}

const live = scratch.write("live.yaml", scenario({ mode: "live", epoch: "10ms" }));
const stop = scratch.write("stop.yaml", scenario({ mode: "stop", times: ["10ms", "30ms"] }));

describe("trackvisor run with checkpoints", { timeout: TIMEOUT }, () => {
  it("says what they cost, the same with a file and without", async () => {
    const memory = await scratch.run(["run", live]);
    expect([memory.code, memory.err]).toEqual([0, ""]);
    expect(memory.out).toMatch(/^checkpoints: live, epochs of 10.000 ms$/m);
    expect(memory.out).toMatch(/^ {2}complete +7 of 7$/m);
    expect(memory.out).toMatch(/^ {2}output held +\d+ packets$/m);
    const file = await scratch.run(["run", live, "--checkpoint", "a.tvckpt"]);
    expect(file.code).toBe(0);
    expect(file.out).toBe(memory.out.replace("(in memory)", "a.tvckpt"));
  });

  it("goes on from a file as if it had never stopped", async () => {
    const whole = await scratch.run(["run", stop, "--checkpoint", "stop.tvckpt", "--json"]);
    const rest = await scratch.run(["run", stop, "--from-checkpoint", "stop.tvckpt", "--json"]);
    expect([rest.code, rest.err]).toEqual([0, ""]);
    const { operation, ...others } = JSON.parse(rest.out);
    const expected = JSON.parse(whole.out);
    expect({ ...others, operation: 0 }).toEqual({ ...expected, operation: 0 });
    expect(operation.checkpoints).toEqual(expected.operation.checkpoints);
  });

  it("says so when a file has no state, or is of another scenario", async () => {
    await scratch.run(["run", live, "--checkpoint", "plain.tvckpt"]);
    const plain = await scratch.run(["run", live, "--from-checkpoint", "plain.tvckpt"]);
    expect(plain.code).toBe(0);
    expect(plain.err).toMatch(/checkpoint 6 of plain.tvckpt has the VMs' memory, but no state/);
    await scratch.run(["run", stop, "--checkpoint", "state.tvckpt"]);
    const seed = ["run", stop, "--seed", "9", "--from-checkpoint", "state.tvckpt"];
    const other = await scratch.run(seed);
    expect(other.code).toBe(2);
    expect(other.err).toBe(
      "trackvisor: state.tvckpt: is of another scenario, or of an edited one\n",
    );
  });

  it("refuses what cannot be", async () => {
    const cases = [
      [["run", live, "--tracker", "prl"], /live checkpoints need a tracker that finds written/],
      [["run", live, "--checkpoint", live], /live.yaml: exists; choose another name/],
      [["run", "--checkpoint", "x"], /--checkpoint: the scenario's operation is measure/],
      [
        ["run", scratch.write("s.yaml", scenario({ mode: "stop" }))],
        /s.yaml:1: operation: field "times" is missing/,
      ],
    ] as const;
    for (const [words, message] of cases) {
      const { code, err, out } = await scratch.run(words);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(message);
    }
    expect(readFileSync(scratch.path(live), "utf8")).toContain("uniform");
  });

  it("keeps the last complete checkpoint when the file may not grow", async () => {
    // As on a full disk: the write fails, after a part of it was written.
    const command = `trap '' XFSZ; ulimit -f 4; exec "${process.execPath}" "${MAIN}" run live.yaml --checkpoint full.tvckpt`;
    const { status, stdout } = spawnSync("bash", ["-c", command], {
      cwd: scratch.directory,
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^checkpoint (\d+) was not written: full.tvckpt: .*; the VMs ran on; checkpoint \d+ is the last complete one$/m,
    );
    const verified = await scratch.run(["checkpoint", "verify", "full.tvckpt"]);
    expect(verified.code).toBe(0);
    const last = /checkpoint (\d+) is the last/.exec(stdout)![1];
    expect(verified.out).toContain(`the last is number ${last}\n`);
  });

  it("leaves a readable file when it is killed", async () => {
    const endless = scenario({ mode: "live", epoch: "1ms", rewriteAfter: "64KiB" }, "1000s");
    const name = scratch.write("endless.yaml", endless);
    const words = ["run", name, "--checkpoint", "killed.tvckpt"];
    for (const wait of [0, 10, 50, 150]) {
      rmSync(scratch.path("killed.tvckpt"), { force: true });
      const child = spawn(process.execPath, [MAIN, ...words], {
        cwd: scratch.directory,
        stdio: "ignore",
      });
      const ended = once(child, "exit");
      while (!existsSync(scratch.path("killed.tvckpt"))) await setTimeout(10);
      await setTimeout(wait);
      child.kill("SIGKILL");
      expect(await ended).toEqual([null, "SIGKILL"]);
      const { out } = await scratch.run(["checkpoint", "info", "killed.tvckpt", "--json"]);
      expect(JSON.parse(out).checkpoints.length).toBeGreaterThan(0);
    }
  });
});

describe("trackvisor checkpoint", { timeout: TIMEOUT }, () => {
  it("info and verify say what a file holds", async () => {
    await scratch.run(["run", stop, "--checkpoint", "info.tvckpt"]);
    const info = await scratch.run(["checkpoint", "info", "info.tvckpt"]);
    expect([info.code, info.err]).toEqual([0, ""]);
    expect(info.out).toMatch(/^made by {6}stop-and-copy$/m);
    expect(info.out).toMatch(/^VM {11}vm0: 500 pages, \d+ of tables$/m);
    expect(info.out).toMatch(/^checkpoint {3}1 at 30\.\d+ ms: all 504 pages, state of /m);
    const verify = await scratch.run(["checkpoint", "verify", "info.tvckpt"]);
    expect(verify.out).toBe("info.tvckpt: sound; 2 checkpoints, the last is number 1\n");
  });

  it("name the damage and what is before it", async () => {
    await scratch.run(["run", live, "--checkpoint", "whole.tvckpt"]);
    const bytes = readFileSync(scratch.path("whole.tvckpt"));
    scratch.write("torn.tvckpt", bytes.subarray(0, bytes.length - 1));
    for (const what of ["info", "verify"]) {
      const { code, err } = await scratch.run(["checkpoint", what, "torn.tvckpt"]);
      expect(code).toBe(1);
      expect(err).toMatch(
        /^trackvisor: torn.tvckpt: damaged at block \d+ of checkpoint 6, byte \d+: the file ends within a block; checkpoint 5 before it is complete\n$/,
      );
    }
    const json = await scratch.run(["checkpoint", "info", "torn.tvckpt", "--json"]);
    expect(JSON.parse(json.out).damage).toMatchObject({ checkpoint: 6 });
    const restored = await scratch.run(["run", live, "--from-checkpoint", "torn.tvckpt"]);
    expect(restored.code).toBe(0);
    expect(restored.err).toMatch(/checkpoint 5 before it is complete/);
  });

  it("refuse what is no checkpoint file", async () => {
    const { code, err } = await scratch.run(["checkpoint", "info", live]);
    expect(code).toBe(2);
    expect(err).toBe("trackvisor: live.yaml: not a Trackvisor checkpoint file\n");
  });
});
