/** QEMU as a process: started without a screen, asked by its machine protocol (docs/interop/qmp-spec.rst). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const CONNECT_TRIES = 200;
const CONNECT_PAUSE = 50;

type Fields = Readonly<Record<string, unknown>>;

export class Qemu {
  readonly process: ChildProcess;
  readonly #socket: Socket;
  readonly #waiting: ((answer: Fields) => void)[] = [];

  private constructor(process: ChildProcess, socket: Socket) {
    this.process = process;
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    // Of a QEMU that was ended.
    lines.on("error", () => {});
    socket.on("error", () => {});
    lines.on("line", (line) => {
      const answer: Fields = JSON.parse(line);
      if ("return" in answer || "error" in answer) this.#waiting.shift()?.(answer);
    });
  }

  /** @param options of qemu-system-x86_64 @param socket where its protocol is spoken @param cwd where it runs */
  static async start(options: readonly string[], socket: string, cwd?: string): Promise<Qemu> {
    const child = spawn(
      "qemu-system-x86_64",
      [...options, "-qmp", `unix:${socket},server=on,wait=off`],
      { stdio: ["ignore", "ignore", "inherit"], cwd },
    );
    const qemu = new Qemu(child, await connected(socket));
    await qemu.ask("qmp_capabilities");
    return qemu;
  }

  async ask(execute: string, args: Fields = {}): Promise<Fields> {
    const answer = new Promise<Fields>((resolve) => this.#waiting.push(resolve));
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const { return: value, error } = await answer;
    if (error !== undefined) throw new Error(`${execute}: ${JSON.stringify(error)}`);
    return typeof value === "object" && value !== null ? { ...value } : { value };
  }

  /** Two 32-bit words of guest-physical memory. */
  async words(address: number): Promise<readonly [number, number]> {
    const { value } = await this.ask("human-monitor-command", {
      "command-line": `xp /2xw ${address}`,
    });
    const found = /: (0x[0-9a-f]+) (0x[0-9a-f]+)/.exec(String(value));
    return [Number(found?.[1]), Number(found?.[2])];
  }

  /** Has it end in order. */
  async quit(): Promise<void> {
    const ended = once(this.process, "exit");
    await this.ask("quit");
    await ended;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
    this.#socket.destroy();
  }
}

async function connected(path: string): Promise<Socket> {
  for (let i = 0; i < CONNECT_TRIES; i++) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      await sleep(CONNECT_PAUSE);
    }
  }
  throw new Error(`${path}: QEMU does not listen`);
}
