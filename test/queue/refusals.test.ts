/** A queue that cannot be had, a worker that must not work, results that cannot be: one line, and exit code 2. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Queue, Worker } from "bullmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseQueueAddress } from "../../src/queue/address.ts";
import { Coordinator } from "../../src/queue/coordinator.ts";
import { jobOf, resultOf } from "../../src/queue/jobs.ts";
import type { DueRun } from "../../src/runs/executor.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import type { Reply } from "../../src/runs/worker.ts";
import { Scratch, scenario } from "../cli/command.ts";
import { RedisServer, SERVER, trackvisor, until } from "./redisServer.ts";

const QUEUE = "trackvisor-runs";
const WAIT = "bull:trackvisor-runs:wait";
const TRACES = join(import.meta.dirname, "..", "..", "workloads", "traces");
const scratch = new Scratch();
afterAll(() => scratch.remove());

const SWEEP = ["sweep", "small.json", "--vary", "machine.logEntries=64,128", "--store", "store"];

/** @returns the one line that it says */
async function refused(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await trackvisor(scratch.directory, ...words).ended;
  expect({ code, out }, `${words.join(" ")}: ${err}`).toEqual({ code: 2, out: "" });
  expect(err).toMatch(/^trackvisor: .*\n$/);
  return err;
}

beforeAll(() => scratch.write("small.json", scenario()));

describe("the address of a queue", () => {
  it.each([
    ["redis://localhost", "redis://localhost:6379"],
    ["redis://user:s3cret@10.0.0.1:7000/2", "redis://10.0.0.1:7000/2"],
    ["rediss://:s3cret@[::1]", "rediss://[::1]:6379"],
  ])("%s is shown as %s", (text, shown) => {
    expect(parseQueueAddress(text, "--queue").shown).toBe(shown);
  });

  it("has a password as it is meant, or that of the environment", () => {
    const password = (text: string, other = ""): string | undefined =>
      parseQueueAddress(text, "--queue", other).connection.password;
    expect(password("redis://:a%2Fb%40c@h")).toBe("a/b@c");
    expect(password("redis://:own@h", "other")).toBe("own");
    expect(password("redis://h", "other")).toBe("other");
    expect(password("redis://h")).toBeUndefined();
  });

  it.each([
    "s3cret",
    "http://:s3cret@h",
    "redis://:s3cret@",
    "redis://:s3cret%@h",
    "redis://:s3cret@h/x",
    "redis://:s3cret@h:99999",
    "redis://:s3cret@h?a=b",
    "redis://:s3/cret@h",
  ])("%s is refused, and not repeated: a password may be in it", (text) => {
    const parse = (): unknown => parseQueueAddress(text, "--queue");
    expect(parse).toThrow(/^--queue: .*; expected redis:\/\/HOST/);
    expect(parse).not.toThrow(/cret/);
  });

  it("is refused by both commands in one line", async () => {
    for (const words of [["worker"], [...SWEEP, "--queue"]]) {
      const said = await refused(...words, "redis://:s3cret@h/x");
      expect(said).toContain("has a path; expected redis://HOST");
      expect(said).not.toContain("cret");
    }
  });

  it("keeps its password to itself when the command is forgotten", async () => {
    expect(await refused("redis://:s3cret@h:1")).toContain("redis://***@h:1");
  });

  it.each(["worker", "sweep"])("that nobody answers at ends %s", async (command) => {
    const address = "redis://:s3cret@127.0.0.1:1";
    const words = command === "worker" ? ["worker", address] : [...SWEEP, "--queue", address];
    expect(await refused(...words)).toBe(
      "trackvisor: redis://127.0.0.1:1: cannot be reached: connection refused\n",
    );
  });

  it("is no threads of this machine's", async () => {
    const said = await refused(...SWEEP, "--queue", "redis://h", "--workers", "2");
    expect(said).toContain("cannot be used with option '--workers <count>'");
  });
});

describe.skipIf(SERVER === null)("a queue", () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start(scratch.directory);
  });
  afterAll(() => redis.stop());

  const open = (onNote: (text: string) => void = () => {}): Promise<Coordinator> =>
    Coordinator.open(parseQueueAddress(redis.address, "--queue"), { code: "0", onNote });
  const orders = (count: number): DueRun[] => {
    const order = loadScenario(scratch.path("small.json"));
    return Array.from({ length: count }, (_, n) => ({ key: `${n}`.padStart(32, "0"), order }));
  };
  /** Somebody who does runs in another way. */
  const stranger = (process: (id: string) => unknown): Worker =>
    new Worker(QUEUE, async (job) => process(job.id!), {
      connection: redis.client(),
      concurrency: 2,
    });
  const finished = (text: string) => resultOf({ finished: text });

  it("refuses a wrong password, and says neither", async () => {
    const locked = await RedisServer.start(scratch.directory, "--requirepass", "right");
    const { port } = locked;
    for (const user of ["", ":s3cret@"]) {
      const said = await refused("worker", `redis://${user}127.0.0.1:${port}`);
      expect(said).toContain(`redis://127.0.0.1:${port}: cannot be reached: `);
      expect(said).toMatch(/WRONGPASS|NOAUTH/);
      expect(said).not.toMatch(/s3cret|right/);
    }
    await locked.stop();
  });

  it("has a worker of another version refused, which leaves the runs to others", async () => {
    const coordinator = await open();
    const controller = new AbortController();
    const run = coordinator.run(orders(3), () => {}, controller.signal).catch(() => {});
    const said = await refused("worker", redis.address, "--workers", "2");
    expect(said).toContain("were ordered by another version of the program (0, this is ");
    const client = redis.client();
    expect(await client.llen(WAIT)).toBe(3);
    controller.abort();
    await run;
    // Nobody wants them any more.
    expect(await client.llen(WAIT)).toBe(0);
    client.disconnect();
    await coordinator.close();
  });

  it("that has no worker says so, once", async () => {
    const notes: string[] = [];
    const coordinator = await open((text) => notes.push(text));
    const controller = new AbortController();
    const run = coordinator.run(orders(1), () => {}, controller.signal).catch(() => {});
    await expect.poll(() => notes, { timeout: 20_000 }).toHaveLength(1);
    await setTimeout(6000);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(`start one: trackvisor worker ${redis.address}`);
    controller.abort();
    await run;
    await coordinator.close();
  });

  it.each([
    ["are the same", "{}", "{}"],
    ["differ", '{"time":1}', '{"time":2}'],
  ])("delivers one run twice: whether the results %s is looked at", async (_, ...results) => {
    const [first, second] = orders(2);
    const job = jobOf(first!.key);
    const queue = new Queue(QUEUE, { connection: redis.client() });
    const isGone = async () => (await queue.getJob(job)) === undefined;
    let times = 0;
    const worker = stranger(async (id) => {
      if (id === job) return finished(results[times++]!);
      // As a queue that has forgotten what it had delivered, while the other run is under way.
      await until("the first result is taken", async () => times === 1 && (await isGone()));
      await queue.add("run", {}, { jobId: job });
      await until("and the second one", async () => times === 2 && (await isGone()));
      return finished("{}");
    });
    const coordinator = await open();
    const replies: Reply[] = [];
    const run = coordinator.run([first!, second!], (__, reply) => replies.push(reply));
    if (results[0] === results[1]) {
      await run;
      expect(replies).toHaveLength(2);
    } else {
      await expect(run).rejects.toThrow(
        'run "small" (seed 1): two workers have different results of it',
      );
      expect(replies).toHaveLength(1);
    }
    await worker.close();
    await Promise.all([coordinator.close(), queue.obliterate({ force: true })]);
    await queue.close();
  });

  it("has a result that is not as it was written refused, and the run is done again by the next", async () => {
    let isDamaged = true;
    const worker = stranger(() => {
      const whole = finished("{}");
      return isDamaged ? { ...whole, digest: "0" } : whole;
    });
    const coordinator = await open();
    const replies: Reply[] = [];
    const run = () => coordinator.run(orders(1), (_, reply) => replies.push(reply));
    await expect(run()).rejects.toThrow(
      "its result in the queue is not as a worker has written it",
    );
    isDamaged = false;
    await run();
    expect(replies).toEqual([{ finished: "{}" }]);
    await worker.close();
    await coordinator.close();
  });

  it("is given up when it stays away, in a line", async () => {
    const gone = await RedisServer.start(scratch.directory);
    const notes: string[] = [];
    const coordinator = await Coordinator.open(parseQueueAddress(gone.address, "--queue"), {
      code: "0",
      patience: 1,
      onNote: (text) => notes.push(text),
    });
    const run = coordinator.run(orders(1), () => {});
    const failed = expect(run).rejects.toThrow(
      `${gone.address}: cannot be reached: connection refused`,
    );
    await gone.stop();
    await failed;
    expect(notes).toEqual([`${gone.address}: the connection is lost, it is tried for 1 s`]);
    await coordinator.close();
  });

  it("is empty for an idle worker when nobody has a run: that of a lost one would be its own", async () => {
    let end: (() => void) | undefined;
    const held = stranger(async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return finished("{}");
    });
    const coordinator = await open();
    const run = coordinator.run(orders(1), () => {});
    await until("the run is under way", () => end !== undefined);
    const worker = trackvisor(scratch.directory, "worker", redis.address, "--idle", "1");
    let isOver = false;
    void worker.ended.then(() => {
      isOver = true;
    });
    await setTimeout(5000);
    expect(isOver).toBe(false);
    end?.();
    await run;
    expect(await worker.ended).toEqual({ code: 0, out: "0 runs done\n", err: "" });
    await held.close();
    await coordinator.close();
  });

  it("that is away does not keep a worker that is told to end", async () => {
    const gone = await RedisServer.start(scratch.directory);
    const client = gone.client();
    client.on("error", () => {});
    const worker = trackvisor(scratch.directory, "worker", gone.address);
    await until("it waits", async () => /cmd=bzpopmin/.test(String(await client.client("LIST"))));
    client.disconnect();
    await gone.stop();
    await until("it has noticed", () => worker.err !== "");
    worker.signal("SIGTERM");
    // Once, though a worker has two connections.
    const err = `trackvisor: ${gone.address}: the connection is lost, it is tried for 60 s\n`;
    expect(await worker.ended).toEqual({ code: 0, out: "0 runs done\n", err });
  });

  it("has a worker refused that would play another trace; it finds traces where it is told to", async () => {
    const shipped = readFileSync(join(TRACES, "sort.tvtrace"));
    for (const name of ["here", "there", "wrong"]) mkdirSync(scratch.path(name));
    scratch.write("here/a.tvtrace", shipped);
    scratch.write("there/a.tvtrace", shipped);
    scratch.write("wrong/a.tvtrace", "another trace");
    const vms = [{ workload: { kind: "trace", file: "a.tvtrace" } }];
    scratch.write("here/trace.json", JSON.stringify({ name: "played", vms, until: "1ms" }));
    const vary = ["--vary", "machine.logEntries=64,128", "--metric", "exits"];
    const words = ["sweep", "here/trace.json", ...vary, "--store", "traces"];
    const whole = trackvisor(scratch.directory, ...words, "--queue", redis.address, "-o", "a.json");
    const said = await refused("worker", redis.address, "--traces", scratch.path("wrong"));
    expect(said).toContain(
      'run "played" (seed 1) differs here: a trace that it plays, or a module that it needs (--import), is not the same',
    );
    expect(await refused("worker", redis.address, "--traces", scratch.path("none"))).toContain(
      "none/a.tvtrace: cannot be read",
    );
    const there = ["--traces", scratch.path("there"), "--idle", "2"];
    const worker = trackvisor(scratch.directory, "worker", redis.address, ...there);
    expect(await whole.ended).toMatchObject({ code: 0 });
    expect(await worker.ended).toMatchObject({ code: 0, out: "2 runs done\n", err: "" });
    const alone = [...words.slice(0, -1), "alone", "-o", "b.json"];
    expect(await trackvisor(scratch.directory, ...alone).ended).toMatchObject({ code: 0 });
    const read = (name: string): string => readFileSync(scratch.path(name), "utf8");
    expect(read("a.json")).toBe(read("b.json"));
  });

  it("has a worker refused that lacks a module of the sweep's; one that imports it does the runs", async () => {
    scratch.write(
      "nth.mjs",
      `import { registerTracker } from "trackvisor";
registerTracker({
  name: "nth",
  finds: "written",
  samples: true,
  arm(vm) {
    for (let page = 0; page < vm.pages; page += 4) vm.protect(page);
  },
});
`,
    );
    const imported = ["--import", "nth.mjs"];
    const words = ["sweep", "small.json", "--set", "tracker.technique=nth", ...imported];
    const vary = ["--vary", "seed=1,2", "--metric", "exits", "--store", "modules"];
    const whole = trackvisor(scratch.directory, ...words, ...vary, "--queue", redis.address);
    expect(await refused("worker", redis.address)).toContain("a module that it needs (--import)");
    const there = [...imported, "--idle", "2"];
    const worker = trackvisor(scratch.directory, "worker", redis.address, ...there);
    expect(await worker.ended).toMatchObject({ code: 0, out: "2 runs done\n", err: "" });
    expect(await whole.ended).toMatchObject({ code: 0 });
  });

  it("shows names of the queue's as text", async () => {
    const queue = new Queue(QUEUE, { connection: redis.client() });
    const order = { scenario: { name: "\u001b]0;owned\u0007", seed: 1 }, directory: "/" };
    const code = "\u001b[31m";
    await queue.add("run", { code, order }, { jobId: "run-x" });
    const { code: exit, err } = await trackvisor(scratch.directory, "worker", redis.address).ended;
    expect({ exit, err }).toMatchObject({ exit: 2, err: expect.stringContaining("\\x1b[31m") });
    expect(err).not.toContain("\u001b");
    await queue.obliterate({ force: true });
    await queue.close();
  });
});
