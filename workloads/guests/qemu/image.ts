/**
 * What a Linux of 64 bits is booted from under QEMU, which has a BIOS of its own: Debian's kernel and a first file
 * system of busybox, kept in the user's cache. `trackvisor guest prepare linux64` puts them there.
 */
import { filesOfPackages, type WantedFile } from "../../../src/io/debianPackages.ts";
import { itemAt } from "../../../src/lookup.ts";
import { ImageCache } from "../imageCache.ts";
import { initrd } from "../linux/initrd.ts";

/** As `guest prepare` and `trace record` call it. */
export const LINUX64 = "linux64";

/** Raised when an image of before would not do any more. */
const IMAGE_VERSION = 1;
const cache = new ImageCache(LINUX64, IMAGE_VERSION);

/** Debian 12. */
const SOURCE = {
  mirror: "http://deb.debian.org/debian",
  suite: "bookworm",
  architecture: "amd64",
} as const;
const KERNEL: WantedFile = { package: "linux-image-amd64", path: /^boot\/vmlinuz-/ };
const BUSYBOX: WantedFile = { package: "busybox-static", path: /^(usr\/)?bin\/busybox$/ };

export interface Linux64Image {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  /** Where the parts are from, a line each. */
  readonly sources: readonly string[];
}

export function linux64Cache(): string {
  return cache.directory();
}

/**
 * Fetches what is not given, and keeps it.
 * @throws UserError, one line, if it cannot be fetched or written
 */
export function prepareLinux64(
  given: Partial<Record<"kernel" | "initrd", Uint8Array>>,
  note: (text: string) => void,
): Linux64Image {
  const wanted = [
    ...(given.kernel === undefined ? [KERNEL] : []),
    ...(given.initrd === undefined ? [BUSYBOX] : []),
  ];
  const found = wanted.length === 0 ? [] : filesOfPackages(SOURCE, wanted, note);
  const fetched = (file: WantedFile): Uint8Array => itemAt(found, wanted.indexOf(file)).bytes;
  const kernel = given.kernel ?? fetched(KERNEL);
  const first = given.initrd ?? initrd(fetched(BUSYBOX));
  const sources = found.map(({ from }) => from);
  cache.keep([kernel, first], sources);
  return { kernel, initrd: first, sources };
}

/** @throws UserError if there is none, or it is damaged or of another version */
export function keptLinux64(): Linux64Image {
  const { pieces, sources } = cache.kept(2);
  return { kernel: itemAt(pieces, 0), initrd: itemAt(pieces, 1), sources };
}
