/** Logs in memory, for tests. */

import { sourceOf } from "../../src/io/byteSource.ts";
import type { LogEntry } from "../../src/replay/decoder.ts";
import type { Divergence } from "../../src/replay/divergence.ts";
import type { LogHeader } from "../../src/replay/format.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { LogReader } from "../../src/replay/reader.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { LogWriter } from "../../src/replay/writer.ts";
import type { System } from "../../src/system/system.ts";

/** Records a run of a system that has delivered nothing yet. */
export function recordRun(
  system: System,
  run: (system: System) => void = (one) => one.run(50_000),
  blockBytes?: number,
): Buffer {
  const sink = new LogBuffer();
  const recorder = new Recorder(system, { scenario: null }, sink, blockBytes);
  run(system);
  recorder.finish();
  return sink.bytes;
}

export function readerOf(bytes: Buffer): LogReader {
  return new LogReader(sourceOf("test.tvlog", bytes));
}

export function entriesOf(reader: LogReader): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) entries.push(entry);
  return entries;
}

/** Replays a whole log; the first difference, or null. */
export function replayAll(bytes: Buffer, system: System): Divergence | null {
  const player = new Player(readerOf(bytes), system);
  for (;;) {
    const result = player.step();
    if (result === false) return null;
    if (result !== true) return result;
  }
}

/** A log of these entries, whatever they say, with all its checksums right. */
export function forgedLog(
  header: LogHeader,
  entries: readonly LogEntry[],
  blockBytes?: number,
): Buffer {
  const sink = new LogBuffer();
  const writer = new LogWriter(sink, header, blockBytes);
  for (const entry of entries) {
    if (entry.kind === "message") writer.message(entry.delivery, entry.posted, entry.digest);
    else if (entry.kind === "checkpoint") writer.checkpoint(entry.digests);
    else writer.intervention(entry.intervention);
  }
  writer.finish(true);
  return sink.bytes;
}
