/**
 * WASI preview 1 (wasi_snapshot_preview1.witx), as far as a guest needs it that computes and reads files: its clock
 * and its randomness are the host's virtual ones, its files can only be read, and it has no input and no network.
 */
import { GuestExit, type GuestHost } from "./host.ts";
import { DIRECTORY, Errno, FileType, type OpenFile, OpenFiles } from "./wasiFiles.ts";

export const WASI_MODULE = "wasi_snapshot_preview1";

type Call = (...values: number[]) => number;
type LongCall = (...values: (number | bigint)[]) => number;

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/** All rights: nothing that is forbidden depends on them. */
const ALL_RIGHTS = 0xffffffffffffffffn;
/** Path flags that ask for something to be made or changed. */
const CREATE = 1;
const MUST_BE_DIRECTORY = 2;
const EXCLUSIVE = 4;
const TRUNCATE = 8;
const DIRECTORY_ENTRY_BYTES = 24;
const EVENT_BYTES = 32;
const SUBSCRIPTION_BYTES = 48;
const CLOCK_IS_ABSOLUTE = 1;

/** The functions that a guest may import from `wasi_snapshot_preview1`, by name. */
export function wasiFunctions(host: GuestHost): Readonly<Record<string, Call | LongCall>> {
  const { spec } = host;
  const files = new OpenFiles(spec.files);
  return {
    ...texts(host, "args", [spec.name, ...spec.args]),
    ...texts(host, "environ", []),
    ...clock(host),
    ...contents(host, files),
    ...descriptors(host, files),
    ...directories(host, files),
    ...paths(host, files),
    ...refusing(files),
    random_get(address: number, length: number) {
      host.memory.setBytes(address, host.randomBytes(length));
      return Errno.success;
    },
    sched_yield: () => Errno.success,
    proc_exit(code: number): never {
      throw new GuestExit(code);
    },
  };
}

/** Arguments and environment: a table of addresses, and what they point to. */
function texts(host: GuestHost, name: string, values: readonly string[]): Record<string, Call> {
  const bytes = values.map((value) => Buffer.from(`${value}\0`, "utf8"));
  return {
    [`${name}_sizes_get`](count, size) {
      host.memory.setWord(count, bytes.length);
      host.memory.setWord(
        size,
        bytes.reduce((sum, { length }) => sum + length, 0),
      );
      return Errno.success;
    },
    [`${name}_get`](table, buffer) {
      let at = buffer;
      for (const [i, each] of bytes.entries()) {
        host.memory.setWord(table + 4 * i, at);
        host.memory.setBytes(at, each);
        at += each.length;
      }
      return Errno.success;
    },
  };
}

function clock(host: GuestHost): Record<string, LongCall> {
  /** Realtime is 0; the others begin with the guest. */
  const timeOf = (id: number): bigint => (id === 0 ? host.now() : host.elapsed());
  return {
    clock_res_get(id, address) {
      if (Number(id) > 3) return Errno.invalid;
      host.memory.setLong(Number(address), 1n);
      return Errno.success;
    },
    clock_time_get(id, _precision, address) {
      if (Number(id) > 3) return Errno.invalid;
      host.memory.setLong(Number(address), timeOf(Number(id)));
      return Errno.success;
    },
    poll_oneoff(subscriptions, events, count, written) {
      const { memory } = host;
      for (let i = 0; i < Number(count); i++) {
        const from = Number(subscriptions) + i * SUBSCRIPTION_BYTES;
        const to = Number(events) + i * EVENT_BYTES;
        const type = memory.word(from + 8) & 0xff;
        if (type === 0) {
          const timeout = memory.long(from + 24);
          const isAbsolute = (memory.word(from + 40) & CLOCK_IS_ABSOLUTE) !== 0;
          const wait = isAbsolute ? timeout - timeOf(memory.word(from + 16)) : timeout;
          if (wait > 0n) host.sleep(wait);
        }
        memory.setLong(to, memory.long(from));
        memory.setLong(to + 8, BigInt(type) << 16n);
        memory.setLong(to + 16, 0n);
        memory.setLong(to + 24, 0n);
      }
      memory.setWord(Number(written), Number(count));
      return Errno.success;
    },
  };
}

interface Piece {
  readonly address: number;
  readonly length: number;
}

/** Where a guest wants bytes, or has them (witx, "iovec"). */
function pieces(host: GuestHost, vectors: number, count: number): Piece[] {
  return Array.from({ length: count }, (_, i) => {
    const at = vectors + 8 * i;
    return { address: host.memory.word(at), length: host.memory.word(at + 4) };
  });
}

/** What is in files, and what is written to the guest's output. */
function contents(host: GuestHost, files: OpenFiles): Record<string, LongCall> {
  /** Reads a file from a position into the guest's pieces. @returns bytes read */
  const fill = (file: OpenFile, from: number, vectors: number, count: number): number => {
    let at = from;
    for (const { address, length } of pieces(host, vectors, count)) {
      const part = file.bytes.subarray(at, at + length);
      host.memory.setBytes(address, part);
      at += part.length;
      if (part.length < length) break;
    }
    return Math.max(0, at - from);
  };
  return {
    fd_read(descriptor, vectors, count, read) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      if (file.type === FileType.directory) return Errno.isDirectory;
      const got = fill(file, file.position, Number(vectors), Number(count));
      file.position += got;
      host.memory.setWord(Number(read), got);
      return Errno.success;
    },
    fd_pread(descriptor, vectors, count, offset, read) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      if (file.type !== FileType.regular) return Errno.notSeekable;
      const got = fill(file, Number(offset), Number(vectors), Number(count));
      host.memory.setWord(Number(read), got);
      return Errno.success;
    },
    fd_write(descriptor, vectors, count, written) {
      const number = Number(descriptor);
      if (files.at(number) === undefined) return Errno.badFile;
      if (number !== STANDARD_OUTPUT && number !== STANDARD_ERROR) return Errno.readOnly;
      let sum = 0;
      for (const { address, length } of pieces(host, Number(vectors), Number(count))) {
        host.write(host.memory.bytes(address, length));
        sum += length;
      }
      host.memory.setWord(Number(written), sum);
      return Errno.success;
    },
  };
}

/** What is open, and where it is read. */
function descriptors(host: GuestHost, files: OpenFiles): Record<string, LongCall> {
  return {
    fd_seek(descriptor, offset, whence, result) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      if (file.type !== FileType.regular) return Errno.notSeekable;
      const base = [0, file.position, file.bytes.length][Number(whence)];
      const position = (base ?? NaN) + Number(offset);
      if (!(position >= 0)) return Errno.invalid;
      file.position = position;
      host.memory.setLong(Number(result), BigInt(position));
      return Errno.success;
    },
    fd_tell(descriptor, result) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      if (file.type !== FileType.regular) return Errno.notSeekable;
      host.memory.setLong(Number(result), BigInt(file.position));
      return Errno.success;
    },
    fd_close: (descriptor) => (files.close(Number(descriptor)) ? Errno.success : Errno.badFile),
    fd_advise: () => Errno.success,
    fd_sync: () => Errno.success,
    fd_datasync: () => Errno.success,
    fd_renumber: () => Errno.notSupported,
    fd_fdstat_get(descriptor, address) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      const at = Number(address);
      host.memory.setLong(at, BigInt(file.type));
      host.memory.setLong(at + 8, ALL_RIGHTS);
      host.memory.setLong(at + 16, ALL_RIGHTS);
      return Errno.success;
    },
    fd_fdstat_set_flags: () => Errno.success,
    fd_fdstat_set_rights: () => Errno.success,
    fd_filestat_get(descriptor, address) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      status(host, file, Number(address));
      return Errno.success;
    },
  };
}

/** The one directory that there is. */
function directories(host: GuestHost, files: OpenFiles): Record<string, LongCall> {
  return {
    fd_prestat_get(descriptor, address) {
      if (Number(descriptor) !== DIRECTORY) return Errno.badFile;
      host.memory.setWord(Number(address), 0);
      host.memory.setWord(Number(address) + 4, 1);
      return Errno.success;
    },
    fd_prestat_dir_name(descriptor, address, length) {
      if (Number(descriptor) !== DIRECTORY) return Errno.badFile;
      if (Number(length) < 1) return Errno.invalid;
      host.memory.setBytes(Number(address), Buffer.from("/"));
      return Errno.success;
    },
    fd_readdir(descriptor, buffer, length, cookie, used) {
      const file = files.at(Number(descriptor));
      if (file === undefined) return Errno.badFile;
      if (file.type !== FileType.directory) return Errno.notDirectory;
      const entries = Buffer.concat(
        files.names.slice(Number(cookie)).map((name, i) => entry(name, Number(cookie) + i)),
      );
      const part = entries.subarray(0, Number(length));
      host.memory.setBytes(Number(buffer), part);
      host.memory.setWord(Number(used), part.length);
      return Errno.success;
    },
  };
}

function entry(name: string, index: number): Buffer {
  const text = Buffer.from(name, "utf8");
  const head = Buffer.alloc(DIRECTORY_ENTRY_BYTES);
  head.writeBigUInt64LE(BigInt(index + 1), 0);
  head.writeBigUInt64LE(BigInt(DIRECTORY + 1 + index), 8);
  head.writeUInt32LE(text.length, 16);
  head.writeUInt8(FileType.regular, 20);
  return Buffer.concat([head, text]);
}

function paths(host: GuestHost, files: OpenFiles): Record<string, LongCall> {
  const find = (path: number | bigint | undefined, length: number | bigint | undefined) =>
    files.find(host.memory.text(Number(path), Number(length)));
  return {
    path_open(_directory, _lookup, path, length, flags, _rights, _inheriting, _fdFlags, result) {
      const file = find(path, length);
      const wished = Number(flags);
      if (file === undefined) return (wished & CREATE) !== 0 ? Errno.readOnly : Errno.noEntry;
      if ((wished & (EXCLUSIVE | TRUNCATE)) !== 0) return Errno.readOnly;
      if ((wished & MUST_BE_DIRECTORY) !== 0 && file.type !== FileType.directory) {
        return Errno.notDirectory;
      }
      host.memory.setWord(Number(result), files.open(file));
      return Errno.success;
    },
    path_filestat_get(_directory, _lookup, path, length, address) {
      const file = find(path, length);
      if (file === undefined) return Errno.noEntry;
      status(host, file, Number(address));
      return Errno.success;
    },
    path_readlink(_directory, path, length) {
      return find(path, length) === undefined ? Errno.noEntry : Errno.invalid;
    },
  };
}

/** What would change files. */
function refusing(files: OpenFiles): Record<string, LongCall> {
  const ofDescriptor: LongCall = (descriptor) =>
    files.at(Number(descriptor)) === undefined ? Errno.badFile : Errno.readOnly;
  const names = [
    "fd_allocate",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pwrite",
    "path_create_directory",
    "path_filestat_set_times",
    "path_link",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
  ];
  return Object.fromEntries(names.map((name) => [name, ofDescriptor]));
}

/** A file's status: 64 bytes (witx, "filestat"). Nothing in it depends on this host. */
function status(host: GuestHost, { type, bytes, inode }: OpenFile, address: number): void {
  const fields = [0n, BigInt(inode), BigInt(type), 1n, BigInt(bytes.length), 0n, 0n, 0n];
  for (const [i, field] of fields.entries()) host.memory.setLong(address + 8 * i, field);
}
