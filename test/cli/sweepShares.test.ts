/** docs/examples/sweep: the SLURM array and the Kubernetes job, as far as they go without a cluster. */
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { Scratch } from "./command.ts";

const root = join(import.meta.dirname, "..", "..");
const EXAMPLES = join(root, "docs", "examples", "sweep");
const MAIN = join(root, "dist", "src", "cli", "main.js");
const TIMEOUT = 600_000;

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** What of the manifest counts here; the API's own schema has much more. */
const manifestSchema = z.object({
  apiVersion: z.literal("batch/v1"),
  kind: z.literal("Job"),
  metadata: z.object({ name: z.string().regex(/^[a-z][a-z0-9-]*$/) }),
  spec: z.object({
    completionMode: z.literal("Indexed"),
    completions: z.int(),
    parallelism: z.int(),
    backoffLimitPerIndex: z.int(),
    template: z.object({
      spec: z.object({
        restartPolicy: z.literal("Never"),
        containers: z.tuple([
          z.object({
            command: z.array(z.string()),
            workingDir: z.string(),
            volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
          }),
        ]),
        volumes: z.array(z.object({ name: z.string() })),
      }),
    }),
  }),
});

/** With the program on the path, as where it is installed, and a cache of its own. */
function start(command: readonly string[], variables: Readonly<Record<string, string>>): void {
  const [program = "", ...words] = command;
  const { status, stderr } = spawnSync(program, words, {
    cwd: scratch.directory,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: `${scratch.path("bin")}${delimiter}${process.env["PATH"]}`,
      XDG_CACHE_HOME: scratch.path("cache"),
      ...variables,
    },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

const read = (name: string): string => readFileSync(scratch.path(name), "utf8");

describe("the shares of a sweep on many machines", { timeout: TIMEOUT }, () => {
  beforeAll(() => {
    start(["mkdir", "bin", "slurm", "results"], {});
    scratch.write("bin/trackvisor", `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(scratch.path("bin/trackvisor"), 0o755);
  });

  it("as a SLURM array are those of one machine, byte for byte", () => {
    const vary = ["--vary", "machine.logEntries=64..512*2"];
    const words = ["trackvisor", "sweep", "array-parser", "--until", "1ms", ...vary];
    const script = join(EXAMPLES, "slurm.sh");
    const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(readFileSync(script, "utf8"))!;
    const tasks = Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => n + 1);
    for (const task of tasks) {
      start(["bash", script, ...words, "--workers", "1"], { SLURM_ARRAY_TASK_ID: String(task) });
    }
    start(["trackvisor", "merge", ...tasks.map((task) => `part${task}.json`), "-o", "a.json"], {});
    start([...words, "-o", "b.json"], {});
    expect(read("a.json")).toBe(read("b.json"));
  });

  it("as a Kubernetes job are those of its indexes", () => {
    const text = readFileSync(join(EXAMPLES, "kubernetes.yaml"), "utf8");
    const { spec } = manifestSchema.parse(parse(text));
    const { containers, volumes } = spec.template.spec;
    const [{ command, workingDir, volumeMounts }] = containers;
    expect(volumeMounts[0]?.mountPath).toBe(workingDir);
    expect(volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
    const here = command.map((word) => word.replaceAll(workingDir, scratch.path("results")));
    for (const index of [0, spec.completions - 1]) {
      start(here, { JOB_COMPLETION_INDEX: String(index) });
      const { points, shard } = JSON.parse(read(`part${index}.json`));
      expect(shard).toEqual({ index: index + 1, count: spec.completions });
      expect(points.map((point: { index: number }) => point.index)).toEqual([index, index + 4]);
    }
  });
});
