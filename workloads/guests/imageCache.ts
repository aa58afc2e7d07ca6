/** What a whole guest is booted from, kept in the user's cache with its digest; `trackvisor guest prepare` puts it there. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { UserError } from "../../src/errors.ts";
import { cacheDirectory } from "../../src/io/cacheDirectory.ts";
import { readKept, writeKept } from "../../src/io/keptFile.ts";

const aboutSchema = z
  .object({
    version: z.int(),
    lengths: z.array(z.int()).default([]),
    digest: z.string().default(""),
    sources: z.array(z.string()).readonly().default([]),
  })
  .readonly();

/** Parts in their order. */
export interface KeptPieces {
  readonly pieces: readonly Uint8Array[];
  /** Of all of it. */
  readonly digest: string;
  /** Where the parts are from, a line each. */
  readonly sources: readonly string[];
}

export class ImageCache {
  readonly #guest: string;
  readonly #version: number;

  /** @param guest as `guest prepare` calls it @param version raised when an image of before would not do any more */
  constructor(guest: string, version: number) {
    this.#guest = guest;
    this.#version = version;
  }

  directory(...parts: readonly string[]): string {
    return cacheDirectory("guests", this.#guest, ...parts);
  }

  /** @returns its digest. @throws UserError if it cannot be written */
  keep(pieces: readonly Uint8Array[], sources: readonly string[]): string {
    const bytes = Buffer.concat(pieces);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const lengths = pieces.map(({ length }) => length);
    const about: z.output<typeof aboutSchema> = {
      version: this.#version,
      lengths,
      digest,
      sources,
    };
    writeKept(this.#path, { about, bytes });
    return digest;
  }

  /** @param count of its parts @throws UserError if there is none, or it is damaged or of another version */
  kept(count: number): KeptPieces {
    const path = this.#path;
    const kept = readKept(path, aboutSchema);
    const prepare = `trackvisor guest prepare ${this.#guest}`;
    if (kept === undefined) throw new UserError(`there is no Linux to boot yet: ${prepare}`);
    const { version, lengths, digest, sources } = kept.about;
    if (version !== this.#version) {
      throw new UserError(`${path}: of another version of the program: ${prepare}`);
    }
    let at = 0;
    const pieces = lengths.map((length) => {
      at += length;
      return kept.bytes.subarray(at - length, at);
    });
    const isSound = createHash("sha256").update(kept.bytes).digest("hex") === digest;
    if (!isSound || pieces.length !== count || at !== kept.bytes.length) {
      throw new UserError(`${path}: damaged: ${prepare}`);
    }
    return { pieces, digest, sources };
  }

  get #path(): string {
    return this.directory("image");
  }
}
