/**
 * What one machine has done of a work, as a file: the same for all that is done in shares. Sweeps have a format of
 * their own (docs/sweep.schema.json), for what they write is read by other programs, too.
 */
import * as z from "zod";
import { explain } from "../config/explain.ts";
import { pathText } from "../config/fieldPath.ts";
import { UserError } from "../errors.ts";
import { jsonText } from "../io/visible.ts";
import { digestOf } from "../runs/runIdentity.ts";
import { combine, type Part } from "./combine.ts";
import { isOfShard, type Shard } from "./shard.ts";

/** Raised when a field changes its meaning or goes. */
const SHARE_VERSION = 1;

/** What is done in shares, such as the runs of experiments. */
export interface ShareKind<Asked, Result> {
  /** The name in its files, such as "trackvisor experiment". */
  readonly format: string;
  /** The command that writes them, for messages. */
  readonly madeBy: string;
  /** How messages call the whole, and an item of it. */
  readonly work: string;
  readonly item: string;
  /** What decides the work: seed, number of items, and the like. */
  readonly asked: z.ZodType<Asked>;
  readonly result: z.ZodType<Result>;
  /** What two results of one item must have in common; default: everything. */
  readonly same?: (result: Result) => unknown;
}

export interface ShareItem<Result> {
  /** Its place in the whole. */
  readonly index: number;
  readonly name: string;
  readonly result: Result;
}

export interface Share<Asked, Result> {
  readonly format: string;
  readonly version: number;
  /** Version of the program that has done it. */
  readonly code: string;
  readonly asked: Asked;
  /** Of what is asked, and of all items of the whole. */
  readonly digest: string;
  /** Items of the whole. */
  readonly count: number;
  /** Null: this is the whole. */
  readonly shard: Shard | null;
  readonly items: readonly ShareItem<Result>[];
}

/** A work before it is done. */
export interface Work<Asked> {
  readonly code: string;
  readonly asked: Asked;
  /** Of all items, in their order. */
  readonly names: readonly string[];
}

/** Which items are this machine's. @returns their places */
export function placesOf({ names }: Work<unknown>, shard: Shard | null): number[] {
  const all = Array.from({ length: names.length }, (_, place) => place);
  return shard === null ? all : all.filter((place) => isOfShard(place, shard));
}

/** Of what is asked, and of all items: shares of one work have one. */
export function digestOfWork<Asked>(
  { format }: Pick<ShareKind<Asked, unknown>, "format">,
  { asked, names }: Work<Asked>,
): string {
  return digestOf(JSON.stringify([format, asked, names]));
}

/** @param resultAt of an item that is this machine's */
export function shareOf<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  work: Work<Asked>,
  shard: Shard | null,
  resultAt: (place: number) => Result,
): Share<Asked, Result> {
  const { code, asked, names } = work;
  return {
    format: kind.format,
    version: SHARE_VERSION,
    code,
    asked,
    digest: digestOfWork(kind, work),
    count: names.length,
    shard,
    items: placesOf(work, shard).map((index) => {
      return { index, name: names[index] ?? "", result: resultAt(index) };
    }),
  };
}

/** The file: the share and its checksum. */
export function shareText(share: Share<unknown, unknown>): string {
  // As it will be read: what JSON leaves out is not in the sum.
  const plain = JSON.parse(JSON.stringify(share));
  return `${jsonText({ ...plain, checksum: digestOf(JSON.stringify(plain)) }, 1)}\n`;
}

export interface ReadShare<Asked, Result> {
  readonly file: string;
  readonly share: Share<Asked, Result>;
}

/** The format that a file says it has; null if it says none. */
export function formatOf(text: string): string | null {
  try {
    const { data } = z.object({ format: z.string() }).safeParse(JSON.parse(text));
    return data?.format ?? null;
  } catch {
    return null;
  }
}

/**
 * @param file its name, for messages
 * @throws UserError, one line
 */
export function parseShare<Asked, Result>(
  kind: ShareKind<Asked, Result>,
  file: string,
  text: string,
): ReadShare<Asked, Result> {
  const { format, madeBy } = kind;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file}: not JSON; expected a result of ${madeBy}`);
  }
  const { data: versioned } = versionSchema.safeParse(value);
  if (versioned?.format === format && versioned.version !== SHARE_VERSION) {
    throw new UserError(
      `${file}: is of version ${String(versioned.version)}, this program reads version ${SHARE_VERSION}`,
    );
  }
  const schema = schemaOf(kind);
  const { data, error } = schema.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    const { path, message } =
      issue === undefined ? { path: [], message: "" } : explain(issue, schema, value);
    const field = path.length === 0 ? "" : `${pathText(path)}: `;
    throw new UserError(`${file}: not a result of ${madeBy}: ${field}${message}`);
  }
  // The value itself, and not what the schema makes of it: the order of its fields stays.
  const { checksum, ...share } = value as z.infer<typeof schema>;
  if (digestOf(JSON.stringify(share)) !== checksum) {
    throw new UserError(`${file}: is not as it was written: the file is damaged`);
  }
  return { file, share };
}

const versionSchema = z.object({ format: z.string(), version: z.unknown() });

function schemaOf<Asked, Result>({ format, asked, result }: ShareKind<Asked, Result>) {
  const digest = z.string().regex(/^[0-9a-f]{32}$/);
  const place = z.int().min(0);
  return z.strictObject({
    format: z.literal(format),
    version: z.literal(SHARE_VERSION),
    code: digest,
    asked,
    digest,
    count: z.int().min(0),
    shard: z.strictObject({ index: z.int().min(1), count: z.int().min(1) }).nullable(),
    items: z.array(z.strictObject({ index: place, name: z.string(), result })),
    checksum: digest,
  });
}

/**
 * The whole from its shares: what one machine would have written, byte for byte.
 * @throws UserError if they are of different works or programs, differ in an item, or leave one out
 */
export function mergeShares<Asked, Result>(
  { work, item, same }: ShareKind<Asked, Result>,
  read: readonly ReadShare<Asked, Result>[],
): Share<Asked, Result> {
  const parts = read.map(({ file, share }): Part<ShareItem<Result>> => {
    const { code, digest, asked, count, shard, items } = share;
    return { file, code, digest, head: asked, count, shard, items };
  });
  const items = combine(parts, {
    work,
    item,
    told: ({ name }) => name,
    ...(same === undefined ? {} : { same: ({ name, result }) => [name, same(result)] }),
  });
  const [{ share }] = read as [ReadShare<Asked, Result>];
  return { ...share, shard: null, items };
}
