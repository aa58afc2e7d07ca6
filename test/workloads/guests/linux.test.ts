/** A real Linux under every technique. Where none was prepared and none can be fetched, it is left out. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { TECHNIQUES } from "../../../src/hypervisor/techniques/all.ts";
import { buildSystem } from "../../../src/system/build.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import { summarize } from "../../../src/system/summary.ts";
import { linuxOf, linuxSchema } from "../../../workloads/generators/linux.ts";
import { keptPath } from "../../../workloads/guests/linux/image.ts";
import { liveLinux, loadLinux, recordLinux } from "../../../workloads/guests/linux/load.ts";
import { LiveBlock, type TypedText } from "../../../workloads/guests/live/channel.ts";
import { LiveStream, NOTHING_DONE } from "../../../workloads/guests/live/liveStream.ts";
import { PastBlocks } from "../../../workloads/guests/live/pastBlocks.ts";
import { createWorkload } from "../../../workloads/workloadKinds.ts";
import { IS_LONG } from "../../share.ts";
import { isPrepared } from "./preparedLinux.ts";
import { MD5, RUN } from "./sortingLinux.ts";

/** Fetching takes seconds, booting 13 s of processor time, and the commands below a few seconds each. */
const TIMEOUT = 600_000;

const config = (fields: object) => linuxSchema.parse({ kind: "linux", ...fields });

/** A hash of all accesses and what comes between them, and how many accesses. */
function streamOf(fields: object): string {
  const workload = createWorkload(config({ run: RUN, ...fields }), "guest");
  const hash = createHash("sha256");
  const block = new Int32Array(1 << 16);
  let accesses = 0;
  for (let count = workload.fill(block); count > 0; count = workload.fill(block)) {
    const { gap, lead, traced } = workload;
    hash.update(`${gap} ${lead} ${traced?.pending.slice(0, traced.state[1])}`);
    hash.update(block.subarray(0, count));
    if (traced !== undefined) traced.state[1] = 0;
    accesses += count;
  }
  hash.update(Int32Array.from(workload.traced?.translations ?? []));
  return `${hash.digest("hex")} of ${accesses}`;
}

/** Every block of a live guest. */
function blocksOf<Order, State>(
  stream: LiveStream<Order, State>,
  typed: readonly TypedText[] = [],
) {
  const blocks: string[] = [];
  for (;;) {
    const block = stream.block(blocks.length, {
      typed: typed.filter((one) => one.block < blocks.length + 20),
      moves: [],
    });
    if (block === undefined) return blocks;
    blocks.push(hashOf(block));
  }
}

function hashOf({ pages, lengths, kinds, count, events, text, textBytes }: LiveBlock): string {
  const hash = createHash("sha256");
  for (const array of [pages, lengths, kinds]) hash.update(array.subarray(0, count));
  for (const array of [events.a, events.b, events.at]) hash.update(array.subarray(0, events.count));
  return hash.update(text.subarray(0, textBytes)).digest("hex");
}

describe.skipIf(!isPrepared())(
  "a real Linux (trackvisor guest prepare linux)",
  { timeout: TIMEOUT },
  () => {
    it("comes to the right result under the tap, and to the same stream each time", () => {
      const guest = linuxOf(config({ run: RUN }));
      const path = keptPath("recording", guest.digest);
      rmSync(path, { force: true });
      const first = recordLinux(guest);
      expect(Buffer.from(first.console).toString()).toContain(`${MD5}  -\n[0] # `);
      expect(first.exitCode).toBe(0);
      // From the cache, and anew.
      expect(Buffer.compare(recordLinux(guest).trace, first.trace)).toBe(0);
      rmSync(path);
      expect(Buffer.compare(recordLinux(guest).trace, first.trace)).toBe(0);
      expect(first.flushes).toBeGreaterThan(100);
      // Each access has a linear page, but for the few that its processor makes without one.
      expect(first.physical / first.accesses).toBeLessThan(1e-4);
    });

    it.each(TECHNIQUES.filter((name) => name !== "none"))("loses no page under %s", (technique) => {
      const system = buildSystem(
        scenarioSchema.parse({
          name: "linux",
          vms: [{ paging: "off", workload: { kind: "linux", run: RUN, live: false } }],
          tracker: { technique },
        }),
      );
      system.run();
      const { harvests, failures, truth } = summarize(system);
      expect(failures).toEqual([]);
      expect(harvests.map(({ lostPages }) => lostPages)).toEqual([0]);
      expect(truth.pagesWritten).toBeGreaterThan(100);
    });

    it("says the exit code of a command that fails, and ends at a limit", () => {
      expect(recordLinux(linuxOf(config({ run: "sh -c 'exit 3'" }))).exitCode).toBe(3);
      const limited = recordLinux(
        linuxOf(config({ run: "while :; do :; done", instructions: 40e6 })),
      );
      expect(limited.exitCode).toBeUndefined();
      expect(limited.instructions).toBeGreaterThan(30e6);
    });

    it.skipIf(!IS_LONG)("is the same stream live and recorded, and live again", () => {
      const live = streamOf({ live: true });
      expect(live).toBe(streamOf({ live: false }));
      expect(live).toBe(streamOf({ live: true }));
    });

    it.skipIf(!IS_LONG)(
      "is run again from any state that it was in, and typed to on the way",
      () => {
        const request = { ...config({ run: RUN }), seed: 1, renewAfter: 3e6 };
        const stream = new LiveStream(liveLinux(loadLinux(request, ".")));
        stream.remember();
        const blocks = blocksOf(stream);
        const past = vi.spyOn(PastBlocks.prototype, "get").mockReturnValue(false);
        const again = (index: number): string =>
          hashOf(stream.block(index, NOTHING_DONE) ?? new LiveBlock());
        for (const index of [blocks.length - 1, blocks.length >> 1]) {
          expect(again(index)).toBe(blocks[index]);
        }
        past.mockRestore();
        const typed = [{ block: blocks.length >> 1, bytes: [...Buffer.from("echo hi\n")] }];
        const branch = blocksOf(stream, typed);
        expect(Buffer.from(stream.printed.upTo(Infinity)).toString()).toContain("echo hi\n");
        expect(branch.findIndex((block, i) => block !== blocks[i])).toBeGreaterThanOrEqual(
          blocks.length >> 1,
        );
        // Back to what was not typed.
        expect(blocksOf(stream)).toEqual(blocks);
      },
    );

    it("is typed to at its times", () => {
      const input = [{ after: 20e6, text: "hello\n" }];
      const { console } = recordLinux(linuxOf(config({ run: "read x; echo got $x", input })));
      expect(Buffer.from(console).toString()).toContain("got hello\n[0] # ");
    });
  },
);
