/**
 * 64-bit quantities as the emulator keeps them: a low and a high 32-bit word, both signed, because
 * V8 keeps signed 32-bit integers unboxed. The value 2^64 - 1 is low -1, high -1.
 */

/** Bits 31:0 of an unsigned 64-bit value, as a signed word. */
export function lowWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** Bits 63:32 of an unsigned 64-bit value, as a signed word. */
export function highWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** The unsigned 64-bit value of two words. */
export function joinWords(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/**
 * The emulated machine may have this address, but the emulator's page numbers, which are signed words, do
 * not hold it: addresses end at 8 TiB here.
 */
export class AddressNotHeldError extends Error {
  /** @param what for example "the address in an EPT entry" */
  constructor(what: string) {
    super(`${what} lies beyond the 8 TiB that the emulator holds`);
  }
}

/** Bits 51:43 of an address, in its high word. */
export const NOT_HELD = 0xff800;

/** Refuses an address, kept in two words, that a page number does not hold. @param what as in AddressNotHeldError */
export function requireHeld(high: number, what: string): void {
  if ((high & NOT_HELD) !== 0) throw new AddressNotHeldError(what);
}

/** Page (frame) number of an address kept in two words: bits 43:12, as a signed word. */
export function pageOfWords(low: number, high: number): number {
  return (low >>> 12) | (high << 20);
}

/** Low word of the 4 KiB-aligned address of a page. */
export function pageAddressLow(page: number): number {
  return page << 12;
}

/** High word of the 4 KiB-aligned address of a page. */
export function pageAddressHigh(page: number): number {
  return page >>> 20;
}

/** The 4 KiB-aligned address of a page, exact for any 32-bit page number. */
export function pageAddress(page: number): number {
  return (page >>> 0) * 4096;
}
