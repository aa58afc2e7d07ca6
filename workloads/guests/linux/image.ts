/**
 * What a Linux guest is booted from: a kernel, its first file system and a BIOS, kept in the user's cache with their
 * digests. `trackvisor guest prepare linux` puts them there; nothing of them comes with Trackvisor.
 */
import { itemAt } from "../../../src/lookup.ts";
import { ImageCache } from "../imageCache.ts";

export const IMAGE_PARTS = ["kernel", "initrd", "bios", "vgaBios"] as const;
export type ImagePart = (typeof IMAGE_PARTS)[number];

/** Raised when an image of before would not do any more. */
const IMAGE_VERSION = 1;
const cache = new ImageCache("linux", IMAGE_VERSION);

export interface LinuxImage {
  readonly parts: Readonly<Record<ImagePart, Uint8Array>>;
  /** Of all of it. */
  readonly digest: string;
  /** Where the parts are from, a line each. */
  readonly sources: readonly string[];
}

export function linuxCache(): string {
  return cache.directory();
}

/** @throws UserError if it cannot be written */
export function keepImage(
  parts: Readonly<Record<ImagePart, Uint8Array>>,
  sources: readonly string[],
): LinuxImage {
  const pieces = IMAGE_PARTS.map((name) => parts[name]);
  return { parts, digest: cache.keep(pieces, sources), sources };
}

/** @throws UserError if there is none, or it is damaged or of another version */
export function keptImage(): LinuxImage {
  const { pieces, digest, sources } = cache.kept(IMAGE_PARTS.length);
  const part = (name: ImagePart): Uint8Array => itemAt(pieces, IMAGE_PARTS.indexOf(name));
  const parts = {
    kernel: part("kernel"),
    initrd: part("initrd"),
    bios: part("bios"),
    vgaBios: part("vgaBios"),
  };
  return { parts, digest, sources };
}

/** Where a file of the cache is, by what it follows from. */
export function keptPath(kind: "state" | "recording", digest: string): string {
  return cache.directory(`${kind}-${digest.slice(0, 32)}`);
}
