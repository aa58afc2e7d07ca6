/** Reads a log as it is stored: plain text or gzip, from a file or from standard input. */
import { createReadStream, statSync } from "node:fs";
import { addAbortSignal, pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../../src/errors.ts";
import { systemReason } from "../../src/io/systemError.ts";

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
 * @throws UserError if there is no such file, or it is a directory.
 */
export function openLog(path: string, signal?: AbortSignal): LogSource {
  let size: number | undefined;
  if (path !== "-") {
    try {
      const status = statSync(path);
      if (status.isDirectory()) throw new UserError(`${path}: is a directory, not a log`);
      if (status.isFile()) size = status.size;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
    }
  }
  let read = 0;
  async function* stored(): AsyncGenerator<Buffer> {
    const stream: Readable =
      path === "-" ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
    if (signal !== undefined) addAbortSignal(signal, stream);
    for await (const chunk of stream) {
      read += chunk.length;
      yield chunk;
    }
  }
  return { text: readable(path, stored()), totalBytes: size, readBytes: () => read };
}

/** Text of stored bytes; errors become one clear line. */
async function* readable(path: string, stored: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* inflated(stored);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code.startsWith("Z_")) {
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
