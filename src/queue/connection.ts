/** A connection to a queue. Its engine is optional: BullMQ, on Redis or Valkey by ioredis, loaded when it is wanted. */
import { getSystemErrorMap } from "node:util";
import type { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import { codeOf, systemReason } from "../io/systemError.ts";
import type { QueueAddress } from "./address.ts";

export const QUEUE_NAME = "trackvisor-runs";
const RETRY_MS = 500;
const CONNECT_TIMEOUT_MS = 10_000;
/** Seconds that a queue may be away: a server that starts again reads its data first. */
export const PATIENCE = 60;

export type Engine = typeof import("bullmq");

export interface QueueConnection {
  readonly engine: Engine;
  readonly redis: Redis;
  /** The address, without a password. */
  readonly shown: string;
  /**
   * What an error of the engine means.
   * @returns one line if the queue is gone, or does not do as it is told; else the error itself
   */
  readonly explain: (error: unknown) => unknown;
  /** Ends it; what is lost from then on is not tried again. */
  readonly close: () => void;
}

export interface ConnectOptions {
  /** Hears, in a sentence, of a connection that is lost, and of its return. */
  readonly onNote: (text: string) => void;
  /** Seconds; default: PATIENCE. */
  readonly patience?: number;
}

/**
 * Connects; what is lost later is tried again for a while.
 * @throws UserError if the engine is not installed, or the queue cannot be reached
 */
export async function connect(
  { shown, connection }: QueueAddress,
  { onNote, patience = PATIENCE }: ConnectOptions,
): Promise<QueueConnection> {
  const { engine, Redis } = await load();
  let state: "new" | "ready" | "lost" | "closed" = "new";
  let reason = "no answer";
  const redis = new Redis({
    ...connection,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Commands wait for the connection, as long as it is tried.
    maxRetriesPerRequest: null,
    // A worker has two connections, which are lost together.
    retryStrategy: (times) => {
      const isTried = state === "ready" || state === "lost";
      if (!isTried || times * RETRY_MS > patience * 1000) return null;
      if (state === "ready") {
        onNote(`${shown}: the connection is lost, it is tried for ${patience} s`);
      }
      state = "lost";
      return RETRY_MS;
    },
  });
  redis.on("error", (error: unknown) => {
    reason = reasonOf(error);
  });
  const unreachable = (): UserError => new UserError(`${shown}: cannot be reached: ${reason}`);
  try {
    await redis.connect();
    // A password that is missing shows with the first command.
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    if (!isClosed(error)) reason = reasonOf(error);
    throw unreachable();
  }
  state = "ready";
  redis.on("ready", () => {
    if (state === "lost") onNote(`${shown}: connected again`);
    state = "ready";
  });
  const close = (): void => {
    state = "closed";
    redis.disconnect();
  };
  const explain = (error: unknown): unknown => {
    if (redis.status === "end" || isClosed(error)) return unreachable();
    if (error instanceof Error && error.name === "ReplyError")
      return new UserError(`${shown}: ${error.message}`);
    return error;
  };
  return { engine, redis, shown, explain, close };
}

async function load() {
  try {
    const [engine, { Redis }] = await Promise.all([import("bullmq"), import("ioredis")]);
    return { engine, Redis };
  } catch (error) {
    if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UserError("a queue needs two packages more: npm install bullmq ioredis");
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && error.message === "Connection is closed.";
}

function reasonOf(error: unknown): string {
  // A host of several addresses has an error for each.
  const one: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (codeOf(one) === "ENOTFOUND") return "no host of that name";
  const number = one instanceof Error && "errno" in one ? Number(one.errno) : 0;
  return getSystemErrorMap().get(number)?.[1] ?? systemReason(one);
}
