/** Reads a log as it is stored: plain text or gzip, from a file or from standard input. */
import { addAbortSignal, pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../../src/errors.ts";
import { openStream } from "../../src/io/inputFile.ts";
import { codeOf, systemReason } from "../../src/io/systemError.ts";

const CHUNK_BYTES = 1 << 18;

export interface LogSource {
  /** The text, inflated if it was gzip. Throws UserError if it cannot be read. */
  readonly text: AsyncIterable<Buffer>;
  /** Size as stored; undefined if it is not known before the end. */
  readonly totalBytes: number | undefined;
  /** Bytes as stored that have been read so far. */
  readBytes(): number;
}

/**
 * @param path "-" is standard input
 * @param signal makes the text throw, even while it waits for input
 * @throws UserError if there is no such file, or it is not a plain one: a pipe is given as standard input
 */
export function openLog(path: string, signal?: AbortSignal): LogSource {
  const stream = openStream(path, CHUNK_BYTES);
  let read = 0;
  async function* stored(): AsyncGenerator<Buffer> {
    if (signal !== undefined) addAbortSignal(signal, stream.bytes);
    for await (const chunk of stream.bytes) {
      read += chunk.length;
      yield chunk;
    }
  }
  return { text: readable(path, stored()), totalBytes: stream.length, readBytes: () => read };
}

/** Text of stored bytes; errors become one clear line. */
async function* readable(path: string, stored: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* inflated(stored);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (codeOf(error).startsWith("Z_")) {
      throw new UserError(
        `${path}: the gzip data is damaged (${systemReason(error)}); to import what can be read: zcat LOG | trackvisor trace import - -o OUT`,
      );
    }
    throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}

async function* inflated(stored: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < 2) {
    const { value, done } = await stored.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield start;
    yield* stored;
  }
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // The error reaches the loop below, because the pipeline destroys the stream with it.
  pipeline(Readable.from(whole()), gunzip, () => {});
  yield* gunzip;
}
