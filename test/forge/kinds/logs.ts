/** Message logs: of scenarios, and counterexamples of the checker. */
import { Buffer } from "node:buffer";
import { sourceOf } from "../../../src/io/byteSource.ts";
import type { LogEntry } from "../../../src/replay/decoder.ts";
import {
  BLOCK_PREFIX_BYTES,
  encodeEnd,
  FrameType,
  type LogHeader,
  PREAMBLE_BYTES,
} from "../../../src/replay/format.ts";
import { LogBuffer } from "../../../src/replay/logFile.ts";
import { LogReader } from "../../../src/replay/reader.ts";
import { originOf } from "../../../src/replay/rebuild.ts";
import { Recorder } from "../../../src/replay/recorder.ts";
import { buildSystem } from "../../../src/system/build.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import type { Random } from "../../../workloads/random.ts";
import { encodeFrame, extendDigest } from "../../../workloads/trace/format.ts";
import { forgedLog } from "../../replay/logs.ts";
import { framed, framesOf, type PlainFrame } from "../frames.ts";
import { hostileValue, mutate, mutateBytes, pick } from "../mutate.ts";
import { FILE, type Kind } from "./kind.ts";

const BLOCK_BYTES = 600;

const vm = {
  workload: { kind: "uniform", pages: 24, writeFraction: 0.5, accesses: 300, gap: 300 },
};

const scenarios: readonly object[] = [
  {
    name: "pml",
    machine: { logEntries: 8 },
    vms: [vm],
    tracker: { technique: "pml" },
    operation: { kind: "measure", harvest: "40us" },
  },
  {
    name: "two VMs on one CPU",
    machine: { cpus: 1, logEntries: 8, timeslice: "30us" },
    vms: [{ ...vm, paging: "off", vcpus: 2 }, vm],
    tracker: { technique: "writeProtect" },
    operation: { kind: "measure", harvest: "50us" },
  },
  {
    name: "prl",
    machine: { logEntries: 8 },
    vms: [vm],
    tracker: { technique: "prl" },
    operation: { kind: "measure", harvest: "50us" },
  },
  {
    name: "migration",
    vms: [vm],
    tracker: { technique: "pml" },
    operation: { kind: "migrate", start: "20us", link: { bandwidth: "10Gbit/s" }, settle: "20us" },
  },
];

interface Base {
  readonly bytes: Buffer;
  readonly header: LogHeader;
  readonly entries: readonly LogEntry[];
}

function baseOf(bytes: Buffer): Base {
  const reader = new LogReader(sourceOf("base", bytes));
  const entries: LogEntry[] = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) entries.push(entry);
  return { bytes, header: reader.header, entries };
}

/** A run with everything in it that can be done from outside. */
function recorded(fields: object): Buffer {
  const scenario = scenarioSchema.parse(fields);
  const system = buildSystem(scenario);
  const sink = new LogBuffer();
  const recorder = new Recorder(system, originOf(scenario, "."), sink, BLOCK_BYTES);
  system.run(12);
  system.command("pcpu0/mmu", { type: "kick" });
  system.intervene({ kind: "access", vcpu: 0, page: 1, access: "write" });
  system.intervene({ kind: "reseed", seed: 5 });
  system.run(9);
  const [first] = system.interconnect.pending();
  if (first !== undefined) {
    system.intervene({ kind: "postpone", sequence: first.sequence, cycles: 10 });
    system.intervene({ kind: "deliver", sequence: first.sequence });
  }
  system.command("scheduler", { type: "pauseVcpu", vcpu: 0 });
  system.command("scheduler", { type: "unpauseVcpu", vcpu: 0 }, 1000);
  system.run(400);
  recorder.finish();
  return sink.bytes;
}

/** Interventions of every kind, right in form; whether they can be done is another question. */
function someIntervention(random: Random, { entries, header }: Base): object {
  const sequence = random.below(entries.length);
  switch (random.below(7)) {
    case 0:
      return { kind: "deliver", sequence };
    case 1:
      return { kind: "skip", sequence };
    case 2:
      return { kind: "postpone", sequence, cycles: random.below(100_000) };
    case 3:
      return { kind: "access", vcpu: 0, page: random.below(24), access: "write" };
    default: {
      // Any message that was sent, to anybody.
      const sent = entries.filter((entry) => entry.kind === "message");
      const { message } = pick(random, sent).delivery;
      return {
        kind: "command",
        to: 1 + random.below(header.actors.length),
        delay: random.below(3),
        message,
      };
    }
  }
}

function withEntries(random: Random, base: Base): readonly LogEntry[] {
  let entries = [...base.entries];
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(entries.length);
    const entry = entries[at]!;
    switch (random.below(6)) {
      case 0:
        entries.splice(at, 1 + random.below(3));
        break;
      case 1:
        entries.splice(at, 0, pick(random, base.entries));
        break;
      case 2:
      case 3: {
        const { position } = entry;
        const intervention = someIntervention(random, base);
        if (random.below(3) === 0) mutate(random, intervention);
        entries.splice(at, 0, { kind: "intervention", position, intervention } as LogEntry);
        break;
      }
      default: {
        const changed = JSON.parse(JSON.stringify(entry)) as LogEntry;
        if (changed.kind === "message") mutate(random, pick(random, [changed.delivery, changed]));
        else if (changed.kind === "intervention") mutate(random, changed.intervention);
        else mutate(random, changed);
        // The writer finds a message's shape by its receiver's number.
        const isWritable = changed.kind !== "message" || Number.isInteger(changed.delivery.to);
        if (changed.kind === entry.kind && isWritable) entries = entries.with(at, changed);
      }
    }
  }
  return entries;
}

/** Blocks with other bytes, whose digests and end marker agree with them. */
function withBytes(random: Random, { bytes, entries }: Base): Buffer {
  const [head, ...frames] = framesOf(bytes, PREAMBLE_BYTES);
  const at = random.below(frames.length);
  const isPrefixKept = random.below(4) > 0;
  let digest = 0;
  const changed = frames.map((frame, i): PlainFrame => {
    let { payload } = frame;
    if (frame.type === FrameType.end) {
      const messages = entries.filter(({ kind }) => kind === "message").length;
      payload = encodeEnd({ messages, time: 0, digest, complete: random.below(2) === 0 });
    } else {
      const kept = isPrefixKept ? BLOCK_PREFIX_BYTES : 0;
      if (i === at) {
        payload = Buffer.concat([
          payload.subarray(0, kept),
          mutateBytes(random, payload.subarray(kept)),
        ]);
      }
      if (payload.length >= BLOCK_PREFIX_BYTES) payload.writeUInt32LE(digest, 16);
      digest = extendDigest(digest, encodeFrame(frame.type, i + 1, payload).readUInt32LE(12));
    }
    return { type: frame.type, payload };
  });
  return framed(bytes.subarray(0, PREAMBLE_BYTES), [head!, ...changed]);
}

function forgeFrom(random: Random, base: Base): Buffer {
  for (;;) {
    try {
      switch (random.below(4)) {
        case 0: {
          const header = JSON.parse(JSON.stringify(base.header)) as LogHeader;
          mutate(random, pick(random, [header, header.scenario as object]));
          return forgedLog(header, base.entries, BLOCK_BYTES);
        }
        case 1:
          return withBytes(random, base);
        default:
          return forgedLog(base.header, withEntries(random, base), BLOCK_BYTES);
      }
    } catch {
      // It cannot even be written: another one.
      hostileValue(random);
    }
  }
}

const COMMANDS: Kind["commands"] = [
  ["replay", FILE],
  ["replay", FILE, "--json"],
  ["replay", FILE, "--until", "50"],
  ["replay", FILE, "--component", "vcpu0"],
  ["replay", FILE, "--component", "scheduler", "--json"],
  ["replay", FILE, "--bisect", "base.tvlog"],
  ["log", "show", FILE],
  ["log", "show", FILE, "--from", "20", "--count", "500", "--json"],
  ["log", "stats", FILE],
  ["log", "stats", FILE, "--json"],
  ["log", "grep", FILE, "--type", "vmExit"],
  ["log", "grep", FILE, "--actor", "vcpu0", "--json"],
  ["log", "diff", FILE, "base.tvlog"],
  ["log", "export", FILE, "--format", "jsonl"],
  ["log", "export", FILE, "--format", "mermaid", "--count", "100"],
  ["log", "export", FILE, "--format", "perfetto"],
  ["log", "branch", FILE, "--at", "20"],
  ["log", "branch", FILE, "--at", "30", "-o", "out.tvlog"],
  ["log", "inevitable", FILE, "--expect", "noLostPage", "--points", "1", "--draws", "1"],
  [
    "log",
    "shrink",
    FILE,
    "--expect",
    "ends",
    "--runs",
    "2",
    "-o",
    "out.tvlog",
    "--scenario",
    "out.yaml",
  ],
  ["tui", FILE, "--once"],
  ["tui", FILE, "--json"],
  ["tui", FILE, "--log"],
  ["tui", FILE, "--once", "--at", "#20"],
];

export function logs(): Kind {
  const bases = scenarios.map((scenario) => baseOf(recorded(scenario)));
  return {
    name: "log",
    extension: ".tvlog",
    beside: { "base.tvlog": bases[0]!.bytes },
    forge: (random) => forgeFrom(random, pick(random, bases)),
    commands: COMMANDS,
  };
}

/** @param bytes logs that `trackvisor check --log` has written */
export function counterexamples(bytes: readonly Buffer[]): Kind {
  const bases = bytes.map(baseOf);
  return {
    name: "counterexample",
    extension: ".tvlog",
    beside: { "base.tvlog": bytes[0]! },
    forge: (random) => forgeFrom(random, pick(random, bases)),
    commands: COMMANDS,
  };
}
