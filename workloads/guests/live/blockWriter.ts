/** The guest's side of a live stream: puts runs, events and text into blocks, and waits where the run is behind. */
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

  /** The block is done, and the next one begins. */
  close(): void {
    this.#channel.publish(this.#index);
    this.#index++;
    this.#block = this.#channel.free(this.#index);
  }

  /** The stream is done. */
  finish(): void {
    const { count, events, textBytes } = this.#block;
    const isEmpty = count === 0 && events.count === 0 && textBytes === 0;
    if (!isEmpty) this.#channel.publish(this.#index);
    this.#channel.end(this.#index + (isEmpty ? 0 : 1));
  }
}
