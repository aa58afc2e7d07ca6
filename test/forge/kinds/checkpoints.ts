/** Checkpoint files, with a scenario that they are of. */

import { buildSystem } from "../../../src/system/build.ts";
import { BlockType, PREFIX_BYTES } from "../../../src/system/operations/checkpoint/format.ts";
import { MemorySink } from "../../../src/system/operations/checkpoint/sink.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import type { Random } from "../../../workloads/random.ts";
import { type CheckpointPieces, forgedCheckpoint, piecesOf } from "../checkpoint.ts";
import { mutate, mutateBytes, pick } from "../mutate.ts";
import { FILE, type Kind } from "./kind.ts";

const workload = { kind: "uniform", pages: 20, writeFraction: 0.5, accesses: 400, gap: 300 };

const scenario = {
  name: "two vCPUs on one CPU",
  machine: { cpus: 1, timeslice: "20us" },
  vms: [{ vcpus: 2, workload }],
  tracker: { technique: "pml" },
  operation: { kind: "checkpoint", mode: "stop", times: ["30us", "60us"] },
  until: "1ms",
};

interface StoredArray {
  data: string;
}

/** Words of memory, of queues, of workloads: any bits at all. */
function mutateWords(random: Random, state: object): void {
  const parts = Reflect.get(state, "parts") as readonly { arrays: Record<string, StoredArray> }[];
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const arrays = Object.values(pick(random, parts).arrays);
    const array = pick(random, arrays);
    const bytes = Buffer.from(array.data, "base64");
    if (bytes.length === 0) continue;
    const at = random.below(bytes.length >> 2) * 4;
    bytes.writeInt32LE(pick(random, [0, -1, 1, 2 ** 31 - 1, -(2 ** 31), random.next() | 0]), at);
    array.data = bytes.toString("base64");
  }
}

function forge(random: Random, bytes: Buffer, pieces: CheckpointPieces): Buffer {
  switch (random.below(5)) {
    case 0: {
      const header = structuredClone(pieces.header);
      mutate(random, header);
      return forgedCheckpoint(bytes, { ...pieces, header });
    }
    case 1: {
      const at = random.below(pieces.blocks.length);
      const blocks = pieces.blocks.map((block, i) => {
        if (i !== at || block.type === BlockType.commit) return block;
        const kept = random.below(3) > 0 ? PREFIX_BYTES : 0;
        const changed = mutateBytes(random, block.payload.subarray(kept));
        return { ...block, payload: Buffer.concat([block.payload.subarray(0, kept), changed]) };
      });
      return forgedCheckpoint(bytes, { ...pieces, blocks });
    }
    default: {
      const state = JSON.parse(JSON.stringify(pieces.state)) as object;
      if (random.below(2) === 0) mutateWords(random, state);
      else for (let n = 1 + random.below(2); n > 0; n--) mutate(random, state);
      return forgedCheckpoint(bytes, pieces, JSON.stringify(state));
    }
  }
}

export function checkpoints(): Kind {
  const sink = new MemorySink();
  buildSystem(scenarioSchema.parse(scenario), { checkpointSink: sink }).run();
  const { bytes } = sink;
  const pieces = piecesOf(bytes);
  return {
    name: "checkpoint",
    extension: ".ckpt",
    beside: { "of.yaml": JSON.stringify(scenario) },
    forge: (random) => forge(random, bytes, pieces),
    commands: [
      ["checkpoint", "info", FILE],
      ["checkpoint", "info", FILE, "--json"],
      ["checkpoint", "verify", FILE],
      ["run", "of.yaml", "--from-checkpoint", FILE],
      ["run", "of.yaml", "--from-checkpoint", FILE, "--json"],
      ["run", "of.yaml", "--from-checkpoint", FILE, "--checkpoint", "out.ckpt"],
    ],
  };
}
