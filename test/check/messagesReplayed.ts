/** A counterexample as a log, and the log in a new system. */
import { expect } from "vitest";
import { buildTargetSystem, type CheckTarget } from "../../src/check/catalogue.ts";
import { recordTrace } from "../../src/check/hypervisor/counterexampleLog.ts";
import { systemOfCheck } from "../../src/check/systemOfLog.ts";
import type { Trace } from "../../src/check/trace.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { LogReader } from "../../src/replay/reader.ts";

/** Drives the real system through a trace, replays the log of that, and returns the messages of both. */
export function messagesReplayed(target: CheckTarget, trace: Trace): number {
  const sink = new LogBuffer();
  const messages = recordTrace(buildTargetSystem(target)!, target, trace, sink);
  const log = new LogReader(sourceOf("counterexample", sink.bytes));
  const player = new Player(log, systemOfCheck(log.header.scenario)!);
  let result = player.step();
  while (result === true) result = player.step();
  expect(result).toBe(false);
  expect(player.position).toBe(messages);
  return messages;
}
