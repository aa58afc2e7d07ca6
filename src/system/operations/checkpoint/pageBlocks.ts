/**
 * Coding of what blocks of pages and of paging structures hold. Both start with checkpoint number, VM
 * and count; then for each page its distance from the page after the one before, and for data its
 * version, for a paging structure its words that are not 0: how many, and each with its distance.
 */
import { wordAt } from "../../../lookup.ts";
import { Decoder, Encoder } from "./coding.ts";
import { BLOCK_BYTES, BlockType, encodePrefix, PREFIX_BYTES, type VmLayout } from "./format.ts";
import { tableOffset, type VmImage } from "./vmImage.ts";

/** Takes a block's type and payload. */
export type BlockSink = (type: number, payload: Buffer) => void;

/** Writes the pages that are named, ascending, as the image has them. */
export function encodePages(
  number: number,
  vm: number,
  image: VmImage,
  pages: Iterable<number>,
  sink: BlockSink,
): void {
  const data = new BlockWriter(BlockType.pages, number, vm, sink);
  const tables = new BlockWriter(BlockType.tables, number, vm, sink);
  for (const page of pages) {
    const offset = tableOffset(image, page);
    if (offset < 0) {
      data.begin(page).number(wordAt(image.versions, page));
    } else {
      encodeWords(tables.begin(page), image.tables.subarray(offset, offset + image.tableWords));
    }
  }
  data.flush();
  tables.flush();
}

/** All pages of a VM, ascending. */
export function* allPages({ pages, firstTable, tables }: VmLayout): Iterable<number> {
  for (let page = 0; page < pages; page++) yield page;
  for (let table = 0; table < tables; table++) yield firstTable + table;
}

class BlockWriter {
  readonly #type: number;
  readonly #number: number;
  readonly #vm: number;
  readonly #sink: BlockSink;
  readonly #encoder = new Encoder();
  #entries = 0;
  #next = 0;

  constructor(type: number, number: number, vm: number, sink: BlockSink) {
    this.#type = type;
    this.#number = number;
    this.#vm = vm;
    this.#sink = sink;
  }

  begin(page: number): Encoder {
    if (this.#encoder.length > BLOCK_BYTES) this.flush();
    this.#encoder.number(page - this.#next);
    this.#next = page + 1;
    this.#entries++;
    return this.#encoder;
  }

  flush(): void {
    if (this.#entries === 0) return;
    const prefix = encodePrefix(this.#number, this.#vm, this.#entries);
    this.#sink(this.#type, Buffer.concat([prefix, this.#encoder.take()]));
    this.#entries = 0;
    this.#next = 0;
  }
}

function encodeWords(encoder: Encoder, words: Int32Array): void {
  encoder.number(words.reduce((used, word) => used + (word === 0 ? 0 : 1), 0));
  let next = 0;
  for (let i = 0; i < words.length; i++) {
    if (words[i] === 0) continue;
    encoder.number(i - next);
    encoder.number(wordAt(words, i));
    next = i + 1;
  }
}

/**
 * Checks a block and puts what it holds into the image of its VM; without images it only checks.
 * @returns the number of pages, or why the block makes no sense
 */
export function decodePages(
  type: number,
  payload: Buffer,
  layouts: readonly VmLayout[],
  tableWords: number,
  images: readonly VmImage[] | null,
): number | string {
  const vm = payload.readUInt32LE(4);
  const entries = payload.readUInt32LE(8);
  const layout = layouts[vm];
  if (layout === undefined) return "the VM does not exist";
  const [first, end] =
    type === BlockType.pages
      ? [0, layout.pages]
      : [layout.firstTable, layout.firstTable + layout.tables];
  const image = images?.[vm];
  const decoder = new Decoder(payload, PREFIX_BYTES);
  let page = -1;
  for (let entry = 0; entry < entries; entry++) {
    page += 1 + decoder.number();
    if (decoder.failed || page < first || page >= end) return "a page is impossible";
    if (type === BlockType.pages) {
      const version = decoder.number();
      if (image !== undefined) image.versions[page] = version;
    } else if (!decodeWords(decoder, tableWords, image?.tables, (page - first) * tableWords)) {
      return "the words of a page are impossible";
    }
  }
  return decoder.failed || !decoder.ended ? "the number of pages is wrong" : entries;
}

function decodeWords(
  decoder: Decoder,
  tableWords: number,
  tables: Int32Array | undefined,
  offset: number,
): boolean {
  const used = decoder.number();
  tables?.fill(0, offset, offset + tableWords);
  let at = -1;
  for (let i = 0; i < used; i++) {
    at += 1 + decoder.number();
    const word = decoder.number();
    if (decoder.failed || at >= tableWords) return false;
    if (tables !== undefined) tables[offset + at] = word;
  }
  return !decoder.failed;
}
