/**
 * What a Linux guest is booted from: a kernel, its first file system and a BIOS, kept in the user's cache with their
 * digests. `trackvisor guest prepare linux` puts them there; nothing of them comes with Trackvisor.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { UserError } from "../../../src/errors.ts";
import { cacheDirectory } from "../../../src/io/cacheDirectory.ts";
import { readKept, writeKept } from "../../../src/io/keptFile.ts";

export const IMAGE_PARTS = ["kernel", "initrd", "bios", "vgaBios"] as const;
export type ImagePart = (typeof IMAGE_PARTS)[number];

/** Raised when an image of before would not do any more. */
const IMAGE_VERSION = 1;

export interface LinuxImage {
  readonly parts: Readonly<Record<ImagePart, Uint8Array>>;
  /** Of all of it. */
  readonly digest: string;
  /** Where the parts are from, a line each. */
  readonly sources: readonly string[];
}

const aboutSchema = z
  .object({
    version: z.int(),
    lengths: z.array(z.int()).default([]),
    digest: z.string().default(""),
    sources: z.array(z.string()).readonly().default([]),
  })
  .readonly();

export function linuxCache(...parts: readonly string[]): string {
  return cacheDirectory("guests", "linux", ...parts);
}

const PATH = (): string => linuxCache("image");

/** @throws UserError if it cannot be written */
export function keepImage(
  parts: Readonly<Record<ImagePart, Uint8Array>>,
  sources: readonly string[],
): LinuxImage {
  const bytes = Buffer.concat(IMAGE_PARTS.map((name) => parts[name]));
  const digest = createHash("sha256").update(bytes).digest("hex");
  const lengths = IMAGE_PARTS.map((name) => parts[name].length);
  const about: z.output<typeof aboutSchema> = { version: IMAGE_VERSION, lengths, digest, sources };
  writeKept(PATH(), { about, bytes });
  return { parts, digest, sources };
}

/** @throws UserError if there is none, or it is damaged or of another version */
export function keptImage(): LinuxImage {
  const kept = readKept(PATH(), aboutSchema);
  const prepare = "trackvisor guest prepare linux";
  if (kept === undefined) throw new UserError(`there is no Linux to boot yet: ${prepare}`);
  const { version, lengths, digest, sources } = kept.about;
  if (version !== IMAGE_VERSION) {
    throw new UserError(`${PATH()}: of another version of the program: ${prepare}`);
  }
  let at = 0;
  const pieces = lengths.map((length) => {
    at += length;
    return kept.bytes.subarray(at - length, at);
  });
  const isSound = createHash("sha256").update(kept.bytes).digest("hex") === digest;
  const [kernel, initrd, bios, vgaBios] = pieces;
  if (!isSound || !kernel || !initrd || !bios || !vgaBios) {
    throw new UserError(`${PATH()}: damaged: ${prepare}`);
  }
  return { parts: { kernel, initrd, bios, vgaBios }, digest, sources };
}

/** Where a file of the cache is, by what it follows from. */
export function keptPath(kind: "state" | "recording", digest: string): string {
  return join(linuxCache(), `${kind}-${digest.slice(0, 32)}`);
}
