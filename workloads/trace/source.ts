/** Reads a log as it is stored: plain or compressed, from a file or from standard input. */
import { addAbortSignal, pipeline, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { UserError } from "../../src/errors.ts";
import { openStream } from "../../src/io/inputFile.ts";
import { codeOf, systemReason } from "../../src/io/systemError.ts";
import { ToolFailed, ToolMissing, through } from "../../src/io/systemTool.ts";

const CHUNK_BYTES = 1 << 18;

interface Compression {
  readonly name: string;
  readonly magic: Buffer;
  /** What Node.js has for it; undefined if it has nothing. */
  readonly library?: (() => Transform) | undefined;
  /** The system's program, and the package that has it in most systems. */
  readonly tool: {
    readonly program: string;
    readonly arguments: readonly string[];
    readonly from: string;
  };
}

/** Node.js has it since 22.15. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };

/** What people compress logs with, known by its first bytes. */
const COMPRESSIONS: readonly Compression[] = [
  {
    name: "gzip",
    magic: Buffer.from([0x1f, 0x8b]),
    library: () => zlib.createGunzip({ chunkSize: CHUNK_BYTES }),
    tool: { program: "gzip", arguments: ["-dc"], from: "gzip" },
  },
  {
    name: "xz",
    magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
    // The largest dictionary that xz -9 makes is of 64 MiB; a file can ask for 4 GiB.
    tool: { program: "xz", arguments: ["-dc", "--memlimit-decompress=256MiB"], from: "xz-utils" },
  },
  {
    name: "zstd",
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    library: createZstdDecompress,
    tool: { program: "zstd", arguments: ["-dcq"], from: "zstd" },
  },
  {
    name: "bzip2",
    magic: Buffer.from("BZh"),
    tool: { program: "bzip2", arguments: ["-dc"], from: "bzip2" },
  },
];
const MAGIC_BYTES = Math.max(...COMPRESSIONS.map(({ magic }) => magic.length));

export interface LogSource {
  /** The text, decompressed. Throws UserError if it cannot be read. */
  readonly text: AsyncIterable<Buffer>;
  /** Size as stored; undefined if it is not known before the end. */
  readonly totalBytes: number | undefined;
  /** Bytes as stored that have been read so far. */
  readBytes(): number;
}

/** What a log is called in messages. @param path "-" is standard input */
export function nameOfLog(path: string): string {
  return path === "-" ? "standard input" : path;
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
  return {
    text: readable(nameOfLog(path), stored()),
    totalBytes: stream.length,
    readBytes: () => read,
  };
}

/** Text of stored bytes; errors become one clear line. */
async function* readable(path: string, stored: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let compression: Compression | undefined;
  try {
    let start = Buffer.alloc(0);
    while (start.length < MAGIC_BYTES) {
      const { value, done } = await stored.next();
      if (done === true) break;
      start = Buffer.concat([start, value]);
    }
    compression = COMPRESSIONS.find(({ magic }) => start.subarray(0, magic.length).equals(magic));
    const whole = startedWith(start, stored);
    yield* compression === undefined ? whole : decompressed(compression, whole);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (compression !== undefined) refuse(path, compression, error);
    throw new UserError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}

async function* startedWith(start: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield start;
  yield* rest;
}

function decompressed(
  { library, tool }: Compression,
  stored: AsyncGenerator<Buffer>,
): AsyncIterable<Buffer> {
  if (library === undefined) return through(tool, stored);
  const stream = library();
  // The error reaches the reader, because the pipeline destroys the stream with it.
  pipeline(Readable.from(stored, { objectMode: false }), stream, () => {});
  return stream;
}

/** @throws UserError if it is the compression that is wrong */
function refuse(path: string, { name, tool }: Compression, error: unknown): void {
  if (error instanceof ToolMissing) {
    throw new UserError(
      `${path}: is compressed with ${name}, and there is no program ${tool.program}: install ${tool.from}`,
    );
  }
  const damaged = error instanceof ToolFailed || /^(Z_|ZSTD_|ERR_ZLIB)/.test(codeOf(error));
  if (!damaged) return;
  const command = [tool.program, ...tool.arguments].join(" ");
  throw new UserError(
    `${path}: the ${name} data is damaged (${systemReason(error)}); ` +
      `to import what can be read: ${command} < LOG | trackvisor trace import - -o OUT`,
  );
}
