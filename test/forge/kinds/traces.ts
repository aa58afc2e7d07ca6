/** Traces of programs: blocks of runs that say anything, and totals that agree with them or do not. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Random } from "../../../workloads/random.ts";
import {
  decodeTotals,
  encodeFrame,
  encodeHeader,
  encodeTotals,
  extendDigest,
  FrameType,
  PREAMBLE_BYTES,
  RUNS_PREFIX_BYTES,
} from "../../../workloads/trace/format.ts";
import { TraceWriter } from "../../../workloads/trace/writer.ts";
import { framed, framesOf, type PlainFrame } from "../frames.ts";
import { ESCAPES, mutateBytes, pick } from "../mutate.ts";
import { FILE, type Kind } from "./kind.ts";

const RUNS = 60;
const RUNS_PER_BLOCK = 20;

function small(command: string): Buffer {
  const pieces: Uint8Array[] = [];
  const writer = new TraceWriter(
    (bytes) => pieces.push(Uint8Array.from(bytes)),
    () => ({ addresses: "linear", command }),
    RUNS_PER_BLOCK,
  );
  for (let i = 0; i < RUNS; i++) writer.run((i * i) % 23, i % 4, 1 + (i % 5));
  writer.finish(2);
  return Buffer.concat(pieces);
}

function withRuns(random: Random, { type, payload }: PlainFrame): PlainFrame {
  const runs = inflateRawSync(payload.subarray(RUNS_PREFIX_BYTES));
  const changed = random.below(8) === 0 ? Buffer.alloc(60_000) : mutateBytes(random, runs);
  const prefix = Buffer.from(payload.subarray(0, RUNS_PREFIX_BYTES));
  if (random.below(4) > 0) prefix.writeUInt32LE(changed.length, 4);
  if (random.below(3) === 0) prefix.writeUInt32LE(pick(random, [0, 65_536, 2 ** 32 - 1, 21]), 0);
  if (random.below(3) === 0) prefix.writeBigUInt64LE(pick(random, [0n, 2n ** 63n, 60n]), 8);
  const raw = random.below(10) === 0 ? changed : deflateRawSync(changed);
  return { type, payload: Buffer.concat([prefix, raw]) };
}

function forge(random: Random, bytes: Buffer): Buffer {
  const [head, ...frames] = framesOf(bytes, PREAMBLE_BYTES);
  const at = random.below(frames.length + 1) - 1;
  let first = head!;
  if (at < 0) {
    const command = pick(random, [ESCAPES, "x".repeat(5000), "\u202e", ""]);
    const payload =
      random.below(2) === 0
        ? encodeHeader({ addresses: "linear", command })
        : mutateBytes(random, first.payload);
    first = { ...first, payload };
  }
  let digest = 0;
  const changed = frames.map((frame, i): PlainFrame => {
    if (frame.type === FrameType.end) {
      const totals = decodeTotals(frame.payload)!;
      if (i !== at) return { ...frame, payload: encodeTotals({ ...totals, digest }) };
      const field = pick(random, ["runs", "pages", "regions", "skippedLines"] as const);
      const value = pick(random, [0, 1, 2 ** 31, 2 ** 53 - 1]);
      return { ...frame, payload: encodeTotals({ ...totals, digest, [field]: value }) };
    }
    const now = i === at ? withRuns(random, frame) : frame;
    digest = extendDigest(digest, encodeFrame(now.type, i + 1, now.payload).readUInt32LE(12));
    return now;
  });
  return framed(bytes.subarray(0, PREAMBLE_BYTES), [first, ...changed]);
}

export function traces(): Kind {
  const bytes = small("ls -l");
  const playing = {
    name: "plays a trace",
    vms: [{ workload: { kind: "trace", file: "forged.tvtrace" } }],
    tracker: { technique: "pml" },
    operation: { kind: "measure", harvest: "50us" },
    until: "1ms",
  };
  return {
    name: "trace",
    extension: ".tvtrace",
    beside: { "plays.yaml": JSON.stringify(playing) },
    forge: (random) => forge(random, bytes),
    commands: [
      ["trace", "info", FILE],
      ["trace", "info", FILE, "--json"],
      ["trace", "head", FILE],
      ["trace", "head", FILE, "--json"],
      ["run", "plays.yaml"],
      ["run", "--trace", FILE, "--until", "50us"],
    ],
  };
}
