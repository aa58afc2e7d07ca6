/** Makes the image of a Linux guest of Debian's packages: a kernel for 32 bits, busybox and SeaBIOS. */
import { filesOfPackages, type WantedFile } from "../../../src/io/debianPackages.ts";
import { type ImagePart, keepImage, type LinuxImage } from "./image.ts";
import { initrd } from "./initrd.ts";

/** Debian 12: the last one with a kernel for processors without PAE (6.1, supported to 2028). */
const SOURCE = {
  mirror: "http://deb.debian.org/debian",
  suite: "bookworm",
  architecture: "i386",
} as const;

const WANTED: readonly (WantedFile & {
  readonly part: "kernel" | "busybox" | "bios" | "vgaBios";
})[] = [
  { part: "kernel", package: "linux-image-686", path: /^boot\/vmlinuz-/ },
  { part: "busybox", package: "busybox-static", path: /^(usr\/)?bin\/busybox$/ },
  { part: "bios", package: "seabios", path: /\/seabios\/bios\.bin$/ },
  { part: "vgaBios", package: "seabios", path: /\/seabios\/vgabios-stdvga\.bin$/ },
];

/**
 * Fetches what is needed, and keeps it.
 * @param given parts that need not be fetched
 * @throws UserError, one line, if it cannot be fetched or written
 */
export function prepareLinux(
  given: Partial<Record<ImagePart, Uint8Array>>,
  note: (text: string) => void,
): LinuxImage {
  const wanted = WANTED.filter(
    ({ part }) => given[part === "busybox" ? "initrd" : part] === undefined,
  );
  const found = wanted.length === 0 ? [] : filesOfPackages(SOURCE, wanted, note);
  const partOf = (wished: (typeof WANTED)[number]["part"]): Uint8Array | undefined =>
    found[wanted.findIndex(({ part }) => part === wished)]?.bytes;
  const busybox = partOf("busybox");
  const none = new Uint8Array(0);
  const parts = {
    kernel: given.kernel ?? partOf("kernel") ?? none,
    initrd: given.initrd ?? (busybox === undefined ? none : initrd(busybox)),
    bios: given.bios ?? partOf("bios") ?? none,
    vgaBios: given.vgaBios ?? partOf("vgaBios") ?? none,
  };
  return keepImage(parts, [...new Set(found.map(({ from }) => from))]);
}
