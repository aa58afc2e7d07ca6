/** What a machine writes to its serial console, as text that ends with its prompt when it waits. */
import { UserError } from "../../../src/errors.ts";
import { PROMPT } from "./initrd.ts";

const ESCAPE = 27;
const CONSOLE_BYTES_MAX = 16 << 20;
/** Of a prompt, or of what a kernel says when it gives up. */
const TAIL = 400;

export class ConsoleText {
  readonly #bytes: number[] = [];
  /** Sequences that ask a terminal for something are no text: ESC [ parameters letter. */
  #sequence = 0;

  /** @throws UserError if it becomes too much */
  write(byte: number): void {
    if (this.#sequence === 0 && byte === ESCAPE) this.#sequence = 1;
    else if (this.#sequence === 1) this.#sequence = byte === "[".charCodeAt(0) ? 2 : 0;
    else if (this.#sequence === 2) {
      if (byte >= 0x40) this.#sequence = 0;
    } else {
      if (this.#bytes.length === CONSOLE_BYTES_MAX) {
        throw new UserError(`writes more than ${CONSOLE_BYTES_MAX >> 20} MiB to its console`);
      }
      if (byte !== 13) this.#bytes.push(byte);
    }
  }

  clear(): void {
    this.#bytes.length = 0;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** The exit code that its prompt says, if it waits at one. @throws UserError if its kernel has given up */
  prompt(): number | undefined {
    const tail = Buffer.from(this.#bytes.slice(-TAIL)).toString("latin1");
    const panic = /Kernel panic - not syncing: ([^\n]*)/.exec(tail);
    if (panic !== null) throw new UserError(`its kernel panics: ${panic[1]}`);
    const found = PROMPT.exec(tail);
    return found === null ? undefined : Number(found[1]);
  }

  /** The last line that is not empty. */
  get lastLine(): string {
    const tail = Buffer.from(this.#bytes.slice(-TAIL)).toString("utf8").trimEnd();
    return tail.split("\n").at(-1) ?? "";
  }
}
