/** Checkpoint files with other contents, whose checksums and commit records agree with them. */
import {
  BlockType,
  decodeCommit,
  encodeCommit,
  PREAMBLE_BYTES,
  STATE_PREFIX_BYTES,
} from "../../src/system/operations/checkpoint/format.ts";
import { encodeFrame, extendDigest } from "../../workloads/trace/format.ts";
import { framed, framesOf, type PlainFrame } from "./frames.ts";

/** A file in pieces: its header, the state of its last checkpoint, and all its blocks. */
export interface CheckpointPieces {
  readonly header: object;
  readonly state: object;
  /** Without the header, and without commit records' being right. */
  readonly blocks: readonly PlainFrame[];
}

export function piecesOf(bytes: Buffer): CheckpointPieces {
  const [head, ...blocks] = framesOf(bytes, PREAMBLE_BYTES);
  const from = blocks.findLastIndex(({ type }, i) => {
    return type === BlockType.commit && i < blocks.length - 1;
  });
  const state = blocks
    .slice(from + 1)
    .filter(({ type }) => type === BlockType.state)
    .map(({ payload }) => payload.subarray(STATE_PREFIX_BYTES));
  return {
    header: JSON.parse(head!.payload.toString("utf8")) as object,
    state: JSON.parse(Buffer.concat(state).toString("utf8")) as object,
    blocks,
  };
}

/** The file, with the last checkpoint's state replaced if one is given as text. */
export function forgedCheckpoint(
  bytes: Buffer,
  { header, blocks }: CheckpointPieces,
  state?: string,
): Buffer {
  const head = { type: BlockType.header, payload: Buffer.from(JSON.stringify(header)) };
  const all = state === undefined ? blocks : withState(blocks, state);
  return framed(bytes.subarray(0, PREAMBLE_BYTES), [head, ...recommitted(all)]);
}

function withState(blocks: readonly PlainFrame[], state: string): readonly PlainFrame[] {
  const first = blocks.findIndex(({ type }) => type === BlockType.state);
  const number = blocks[first]!.payload.subarray(0, STATE_PREFIX_BYTES);
  const payload = Buffer.concat([number, Buffer.from(state)]);
  const others = blocks.filter(({ type }) => type !== BlockType.state);
  return others.toSpliced(first, 0, { type: BlockType.state, payload });
}

/** Commit records that agree with the blocks before them. */
function recommitted(blocks: readonly PlainFrame[]): readonly PlainFrame[] {
  let [count, digest] = [0, 0];
  return blocks.map((block, i) => {
    if (block.type !== BlockType.commit) {
      // Numbered behind the header.
      const frame = encodeFrame(block.type, i + 1, block.payload);
      digest = extendDigest(digest, frame.readUInt32LE(12));
      count++;
      return block;
    }
    const record = decodeCommit(block.payload);
    const payload =
      record === undefined ? block.payload : encodeCommit({ ...record, blocks: count, digest });
    [count, digest] = [0, 0];
    return { type: block.type, payload };
  });
}
