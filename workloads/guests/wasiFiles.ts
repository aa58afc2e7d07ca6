/** The files of a WASI guest: its console, and a directory of files that it can read. */
import type { GuestFile } from "./spec.ts";

/** Error numbers of WASI preview 1 (witx, "errno"). */
export const Errno = {
  success: 0,
  badFile: 8,
  invalid: 28,
  isDirectory: 31,
  noEntry: 44,
  notDirectory: 54,
  notSupported: 58,
  notPermitted: 63,
  readOnly: 69,
  notSeekable: 70,
} as const;

/** File types (witx, "filetype"). */
export const FileType = { character: 2, directory: 3, regular: 4 } as const;

export interface OpenFile {
  readonly type: (typeof FileType)[keyof typeof FileType];
  /** Of a regular file. */
  readonly bytes: Uint8Array;
  /** A number that tells files apart. */
  readonly inode: number;
  position: number;
}

/** Descriptors 0, 1 and 2 are the console; 3 is the directory, "/". */
export const DIRECTORY = 3;
const NOTHING = new Uint8Array(0);

export class OpenFiles {
  readonly names: readonly string[];
  readonly #files: readonly GuestFile[];
  readonly #open = new Map<number, OpenFile>();

  constructor(files: readonly GuestFile[]) {
    this.#files = files;
    this.names = files.map(({ name }) => name);
    for (const descriptor of [0, 1, 2]) {
      const type = FileType.character;
      this.#open.set(descriptor, { type, bytes: NOTHING, inode: descriptor, position: 0 });
    }
    this.#open.set(DIRECTORY, this.#directory());
  }

  at(descriptor: number): OpenFile | undefined {
    return this.#open.get(descriptor);
  }

  /** A file or the directory by its path from the directory; undefined if there is none. */
  find(path: string): OpenFile | undefined {
    const name = path
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    if (name === "") return this.#directory();
    const index = this.names.indexOf(name);
    const file = this.#files[index];
    if (file === undefined) return undefined;
    const inode = DIRECTORY + 1 + index;
    return { type: FileType.regular, bytes: file.bytes, inode, position: 0 };
  }

  /** @returns the lowest descriptor that is free */
  open(file: OpenFile): number {
    let descriptor = DIRECTORY + 1;
    while (this.#open.has(descriptor)) descriptor++;
    this.#open.set(descriptor, file);
    return descriptor;
  }

  close(descriptor: number): boolean {
    return this.#open.delete(descriptor);
  }

  #directory(): OpenFile {
    return { type: FileType.directory, bytes: NOTHING, inode: DIRECTORY, position: 0 };
  }
}
