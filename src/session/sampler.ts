/**
 * From a session to frames. A frame shares with the one before whatever has not changed (Immer), so that
 * a view can tell by identity whether it has anything to draw.
 */
import { produce } from "immer";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { readCounters } from "../hardware/counters.ts";
import { itemAt } from "../lookup.ts";
import { besideFrame } from "./besideFrame.ts";
import { burstsUnderWay } from "./bursts.ts";
import { consoleFrame } from "./consoleFrame.ts";
import type { CounterFrame, Frame, StreamEntry } from "./frame.ts";
import { heatFrame } from "./heatFrame.ts";
import { type ActorAsked, actorFrame, actorLines, messageFrame } from "./inspect.ts";
import { LaneSampler, type LanesRequest } from "./lanesFrame.ts";
import { cpuFrames, logFrames, vmFrames, waitingFrames } from "./machineFrame.ts";
import { MatchCounter } from "./matchCount.ts";
import { OBSERVED, observe } from "./observed.ts";
import { operationFrame } from "./operationFrame.ts";
import { pageFrame } from "./pageFrame.ts";
import { plotFrames } from "./plotsFrame.ts";
import type { Session } from "./session.ts";
import { lineOf, type StreamFilter } from "./streamFilter.ts";

/** What of the stream is asked for. */
export interface StreamRequest {
  /** Entries at most. */
  readonly rows: number;
  /** The last position to show; null = the present. */
  readonly end: number | null;
  readonly filter: StreamFilter | null;
}

/** What the screen can show: nothing else is made. */
export interface FrameRequest {
  readonly vm: number;
  /** Cells of the page map. */
  readonly cells: number;
  /** The page under the cursor of the map; null = there is no cursor. */
  readonly page: number | null;
  /** How often the map is magnified, each time by four, around that page. */
  readonly magnified: number;
  readonly stream: StreamRequest;
  readonly lanes: Omit<LanesRequest, "depth"> | null;
  /** Lines of the console of the VM's guest; null = none. */
  readonly console: number | null;
  /** Whether courses over time are. */
  readonly plots: boolean;
  /** Whether the run beside is. */
  readonly beside: boolean;
  readonly actor: ActorAsked | null;
  /** Position of the message in detail. */
  readonly message: number | null;
  /** How many messages back a filter may look. */
  readonly depth: number;
}

export class Sampler {
  readonly #session: Session;
  readonly #matches = new MatchCounter();
  readonly #lanes: LaneSampler;
  #last: Frame | null = null;

  constructor(session: Session) {
    this.#session = session;
    this.#lanes = new LaneSampler(session.system, session.ring);
  }

  /** The frame of now. */
  sample(request: FrameRequest): Frame {
    const next = this.#make(request);
    const last = this.#last;
    this.#last = last === null ? produce(next, () => {}) : share(last, next);
    return this.#last;
  }

  #make(request: FrameRequest): Frame {
    const session = this.#session;
    const { system, timeline, ring } = session;
    const { position } = timeline;
    const { filter } = request.stream;
    const logs = logFrames(system);
    return {
      scenario: session.name,
      time: system.interconnect.now,
      until: session.until,
      position,
      end: timeline.end,
      ended: session.ended,
      bursts: burstsUnderWay(system),
      cpus: cpuFrames(system),
      waiting: waitingFrames(system),
      logs,
      vms: vmFrames(system),
      heat: heatFrame(system, request, logs),
      page: request.page === null ? null : pageFrame(system, request.vm, request.page, logs),
      operation: operationFrame(system),
      counters: counterFrames(session),
      actors: actorLines(system),
      stream: streamOf(session, request),
      lanes:
        request.lanes === null
          ? null
          : this.#lanes.sample({ ...request.lanes, depth: request.depth }, position),
      console: request.console === null ? null : consoleFrame(system, request.vm, request.console),
      plots: request.plots ? plotFrames(session) : null,
      beside: request.beside ? besideFrame(session) : null,
      matches: filter === null ? null : this.#matches.count(ring, filter, position, request.depth),
      breakpoints: session.breakpointFrames(),
      damage: session.damage ?? null,
      counterexample: session.counterexample,
      actor: request.actor === null ? null : actorFrame(session, request.actor),
      message:
        request.message === null ? null : messageFrame(system, ring, request.message, position),
    };
  }
}

function counterFrames(session: Session): CounterFrame[] {
  const { now } = session.system.interconnect;
  const { history } = session;
  const values = observe(session.system);
  const all = session.system.world.vcpus.map(({ counters }) => readCounters(counters.values));
  const kept = OBSERVED.flatMap(({ name, counter }, i): CounterFrame[] => {
    if (counter === null) return [];
    const value = itemAt(values, i);
    const rate = history.rate(i, now, value) * CYCLES_PER_SECOND;
    return [{ name, value, rate, history: history.increments(i, now) }];
  });
  const walk = all.reduce((sum, one) => sum + one.walkCycles, 0);
  const guest = all.reduce((sum, one) => sum + one.guestCycles, 0);
  const share = walk + guest === 0 ? 0 : (100 * walk) / (walk + guest);
  return [...kept, { name: "walk time, %", value: share, rate: 0, history: [] }];
}

/** The last entries that pass the filter, in order. */
function streamOf({ ring, position }: Session, { stream, depth }: FrameRequest): StreamEntry[] {
  const { rows, end, filter } = stream;
  const found: StreamEntry[] = [];
  const last = Math.min(position, end ?? position);
  for (let at = last; at > 0 && found.length < rows && last - at < depth; at--) {
    const entry = ring.entry(at);
    if (entry === undefined) break;
    if (filter === null || filter.pattern.test(lineOf(entry)) !== filter.inverse) found.push(entry);
  }
  return found.reverse();
}

/** `next`, with each part that equals the last one's taken from there. */
function share(last: Frame, next: Frame): Frame {
  return produce(last, (draft) => {
    for (const [part, now] of Object.entries(next)) {
      if (!isSame(Reflect.get(last, part), now)) Reflect.set(draft, part, now);
    }
  });
}

/** Whether two pieces of plain data are the same all the way down. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other)) return false;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, i) => isSame(item, other[i]));
  }
  const keys = Object.keys(other);
  return (
    keys.length === Object.keys(one).length &&
    keys.every((key) => isSame(Reflect.get(one, key), Reflect.get(other, key)))
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
