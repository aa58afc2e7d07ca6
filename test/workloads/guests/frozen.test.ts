/** A guest's thread tells a program the same in every directory and every process. */
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");
const module = pathToFileURL(join(root, "dist", "workloads", "guests", "frozen.js")).href;

/** What a program finds in `process` once all is frozen. */
const PROGRAM = `
  import { freeze } from ${JSON.stringify(module)};
  const { stdout } = process;
  freeze({ now: () => 5n, elapsed: () => 7n, randomBytes: (count) => new Uint8Array(count), randomFraction: () => 0 });
  const { argv, execPath, execArgv, title, pid, ppid } = process;
  stdout.write(JSON.stringify({ argv, execPath, execArgv, title, pid, ppid, cwd: process.cwd(), now: Date.now() }));
`;

function seen(cwd: string): unknown {
  const words = ["--input-type=module", "--no-warnings", "--eval", PROGRAM];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd, encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

it("says nothing of where it stands, and which process it is", () => {
  const first = seen(root);
  expect(first).toEqual({
    argv: ["node", "guest"],
    execPath: "/node",
    execArgv: [],
    title: "node",
    pid: 1,
    ppid: 0,
    cwd: "/",
    now: 0,
  });
  expect(seen(tmpdir())).toEqual(first);
});
