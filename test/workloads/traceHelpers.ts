/** Traces in memory and on disk for the tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { AddressKind, Damage } from "../../workloads/trace/format.ts";
import { TraceReader } from "../../workloads/trace/reader.ts";
import { TraceWriter } from "../../workloads/trace/writer.ts";

export interface Run {
  readonly page: number;
  readonly kind: number;
  readonly length: number;
}

/** A directory of this test file, removed at its end. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-trace-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The bytes of a trace of these runs. */
export function encodeTrace(
  runs: readonly Run[],
  runsPerBlock?: number,
  command = "test",
  addresses: AddressKind = "linear",
): Buffer {
  const pieces: Uint8Array[] = [];
  const writer = new TraceWriter(
    (bytes) => pieces.push(Uint8Array.from(bytes)),
    () => ({ addresses, command }),
    runsPerBlock,
  );
  for (const { page, kind, length } of runs) writer.run(page, kind, length);
  writer.finish(0);
  return Buffer.concat(pieces);
}

export interface Decoded {
  readonly runs: Run[];
  readonly complete: boolean;
  readonly damage: Damage | undefined;
}

/** Everything that can be read of a trace with these bytes. Throws as the reader does. */
export function decodeTrace(path: string, bytes: Uint8Array): Decoded {
  writeFileSync(path, bytes);
  const reader = new TraceReader(path);
  try {
    const runs: Run[] = [];
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      for (let i = 0; i < block.count; i++) {
        const run = { page: block.pages[i]!, kind: block.kinds[i]!, length: block.lengths[i]! };
        runs.push(run);
      }
    }
    return { runs, complete: reader.end !== undefined, damage: reader.damage };
  } finally {
    reader.close();
  }
}
