/**
 * Component replay: one actor gets its recorded inbox, whatever it answers. Its outputs are compared with
 * those that were recorded, and the recorded ones are what the others get. So whoever edits a machine
 * sees what it does differently, every time, and not only the first consequence.
 */

import { UserError } from "../errors.ts";
import { type Delivery, messages as messageTable } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { System } from "../system/system.ts";
import type { LogEntry, MessageEntry } from "./decoder.ts";
import { type Divergence, sameMessage } from "./divergence.ts";
import { Player } from "./player.ts";
import type { LogReader } from "./reader.ts";
import { changedMachines } from "./rebuild.ts";

/** What an actor sent in answer to one message: recorded, and now. */
export interface OutputDifference {
  /** Number of the message that it answers, from 1. */
  readonly position: number;
  readonly input: Delivery;
  /** State before it, and after it now. */
  readonly before: string;
  readonly after: string;
  /** Null for one that was recorded as sent, but never delivered: its contents are not known. */
  readonly recorded: readonly (Delivery | null)[];
  readonly actual: readonly Delivery[];
}

export interface ComponentResult {
  /** Messages that the actor has received. */
  readonly received: number;
  /** The first of them, at most as many as were asked for, and how many there are in all. */
  readonly differences: readonly OutputDifference[];
  readonly differing: number;
  /** Another actor's difference, which ends the comparison. */
  readonly elsewhere: Divergence | null;
}

/**
 * @param log at its start
 * @param messages all messages of the same log
 * @param system built from its header, with nothing delivered yet
 * @param most differences to keep
 * @throws UserError if a message is about what this system does not have
 */
export function replayComponent(
  log: LogReader,
  messages: readonly MessageEntry[],
  system: System,
  name: string,
  most: number,
): ComponentResult {
  refuseOthers(log, messages, system);
  const changed = changedMachines(log.header, system);
  const tested = system.actor(name);
  const machine = tested.machine.id;
  /** All actors of an edited machine behave differently; only one is asked about. */
  const alike = system.actors.filter((one) => one.machine.id === machine).map(({ id }) => id);
  const { interconnect } = system;
  const bySequence = new Map(messages.map((entry) => [entry.delivery.sequence, entry.delivery]));
  const differences: OutputDifference[] = [];
  let [received, differing] = [0, 0];
  let posted = interconnect.sequence;
  let before = tested.value;
  const compare = (entry: MessageEntry): void => {
    const { delivery: input, position } = entry;
    const actual = postedBetween(system, posted, interconnect.sequence);
    const recorded = Array.from({ length: entry.posted - posted }, (_, i) => {
      return bySequence.get(posted + 1 + i) ?? null;
    });
    const same = sameOutputs(recorded, actual);
    if (!same) replacePosted(system, posted, entry.posted, recorded, actual);
    if (input.to !== tested.id) return;
    received++;
    const after = tested.value;
    if (!same && differing++ < most) {
      differences.push({ position: position + 1, input, before, after, recorded, actual });
    }
    before = after;
  };
  const onEntry = (entry: LogEntry): void => {
    if (entry.kind === "message") {
      if (alike.includes(entry.delivery.to)) compare(entry);
      posted = entry.posted;
    } else if (entry.kind === "intervention" && entry.intervention.kind !== "deliver") {
      posted = interconnect.sequence;
    }
  };
  const player = new Player(log, system, { except: [machine, ...changed], onEntry });
  let result = player.step();
  while (result === true) result = player.step();
  player.close();
  return { received, differences, differing, elsewhere: result === false ? null : result };
}

/** What was recorded is delivered here. @throws UserError if a message is about what this system does not have */
function refuseOthers(log: LogReader, entries: readonly MessageEntry[], system: System): void {
  const { census } = system;
  for (const { delivery, position } of entries) {
    const problem = messageTable.problemOf(delivery.message, census);
    if (problem === undefined) continue;
    throw new UserError(
      `${log.source.name}: message ${position + 1}, "${delivery.message.type}": ${problem}`,
    );
  }
}

/** What was posted after one number and up to another: nothing of it can have been delivered yet. */
function postedBetween({ interconnect }: System, after: number, to: number): Delivery[] {
  return interconnect
    .pending()
    .filter(({ sequence }) => sequence > after && sequence <= to)
    .sort((a, b) => a.sequence - b.sequence);
}

function sameOutputs(recorded: readonly (Delivery | null)[], actual: readonly Delivery[]): boolean {
  if (recorded.length !== actual.length) return false;
  return recorded.every((one, i) => {
    const other = itemAt(actual, i);
    if (one === null) return true;
    return (
      one.to === other.to && one.time === other.time && sameMessage(one.message, other.message)
    );
  });
}

/** Puts what was recorded in the place of what was posted now. */
function replacePosted(
  { interconnect }: System,
  after: number,
  sequence: number,
  recorded: readonly (Delivery | null)[],
  actual: readonly Delivery[],
): void {
  const { now, queue } = interconnect.save();
  const others = queue.filter((one) => one.sequence <= after);
  const instead = recorded.flatMap((one, i) => {
    const likely = actual[i];
    return one ?? (likely === undefined ? [] : [{ ...likely, sequence: after + 1 + i }]);
  });
  const all = [...others, ...instead].sort((a, b) => a.time - b.time || a.sequence - b.sequence);
  interconnect.restore({ now, sequence, queue: all });
}
