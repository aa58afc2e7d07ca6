/** A guest's memory as its host uses it: each access is noted as the host's. */
import { UserError } from "../../src/errors.ts";
import { READ, WRITE } from "./tap/memoryOpcodes.ts";
import type { Recorder } from "./tap/recorder.ts";
import type { WasmMemory } from "./webAssembly.ts";

/** An address that the guest gave is outside of its memory. */
export class BadAddress extends UserError {}

export class GuestMemory {
  readonly #memory: WasmMemory;
  readonly #recorder: Recorder;

  constructor(memory: WasmMemory, recorder: Recorder) {
    this.#memory = memory;
    this.#recorder = recorder;
  }

  /** Bytes that it has now. */
  get length(): number {
    return this.#memory.buffer.byteLength;
  }

  /** All of it, as it is now; what is done there is not noted. Valid until the guest goes on. */
  get whole(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  word(address: number): number {
    return this.#view(address, 4, READ).getUint32(0, true);
  }

  long(address: number): bigint {
    return this.#view(address, 8, READ).getBigUint64(0, true);
  }

  setByte(address: number, value: number): void {
    this.#view(address, 1, WRITE).setUint8(0, value);
  }

  setShort(address: number, value: number): void {
    this.#view(address, 2, WRITE).setUint16(0, value, true);
  }

  setWord(address: number, value: number): void {
    this.#view(address, 4, WRITE).setUint32(0, value, true);
  }

  setLong(address: number, value: bigint): void {
    this.#view(address, 8, WRITE).setBigUint64(0, value, true);
  }

  /** A copy. */
  bytes(address: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#view(address, length, READ);
    return Uint8Array.from(new Uint8Array(buffer, byteOffset, length));
  }

  setBytes(address: number, bytes: Uint8Array): void {
    const { buffer, byteOffset } = this.#view(address, bytes.length, WRITE);
    new Uint8Array(buffer, byteOffset, bytes.length).set(bytes);
  }

  text(address: number, length: number): string {
    return Buffer.from(this.bytes(address, length)).toString("utf8");
  }

  /** Text up to a zero byte. */
  zeroTerminated(address: number): string {
    const all = new Uint8Array(this.#memory.buffer);
    const end = all.indexOf(0, address >>> 0);
    if (end < 0) throw new BadAddress(`a text at 0x${(address >>> 0).toString(16)} has no end`);
    return this.text(address, end - (address >>> 0));
  }

  #view(address: number, length: number, kind: typeof READ | typeof WRITE): DataView {
    const start = address >>> 0;
    if (start + length > this.#memory.buffer.byteLength) {
      throw new BadAddress(
        `a system call names address 0x${start.toString(16)}, beyond its memory`,
      );
    }
    this.#recorder.host(start, length, kind);
    return new DataView(this.#memory.buffer, start, length);
  }
}
