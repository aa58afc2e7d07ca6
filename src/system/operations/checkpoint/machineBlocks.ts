/**
 * Coding of what blocks hold of a guest whose machine runs beside: the bytes of its pages, and the state of the machine
 * without them. Both start with checkpoint number and VM. Of pages follow their count, and for each its distance from the
 * page after the one before, and 1 and its bytes, or 0 if they all are 0; of a state which of its pieces it is, and that.
 */
import { Decoder, Encoder } from "./coding.ts";
import {
  BLOCK_BYTES,
  BlockType,
  encodePrefix,
  PAGE_BYTES,
  PREFIX_BYTES,
  type VmLayout,
} from "./format.ts";
import type { BlockSink } from "./pageBlocks.ts";

/** What a checkpoint has of such a guest. */
export interface GuestContents {
  /** A page's bytes; null: all are 0. */
  page(page: number): Uint8Array | null;
  /** Of the machine, without its memory. */
  readonly state: Uint8Array;
}

/** @param pages ascending */
export function encodeGuest(
  number: number,
  vm: number,
  guest: GuestContents,
  pages: Iterable<number>,
  sink: BlockSink,
): void {
  const encoder = new Encoder();
  let [entries, next] = [0, 0];
  const flush = (): void => {
    if (entries === 0) return;
    const prefix = encodePrefix(number, vm, entries);
    sink(BlockType.bytes, Buffer.concat([prefix, encoder.take()]));
    [entries, next] = [0, 0];
  };
  for (const page of pages) {
    if (encoder.length + PAGE_BYTES > BLOCK_BYTES) flush();
    encoder.number(page - next);
    next = page + 1;
    entries++;
    const bytes = guest.page(page);
    encoder.number(bytes === null ? 0 : 1);
    if (bytes !== null) encoder.bytes(bytes);
  }
  flush();
  for (let piece = 0; piece * BLOCK_BYTES < guest.state.length; piece++) {
    const bytes = guest.state.subarray(piece * BLOCK_BYTES, (piece + 1) * BLOCK_BYTES);
    sink(BlockType.machine, Buffer.concat([encodePrefix(number, vm, piece), bytes]));
  }
}

/** What a reader has found of such a guest so far: as the last checkpoint has it that was read. */
export class StoredGuest {
  readonly memory: Uint8Array;
  #pieces: Uint8Array[] = [];

  constructor({ pages }: VmLayout) {
    this.memory = new Uint8Array(PAGE_BYTES * pages);
  }

  get state(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }

  /** @returns whether it is the next one of its state; piece 0 begins a new one */
  addPiece(piece: number, bytes: Uint8Array): boolean {
    if (piece === 0) this.#pieces = [];
    if (piece !== this.#pieces.length) return false;
    this.#pieces.push(Uint8Array.from(bytes));
    return true;
  }
}

/** By VM; null: it has versions of its pages alone. Without any a reader only checks. */
export type StoredGuests = readonly (StoredGuest | null)[];

/** Checks a block, and puts what it holds into what is known of its VM. @returns why it makes no sense */
export function decodeGuest(
  type: number,
  payload: Buffer,
  layouts: readonly VmLayout[],
  guests: StoredGuests | null,
): string | undefined {
  const vm = payload.readUInt32LE(4);
  const layout = layouts[vm];
  if (layout?.bytes !== true) return "the VM has no machine";
  const guest = guests?.[vm] ?? undefined;
  const rest = payload.readUInt32LE(8);
  if (type === BlockType.machine) {
    const isNext = guest?.addPiece(rest, payload.subarray(PREFIX_BYTES)) ?? true;
    return isNext ? undefined : "a piece of the machine's state is missing";
  }
  const decoder = new Decoder(payload, PREFIX_BYTES);
  let page = -1;
  for (let entry = 0; entry < rest; entry++) {
    page += 1 + decoder.number();
    if (decoder.failed || page >= layout.pages) return "a page is impossible";
    const bytes = decoder.number() === 0 ? null : decoder.bytes(PAGE_BYTES);
    if (decoder.failed) break;
    if (bytes === null) guest?.memory.fill(0, PAGE_BYTES * page, PAGE_BYTES * (page + 1));
    else guest?.memory.set(bytes, PAGE_BYTES * page);
  }
  return decoder.failed || !decoder.ended ? "the bytes of a page are cut off" : undefined;
}
