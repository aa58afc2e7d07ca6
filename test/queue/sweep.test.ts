/** `trackvisor sweep --queue`: whatever becomes of the workers and of the queue, the result is that of one machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scratch } from "../cli/command.ts";
import { RedisServer, SERVER, type Started, trackvisor, until } from "./redisServer.ts";

const SCENARIO = `name: hot and cold
vms:
  - workload: { kind: hotCold, pages: 2000, hotPages: 100, hotProbability: 0.9, accesses: 5000, writeFraction: 0.3 }
`;
const VARIED = ["--vary", "tracker.technique=pml,prl", "--vary", "machine.logEntries=64..512+64"];
const SWEEP = ["sweep", "hot.yaml", ...VARIED, "--metric", "exits,recall"];
const SEEDS = 13;
const RUNS = 16 * SEEDS;
/** Of the tests that stop other things. */
const FEW_SEEDS = 4;
const FEW_RUNS = 16 * FEW_SEEDS;
/** Seconds: the tests wait for it. */
const LOST_AFTER = "2";

describe.skipIf(SERVER === null)("a sweep through a queue", () => {
  const scratch = new Scratch();
  const started: Started[] = [];
  let redis: RedisServer;

  const start = (...words: readonly string[]): Started => {
    const one = trackvisor(scratch.directory, ...words);
    started.push(one);
    return one;
  };
  const worker = (...words: readonly string[]): Started =>
    start("worker", redis.address, "--workers", "1", "--lost-after", LOST_AFTER, ...words);
  /** A sweep with a store of its own, named as the file of its result. */
  const sweep = (name: string, seeds: number, ...words: readonly string[]): Started =>
    start(...SWEEP, "--seeds", `1..${seeds}`, "--store", name, "-o", `${name}.json`, ...words);
  const throughQueue = (name: string, seeds = FEW_SEEDS): Started =>
    sweep(name, seeds, "--queue", redis.address);
  const read = (name: string): string => readFileSync(scratch.path(`${name}.json`), "utf8");
  const stored = (name: string): string[] => {
    const directory = scratch.path(name);
    return existsSync(directory) ? readdirSync(directory) : [];
  };
  /** @param alone the same sweep on one machine */
  const expectWhole = async (name: string, one: Started, alone = "few"): Promise<void> => {
    const { code, err } = await one.ended;
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(read(name)).toBe(read(alone));
    // Nothing twice, and nothing left out: each run's file is that of one machine.
    expect(stored(name)).toEqual(stored(alone));
    for (const file of stored(name)) {
      expect(readFileSync(join(scratch.path(name), file), "utf8")).toBe(
        readFileSync(join(scratch.path(alone), file), "utf8"),
      );
    }
  };

  beforeAll(async () => {
    scratch.write("hot.yaml", SCENARIO);
    redis = await RedisServer.start(scratch.directory);
    expect(await sweep("alone", SEEDS).ended).toMatchObject({ code: 0, err: "" });
    expect(await sweep("few", FEW_SEEDS).ended).toMatchObject({ code: 0, err: "" });
    expect(stored("alone")).toHaveLength(RUNS);
  });

  afterAll(async () => {
    for (const one of started) one.signal("SIGKILL");
    await Promise.all(started.map(({ ended }) => ended));
    await redis.stop();
    scratch.remove();
  });

  it(`of ${RUNS} runs on two workers, of which one is killed, loses and doubles nothing`, async () => {
    const whole = throughQueue("killed", SEEDS);
    const [first, second] = [worker(), worker()];
    await until("a quarter is done", () => stored("killed").length > RUNS / 4);
    first.signal("SIGKILL");
    await expectWhole("killed", whole, "alone");
    // It had a run under way, which the other one has done.
    expect(second.err).toBe("trackvisor: a run of a lost worker goes back to the queue\n");
    second.signal("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(second.out).toMatch(/^\d+ runs done\n$/);
  });

  it("loses nothing when the queue starts again and has forgotten everything", async () => {
    const whole = throughQueue("restarted");
    const one = worker();
    await until("a quarter is done", () => stored("restarted").length > FEW_RUNS / 4);
    await redis.stop();
    await redis.start();
    await expectWhole("restarted", whole);
    expect(whole.err).toBe(
      `trackvisor: ${redis.address}: the connection is lost, it is tried for 60 s\n` +
        `trackvisor: ${redis.address}: connected again\n`,
    );
    one.signal("SIGTERM");
    expect(await one.ended).toMatchObject({ code: 0 });
  });

  it("counts a run once that two workers have done, and goes on when a worker gives its run back", async () => {
    const whole = throughQueue("twice");
    const [slow, leaving] = [worker(), worker()];
    await until("an eighth is done", () => stored("twice").length > FEW_RUNS / 8);
    // For longer than a lock holds: what it does is given to the other one, and it does it as well.
    slow.signal("SIGSTOP");
    await until("its run is another's", () => leaving.err.includes("of a lost worker"));
    slow.signal("SIGCONT");
    leaving.signal("SIGTERM");
    const { code, out } = await leaving.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+ runs done(, 1 given back)?\n$/);
    await expectWhole("twice", whole);
    expect(slow.err).toContain("another worker does it; it counts once");
    slow.signal("SIGINT");
    expect(await slow.ended).toMatchObject({ code: 0 });
  });

  it("is interrupted, keeps what is done, leaves nothing to do, and goes on with what was done since", async () => {
    const cut = throughQueue("cut");
    const one = worker();
    await until("a quarter is done", () => stored("cut").length > FEW_RUNS / 4);
    cut.signal("SIGINT");
    expect(await cut.ended).toMatchObject({ code: 130, out: "" });
    const before = stored("cut").length;
    expect(before).toBeLessThan(FEW_RUNS);
    const client = redis.client();
    expect(await client.llen("bull:trackvisor-runs:wait")).toBe(0);
    client.disconnect();
    await expectWhole("cut", throughQueue("cut"));
    one.signal("SIGTERM");
    await one.ended;
  });
});
