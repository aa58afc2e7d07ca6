/**
 * Files in the user's cache, whose names are made of digests of what they follow from: nobody names them, and nothing
 * else is ever written there. Each is whole or is not there, and a damaged one is seen.
 */
import { dirname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type * as z from "zod";
import { UserError } from "../errors.ts";
import { exists, readBytes } from "./inputFile.ts";
import { makeDirectory, writeOutput } from "./outputFile.ts";

const MAGIC = Buffer.from("TVKEPT\0", "latin1");
const VERSION = 1;
const HEAD_BYTES = 8;
const KEPT_BYTES_MAX = 2 ** 30;
/** Most of it are a machine's pages, of which many are alike: the fastest level does. */
const LEVEL = 1;

export interface Kept<About> {
  /** Plain data about the bytes. */
  readonly about: About;
  readonly bytes: Uint8Array;
}

/** @throws UserError if it cannot be written */
export function writeKept(path: string, { about, bytes }: Kept<unknown>): void {
  makeDirectory(dirname(path));
  const text = Buffer.from(JSON.stringify(about), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const content = gzipSync(Buffer.concat([length, text, bytes]), { level: LEVEL });
  writeOutput(path, Buffer.concat([MAGIC, Buffer.from([VERSION]), content]), { force: true });
}

/**
 * @param schema what it says about its bytes
 * @returns undefined if there is none. @throws UserError if it is damaged, or of another version
 */
export function readKept<About>(path: string, schema: z.ZodType<About>): Kept<About> | undefined {
  if (!exists(path)) return undefined;
  const file = readBytes(path, KEPT_BYTES_MAX);
  const remedy = "remove it, and it is made again";
  if (!file.subarray(0, MAGIC.length).equals(MAGIC))
    throw new UserError(`${path}: damaged: ${remedy}`);
  if (file[MAGIC.length] !== VERSION) {
    throw new UserError(`${path}: of another version of the program: ${remedy}`);
  }
  try {
    const content = gunzipSync(file.subarray(HEAD_BYTES), { maxOutputLength: KEPT_BYTES_MAX });
    const end = 4 + content.readUInt32LE(0);
    const about = schema.parse(JSON.parse(content.toString("utf8", 4, end)));
    return { about, bytes: content.subarray(end) };
  } catch {
    throw new UserError(`${path}: damaged: ${remedy}`);
  }
}
