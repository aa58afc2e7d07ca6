/** An archive in cpio's "newc" form, which Linux unpacks as its first file system (Documentation/driver-api/early-userspace/buffer-format.rst). */

export interface ArchiveEntry {
  /** Without a slash at its beginning. */
  readonly name: string;
  /** Type and permissions, as st_mode has them. */
  readonly mode: number;
  readonly bytes: Uint8Array;
  /** Of a device file: its major and minor number. */
  readonly device?: readonly [number, number];
}

export const FileMode = {
  directory: 0o040755,
  program: 0o100755,
  file: 0o100644,
  characterDevice: 0o020600,
  link: 0o120777,
} as const;

const MAGIC = "070701";
const TRAILER = "TRAILER!!!";
const ALIGNMENT = 4;

/** @param entries directories before what is in them; times are 0 and owners root, so that the same files are the same bytes */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const pieces: Buffer[] = [];
  const all = [...entries, { name: TRAILER, mode: 0, bytes: new Uint8Array(0) }];
  for (const [i, entry] of all.entries()) {
    const { name, mode, bytes } = entry;
    const text = Buffer.from(`${name}\0`, "utf8");
    const [major, minor] = ("device" in entry ? entry.device : undefined) ?? [0, 0];
    const isTrailer = name === TRAILER;
    // Inode, mode, uid, gid, links, time, size, device of the file system, device, length of the name, checksum.
    const fields = [isTrailer ? 0 : i + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0];
    fields.push(major, minor, text.length, 0);
    const head = MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    pieces.push(padded(Buffer.concat([Buffer.from(head, "latin1"), text])), padded(bytes));
  }
  return Buffer.concat(pieces);
}

function padded(bytes: Uint8Array): Buffer {
  const rest = bytes.length % ALIGNMENT;
  return Buffer.concat([bytes, Buffer.alloc(rest === 0 ? 0 : ALIGNMENT - rest)]);
}
