/** What a machine writes to its serial console, as text that ends with its prompt when it waits. */
import { UserError } from "../../../src/errors.ts";
import { PROMPT } from "./initrd.ts";

const ESCAPE = 27;
const CONSOLE_BYTES_MAX = 16 << 20;
/** Of a prompt, or of what a kernel says when it gives up. */
const TAIL = 400;

/** What of a console matters for what comes next. */
export interface ConsoleState {
  readonly tail: Uint8Array;
  readonly sequence: number;
  /** Bytes in all. */
  readonly printed: number;
}

export class ConsoleText {
  readonly #bytes: number[];
  readonly #print: (byte: number) => void;
  /** Bytes before those that are here. */
  #before: number;
  /** Sequences that ask a terminal for something are no text: ESC [ parameters letter. */
  #sequence: number;

  /** @param print takes each byte of the text; @param state in which it begins */
  constructor(
    print: (byte: number) => void = () => {},
    { tail, sequence, printed }: ConsoleState = {
      tail: new Uint8Array(0),
      sequence: 0,
      printed: 0,
    },
  ) {
    this.#print = print;
    this.#bytes = Array.from(tail);
    this.#sequence = sequence;
    this.#before = printed - tail.length;
  }

  get state(): ConsoleState {
    const printed = this.#before + this.#bytes.length;
    const tail = Uint8Array.from(this.#bytes.slice(-TAIL));
    return { tail, sequence: this.#sequence, printed };
  }

  /** @throws UserError if it becomes too much */
  write(byte: number): void {
    if (this.#sequence === 0 && byte === ESCAPE) this.#sequence = 1;
    else if (this.#sequence === 1) this.#sequence = byte === "[".charCodeAt(0) ? 2 : 0;
    else if (this.#sequence === 2) {
      if (byte >= 0x40) this.#sequence = 0;
    } else {
      if (this.#before + this.#bytes.length === CONSOLE_BYTES_MAX) {
        throw new UserError(`writes more than ${CONSOLE_BYTES_MAX >> 20} MiB to its console`);
      }
      if (byte === 13) return;
      this.#bytes.push(byte);
      this.#print(byte);
    }
  }

  clear(): void {
    this.#bytes.length = 0;
    this.#before = 0;
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
