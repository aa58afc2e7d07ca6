/** A real terminal, by tmux: a program in it, what it is sent, and what is to be seen. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Size } from "./deeds.ts";

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

/** Stands where the program was, with its exit code, and takes all that is still typed. */
const AFTERWARDS = 'code=$?; trap "" INT; stty -echo; echo; echo ended $code; exec sleep 600';
const LOOK_MS = 25;

export class RealTerminal {
  readonly #socket: string;

  /** @param command of a shell, run in the directory */
  constructor(directory: string, command: string, { columns, rows }: Size) {
    this.#socket = join(directory, "socket");
    const size = ["-x", String(columns), "-y", String(rows)];
    const shell = ["sh", "-c", `${command}; ${AFTERWARDS}`];
    this.#tmux("new-session", "-d", "-s", "t", ...size, "-c", directory, ...shell);
  }

  /** As a keyboard or a mouse sends it. */
  send(text: string): void {
    const bytes = [...Buffer.from(text, "utf8")].map((byte) => byte.toString(16).padStart(2, "0"));
    if (bytes.length > 0) this.#tmux("send-keys", "-t", "t", "-H", ...bytes);
  }

  resize({ columns, rows }: Size): void {
    this.#tmux("resize-window", "-t", "t", "-x", String(columns), "-y", String(rows));
  }

  /** All rows, without the blanks at their ends. */
  get rows(): string[] {
    return this.#tmux("capture-pane", "-p", "-t", "t").split("\n").slice(0, -1);
  }

  get text(): string {
    return this.rows.join("\n");
  }

  /** "0" when the program has given the shell's screen back. */
  get alternate(): string {
    return this.#tmux("display", "-p", "-t", "t", "#{alternate_on}").trim();
  }

  /** What is to be seen, once it matches; as it was last, if it does not for so long. */
  async until(pattern: RegExp, milliseconds: number): Promise<string> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const { text } = this;
      if (pattern.test(text) || performance.now() > end) return text;
      await pause(LOOK_MS);
    }
  }

  /** What is to be seen, once it has stood still for so long; null: it does not. */
  async still(milliseconds: number, patience: number): Promise<string | null> {
    const end = performance.now() + patience;
    let [seen, since] = [this.text, performance.now()];
    while (performance.now() < end) {
      await pause(LOOK_MS);
      const now = this.text;
      if (now !== seen) [seen, since] = [now, performance.now()];
      else if (performance.now() - since >= milliseconds) return now;
    }
    return null;
  }

  close(): void {
    this.#tmux("kill-server");
  }

  #tmux(...words: string[]): string {
    const { stdout } = spawnSync("tmux", ["-S", this.#socket, "-f", "/dev/null", ...words], {
      encoding: "utf8",
      env: { ...process.env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" },
    });
    return stdout;
  }
}

/** Between two looks: nobody tells when a terminal has changed. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
