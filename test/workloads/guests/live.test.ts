/** Guests that run beside the emulator: the stream of a recorded one, whichever way somebody goes through it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { Timeline } from "../../../src/replay/timeline.ts";
import { buildSystem } from "../../../src/system/build.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import { summarize } from "../../../src/system/summary.ts";
import { StreamPlayer } from "../../../workloads/generators/streamPlayer.ts";
import { BlockWriter } from "../../../workloads/guests/live/blockWriter.ts";
import {
  Ask,
  BLOCK_EVENTS,
  BLOCK_RUNS,
  BLOCK_TEXT,
  Channel,
  LiveBlock,
  SLOTS,
} from "../../../workloads/guests/live/channel.ts";
import { ConsoleLog } from "../../../workloads/guests/live/consoleLog.ts";
import { KeptStates } from "../../../workloads/guests/live/keptStates.ts";
import { PastBlocks } from "../../../workloads/guests/live/pastBlocks.ts";
import { EventType } from "../../../workloads/trace/events.ts";
import { RunBlock } from "../../../workloads/trace/runs.ts";
import type { Workload } from "../../../workloads/workload.ts";
import { createWorkload, workloadSchema } from "../../../workloads/workloadKinds.ts";
import "../../fixedSeed.ts";

const sort = (fields: object): Workload =>
  createWorkload(
    workloadSchema.parse({ kind: "wasm", module: "shipped:sort", args: ["3000"], ...fields }),
    "guest",
  );

/** All accesses of a guest, with the gaps before them. */
function accessesOf(workload: Workload): number[] {
  const block = new Int32Array(1000);
  const all: number[] = [];
  for (let count = workload.fill(block); count > 0; count = workload.fill(block)) {
    all.push(workload.gap, workload.lead ?? 0);
    for (let i = 0; i < count; i++) all.push(block[i] ?? 0);
  }
  return all;
}

function systemOf(fields: object) {
  return buildSystem(
    scenarioSchema.parse({
      name: "live",
      vms: [
        {
          workload: {
            ...{ kind: "wasm", module: "shipped:sort", args: ["2000"], memory: "1MiB" },
            ...fields,
          },
        },
      ],
      tracker: { technique: "pml" },
    }),
  );
}

describe("a live guest", () => {
  it("makes the accesses of a recorded one, word by word", () => {
    // The gaps are the workload's own: those of a recording come beside them.
    const withGap = accessesOf(sort({ live: true, gap: 3 }));
    expect(withGap.length).toBeGreaterThan(400_000);
    const block = new Int32Array(withGap.length);
    const recorded = sort({ gap: 3 });
    expect(recorded.gap).toBe(3);
    const count = recorded.fill(block);
    const accesses: number[] = [];
    for (let i = 0; i < withGap.length; i += 1002) accesses.push(...withGap.slice(i + 2, i + 1002));
    expect(accesses.length).toBe(count);
    expect(accesses.every((word, i) => word === block[i])).toBe(true);
  });

  it("ends after so many accesses, and says what it has printed and how it has ended", () => {
    const ended = sort({ live: true });
    accessesOf(ended);
    expect(Buffer.from(ended.console?.shown() ?? []).toString()).toContain("3000 numbers from");
    expect(ended.console?.exitCode).toBe(0);
    const limited = sort({ live: true, accesses: 5000 });
    expect(limited.fill(new Int32Array(6000))).toBe(5000);
    expect(limited.fill(new Int32Array(6000))).toBe(0);
  });

  it("that fails says so when it comes to it, in a line", () => {
    const greedy = sort({ live: true, args: ["10000000"], memory: "1MiB" });
    expect(() => accessesOf(greedy)).toThrow(UserError);
    expect(() => accessesOf(greedy)).toThrow(/^sort\.wasm: /);
  });

  it("is the same run as a recorded one, and the same when it is gone back through", () => {
    const whole = systemOf({ live: true });
    const end = whole.run();
    const digests = whole.digests();
    const recorded = systemOf({ live: false });
    recorded.run();
    const { truth } = summarize(whole);
    expect(truth).toEqual(summarize(recorded).truth);

    const timeline = new Timeline(systemOf({ live: true }), [], { spacing: 1 });
    timeline.run();
    expect(timeline.position).toBe(end);
    expect(timeline.system.digests()).toEqual(digests);
    for (const position of [end - 1, Math.floor(end / 2), 1, Math.floor(end / 3)]) {
      timeline.seek(position);
      const here = timeline.system.digests();
      timeline.stepBack();
      timeline.step();
      expect(timeline.system.digests()).toEqual(here);
    }
    timeline.seek(end);
    expect(timeline.system.digests()).toEqual(digests);
  });

  it("goes on in another system from what was saved", () => {
    const system = systemOf({ live: true });
    system.run(10);
    const saved = system.save();
    system.run();
    const other = systemOf({ live: true });
    other.restore(saved);
    other.run();
    expect(other.digests()).toEqual(system.digests());
  });
});

describe("a channel", () => {
  const fill = (writer: BlockWriter, blocks: number): void => {
    for (let i = 0; i < blocks; i++) {
      writer.run(i, 1, i + 1);
      writer.event(2, i, 2 * i);
      writer.print(i & 0xff);
      writer.close();
    }
  };

  it("carries blocks, and begins another when one is full", () => {
    const channel = new Channel();
    channel.beginAt(7);
    const writer = new BlockWriter(channel, 7);
    const block = new LiveBlock();
    fill(writer, 3);
    for (let i = 0; i < BLOCK_RUNS; i++) writer.run(1, 0, 1);
    for (let i = 0; i < BLOCK_EVENTS; i++) writer.event(1, 0);
    for (let i = 0; i < BLOCK_TEXT; i++) writer.print(65);
    writer.finish();
    const seen: number[][] = [];
    for (let index = 7; channel.take(index, block); index++) {
      seen.push([block.count, block.events.count, block.textBytes]);
    }
    expect(seen).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
      [BLOCK_RUNS, 0, 0],
      [0, BLOCK_EVENTS, 0],
      [0, 0, BLOCK_TEXT],
    ]);
  });

  it("shows the guest what was typed in its block, and not before", () => {
    const channel = new Channel();
    channel.type({ block: SLOTS, bytes: [1, 2] });
    channel.type({ block: SLOTS + 2, bytes: [3] });
    expect(channel.typedUpTo(SLOTS - 1)).toEqual([]);
    expect(channel.typedUpTo(SLOTS + 1)).toEqual([[1, 2]]);
    expect(channel.typedUpTo(SLOTS + 1)).toEqual([]);
    expect(channel.typedUpTo(SLOTS + 9)).toEqual([[3]]);
    expect(channel.type({ block: 99, bytes: Array(1 << 16).fill(0) })).toBe(false);
  });
});

describe("what is kept of a live guest", () => {
  const blockOf = (runs: readonly (readonly [number, number])[], text: string): LiveBlock => {
    const block = new LiveBlock();
    for (const [page, length] of runs) {
      const at = block.count++;
      block.pages[at] = page;
      block.kinds[at] = page % 4;
      block.lengths[at] = length;
    }
    block.events.add(0, 5, runs.length, 2);
    block.textBytes = Buffer.from(text).copy(block.text);
    return block;
  };

  it("are blocks as they were, the last ones that there is room for", () => {
    const run = fc.tuple(fc.integer({ min: 0, max: 1 << 21 }), fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 40 }), fc.string(), (runs, text) => {
        const past = new PastBlocks(2000);
        const block = blockOf(runs, text);
        past.add(3, block);
        const found = new LiveBlock();
        expect(past.get(3, found)).toBe(true);
        expect([...found.pages.subarray(0, found.count)]).toEqual(runs.map(([page]) => page));
        expect([...found.lengths.subarray(0, found.count)]).toEqual(runs.map(([, many]) => many));
        expect(Buffer.from(found.text.subarray(0, found.textBytes)).toString()).toBe(
          Buffer.from(text).toString(),
        );
        expect([found.events.a[0], found.events.count]).toEqual([runs.length, 1]);
        for (let i = 4; i < 12; i++) past.add(i, block);
        expect(past.get(3, found)).toBe(false);
        expect(past.get(11, found)).toBe(true);
        past.forgetFrom(11);
        expect(past.get(11, found)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it("are states, the last one among them, and none behind what has changed", () => {
    const states = new KeptStates<number>();
    for (let block = 10; block <= 200; block += 10) states.add({ block, state: block });
    expect(states.before(200)?.state).toBe(200);
    expect(states.before(9)).toBeUndefined();
    const kept = states.before(199)?.block ?? 0;
    expect(kept).toBeLessThan(200);
    states.forgetAfter(199);
    expect(states.before(999)?.block).toBe(kept);
  });

  it("is its console, up to any block", () => {
    const log = new ConsoleLog();
    for (const [index, text] of [
      "one ",
      "",
      "two ",
      "x".repeat(4000),
      "y".repeat(4000),
    ].entries()) {
      log.add(index, blockOf([], text));
    }
    log.add(2, blockOf([], "known already"));
    const shown = (index: number, most?: number): string =>
      Buffer.from(log.upTo(index, most)).toString();
    expect([shown(-1), shown(0), shown(1), shown(2)]).toEqual(["", "one ", "one ", "one two "]);
    expect(shown(9).length).toBe(8008);
    expect(shown(9, 3)).toBe("yyy");
    log.forgetFrom(2);
    expect(shown(9)).toBe("one ");
  });
});

describe("a guest that waits between two steps", () => {
  it("gives its blocks as it is asked for them, and is gone once it says so", () => {
    const channel = new Channel();
    const asked: number[][] = [];
    const writer = new BlockWriter(channel, 0);
    writer.run(3, 1, 2);
    const block = new LiveBlock();
    // The run comes to the next block: the guest goes on at once.
    channel.beginAt(1);
    writer.stepOver((what, pages) => void asked.push([what, ...pages]));
    expect(channel.take(0, block)).toBe(true);
    expect(block.events.types[block.events.count - 1]).toBe(EventType.whole);
    expect(asked).toEqual([]);
    channel.hangUp();
    expect(channel.ask(Ask.pages, [1, 2])).toBe(false);
  });

  it("is at the end of its step when what is left of that is done for it", () => {
    const blocks = [new RunBlock(4, 4), new RunBlock(4, 4), new RunBlock(4, 4)];
    for (const [i, block] of blocks.entries()) {
      block.pages.set([10 * i, 10 * i + 1]);
      block.kinds.set([0, 1]);
      block.lengths.set([3, 2]);
      block.count = 2;
    }
    // A step of two blocks, and one more.
    blocks[1]?.events.add(2, EventType.whole, 0, 0);
    blocks[2]?.events.add(2, EventType.whole, 0, 0);
    class Player extends StreamPlayer {
      override readonly pages = 100;
      override readonly guestPhysical = true;
      override readonly endless = false;
      protected override blockAt(index: number) {
        return blocks[index];
      }
      rest(): string[] {
        const seen: string[] = [];
        this.finish((word) => void seen.push(`${word >> 2} ${word & 3}`));
        return seen;
      }
    }
    const player = new Player("player", { gap: 0 });
    const words = new Int32Array(4);
    expect(player.fill(words)).toBe(4);
    expect(player.rest()).toEqual(["1 1", "10 0", "11 1"]);
    expect(player.fill(words)).toBe(4);
    expect(Array.from(words)).toEqual([80, 80, 80, 85]);
    expect(player.rest()).toEqual(["21 1"]);
    expect(player.rest()).toEqual([]);
    expect(player.fill(words)).toBe(0);
  });
});
