/** A Redis server of a test's own, on loopback; and programs beside it that are stopped in the middle. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { IS_LONG } from "../share.ts";

const SERVERS = ["redis-server", "valkey-server"];
const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const POLL_MS = 50;

/** Its name; null if none is installed: then its tests are left out, which CI does not permit. */
export const SERVER = findServer();

function findServer(): string | null {
  const found = SERVERS.find((name) => spawnSync(name, ["--version"]).status === 0) ?? null;
  if (found !== null) return found;
  if (IS_LONG) throw new Error(`none of ${SERVERS.join(", ")} is installed`);
  process.stderr.write(
    `none of ${SERVERS.join(", ")} is installed: tests of the queue are left out\n`,
  );
  return null;
}

/** A program under way, with what it says. */
export class Started {
  out = "";
  err = "";
  readonly #child: ChildProcess;
  /** The code is the name of a signal if one ended it. */
  readonly ended: Promise<{ code: number | string | null; out: string; err: string }>;

  constructor(program: string, words: readonly string[], directory: string) {
    this.#child = spawn(program, words, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) =>
        resolve({ code: code ?? signal, out: this.out, err: this.err }),
      );
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** The command line, under way. */
export function trackvisor(directory: string, ...words: readonly string[]): Started {
  return new Started(process.execPath, [MAIN, ...words], directory);
}

/** Waits until something is so. @param what it is, for who reads why it was not */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 60_000 / POLL_MS; left > 0; left--) {
    if (await isSo()) return;
    await setTimeout(POLL_MS);
  }
  throw new Error(`not within a minute: ${what}`);
}

export class RedisServer {
  readonly #directory: string;
  readonly #words: readonly string[];
  readonly port: number;
  #server: Started | null = null;

  private constructor(directory: string, port: number, words: readonly string[]) {
    this.#directory = directory;
    this.port = port;
    this.#words = words;
  }

  /** Starts one that keeps nothing. @param words options more */
  static async start(directory: string, ...words: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(directory, await freePort(), words);
    await server.start();
    return server;
  }

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const where = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#directory];
    this.#server = new Started(
      SERVER ?? "",
      [...where, "--save", "", ...this.#words],
      this.#directory,
    );
    await until(
      "Redis takes connections",
      () => this.#server?.out.includes("Ready to accept") ?? false,
    );
  }

  async stop(): Promise<void> {
    this.#server?.signal("SIGTERM");
    await this.#server?.ended;
  }

  client(): Redis {
    return new Redis(this.port, "127.0.0.1", { maxRetriesPerRequest: null });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
