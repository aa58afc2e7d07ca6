/** The guest's side of a live stream: puts runs, events and text into blocks, and waits where the run is behind. */
import { EventType } from "../../trace/events.ts";
import { BLOCK_EVENTS, BLOCK_RUNS, BLOCK_TEXT, type Channel, type LiveBlock } from "./channel.ts";

export class BlockWriter {
  readonly #channel: Channel;
  /** The block that is being filled, and its number in the stream. */
  #block: LiveBlock;
  #index: number;

  /** @param first number of the first block; waits until it may be filled */
  constructor(channel: Channel, first: number) {
    this.#channel = channel;
    this.#index = first;
    this.#block = channel.free(first);
  }

  /** The number of the block that is being filled. */
  get index(): number {
    return this.#index;
  }

  run(page: number, kind: number, length: number): void {
    const block = this.#block;
    const at = block.count++;
    block.pages[at] = page;
    block.kinds[at] = kind;
    block.lengths[at] = length;
    if (block.count === BLOCK_RUNS) this.close();
  }

  event(type: number, a: number, b = 0): void {
    const { count, events } = this.#block;
    events.add(count, type, a, b);
    if (events.count === BLOCK_EVENTS) this.close();
  }

  print(byte: number): void {
    const block = this.#block;
    block.text[block.textBytes++] = byte;
    if (block.textBytes === BLOCK_TEXT) this.close();
  }

  /** What was typed for the blocks so far, since the last time. */
  typed(): readonly (readonly number[])[] {
    return this.#channel.typedUpTo(this.#index);
  }

  /**
   * A step of the machine is over. What follows is in another block, and the guest waits until the run comes to it.
   * @param answer does what the run asks meanwhile
   */
  stepOver(answer: Parameters<Channel["standBy"]>[1]): void {
    this.event(EventType.whole, 0);
    if (!this.#isEmpty) this.close();
    this.#channel.standBy(this.#index, answer);
  }

  /** The block is done, and the next one begins. */
  close(): void {
    this.#channel.publish(this.#index);
    this.#index++;
    this.#block = this.#channel.free(this.#index);
  }

  /** The stream is done. */
  finish(): void {
    const isEmpty = this.#isEmpty;
    if (!isEmpty) this.#channel.publish(this.#index);
    this.#channel.end(this.#index + (isEmpty ? 0 : 1));
  }

  /** The stream is done, and the guest is there as long as somebody asks. */
  remain(answer: Parameters<Channel["standBy"]>[1]): void {
    this.#channel.standBy(Number.POSITIVE_INFINITY, answer);
  }

  get #isEmpty(): boolean {
    const { count, events, textBytes } = this.#block;
    return count === 0 && events.count === 0 && textBytes === 0;
  }
}
