/** Blocks of a live guest that were seen, coded, so that going back a little needs no guest. */
import { decodeEvents, EVENT_BYTES_MAX, EVENT_TYPES, encodeEvents } from "../../trace/events.ts";
import { RUN_BYTES_MAX } from "../../trace/format.ts";
import { decodeRuns, encodeRuns } from "../../trace/runs.ts";
import { BLOCK_EVENTS, BLOCK_RUNS, type LiveBlock } from "./channel.ts";

interface CodedBlock {
  readonly count: number;
  readonly runs: Uint8Array;
  readonly eventCount: number;
  readonly events: Uint8Array;
  readonly text: Uint8Array;
}

export class PastBlocks {
  readonly #budget: number;
  readonly #blocks = new Map<number, CodedBlock>();
  readonly #runs = new Uint8Array(BLOCK_RUNS * RUN_BYTES_MAX);
  readonly #events = new Uint8Array(BLOCK_EVENTS * EVENT_BYTES_MAX);
  #bytes = 0;

  /** @param budget bytes of memory; beyond it those that were seen first are forgotten */
  constructor(budget: number) {
    this.#budget = budget;
  }

  add(index: number, block: LiveBlock): void {
    if (this.#blocks.has(index)) return;
    const coded: CodedBlock = {
      count: block.count,
      runs: this.#runs.slice(0, encodeRuns(block, this.#runs)),
      eventCount: block.events.count,
      events: this.#events.slice(0, encodeEvents(block.events, this.#events)),
      text: block.text.slice(0, block.textBytes),
    };
    this.#blocks.set(index, coded);
    this.#bytes += sizeOf(coded);
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#budget || oldest === index) break;
      this.#drop(oldest);
    }
  }

  /** Whether it is there: then it is decoded into `block`. */
  get(index: number, block: LiveBlock): boolean {
    const coded = this.#blocks.get(index);
    if (coded === undefined) return false;
    const { count, runs, eventCount, events, text } = coded;
    const wrong =
      decodeRuns(runs, count, block) ??
      decodeEvents(events, eventCount, count, block.events, EVENT_TYPES);
    if (wrong !== undefined) throw new Error(`block ${index} was kept wrongly: ${wrong}`);
    block.text.set(text);
    block.textBytes = text.length;
    return true;
  }

  /** Those from this one on were never. */
  forgetFrom(index: number): void {
    for (const one of [...this.#blocks.keys()]) if (one >= index) this.#drop(one);
  }

  #drop(index: number): void {
    const coded = this.#blocks.get(index);
    if (coded === undefined) return;
    this.#bytes -= sizeOf(coded);
    this.#blocks.delete(index);
  }
}

/** With what a map and its objects take, roughly. */
function sizeOf({ runs, events, text }: CodedBlock): number {
  return runs.length + events.length + text.length + 512;
}
