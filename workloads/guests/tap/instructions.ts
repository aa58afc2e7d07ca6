/** Reads code instruction by instruction; what it does not know it refuses by number and place. */
import { type ByteReader, hex, malformed } from "./bytes.ts";
import { MEMORY_OPCODES } from "./memoryOpcodes.ts";
import { IMMEDIATES, Immediate, PREFIX, Prefix } from "./opcodes.ts";

const FIRST_PREFIX = Prefix.misc;
const GARBAGE_COLLECTION = 0xfb;
/** Types that name a heap type: (ref null ht), (ref ht). */
const REFERENCES = [0x63, 0x64];
const HAS_MEMORY_INDEX = 0x40;

/** One instruction at a time, of code or of a constant expression. */
export class InstructionReader {
  readonly reader: ByteReader;
  /** Of the last one: its first byte, its opcode, and where what follows the opcode begins. */
  start = 0;
  opcode = 0;
  immediateAt = 0;
  immediate: Immediate = Immediate.none;
  /** The function that it names, if it names one. */
  functionIndex = 0;
  /** Of an access: what is added to the address. */
  offset = 0;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  /** Reads one. @throws UserError if it is none that is known */
  next(): void {
    const { reader } = this;
    this.start = reader.at;
    const first = reader.byte();
    this.opcode =
      first >= FIRST_PREFIX && first <= Prefix.atomic ? first * PREFIX + reader.unsigned() : first;
    this.immediateAt = reader.at;
    const memory = MEMORY_OPCODES.get(this.opcode);
    const immediate =
      memory === undefined
        ? IMMEDIATES.get(this.opcode)
        : memory.hasLane
          ? Immediate.memoryAndLane
          : Immediate.memory;
    if (immediate === undefined) throw this.unknown();
    this.immediate = immediate;
    this.pass(immediate);
  }

  private pass(immediate: Immediate): void {
    const { reader } = this;
    switch (immediate) {
      case Immediate.none:
        return;
      case Immediate.blockType:
        passType(reader);
        return;
      case Immediate.index:
        reader.unsigned();
        return;
      case Immediate.twoIndexes:
        reader.unsigned();
        reader.unsigned();
        return;
      case Immediate.functionIndex:
        this.functionIndex = reader.unsigned();
        return;
      case Immediate.labels:
        for (let left = reader.unsigned() + 1; left > 0; left--) reader.unsigned();
        return;
      case Immediate.types:
        for (let left = reader.unsigned(); left > 0; left--) passType(reader);
        return;
      case Immediate.number:
        reader.skipNumber();
        return;
      case Immediate.bytes4:
        reader.skip(4);
        return;
      case Immediate.bytes8:
        reader.skip(8);
        return;
      case Immediate.bytes16:
        reader.skip(16);
        return;
      case Immediate.byte:
        reader.skip(1);
        return;
      case Immediate.heapType:
        reader.signed33();
        return;
      case Immediate.catches:
        this.passCatches();
        return;
      case Immediate.memory:
        this.address();
        return;
      case Immediate.memoryAndLane:
        this.address();
        reader.skip(1);
        return;
      case Immediate.memoryIndex:
        this.firstMemory();
        return;
      case Immediate.memoryCopy:
        this.firstMemory();
        this.firstMemory();
        return;
      case Immediate.memoryInit:
        reader.unsigned();
        this.firstMemory();
        return;
    }
  }

  private address(): void {
    const { reader } = this;
    const alignment = reader.unsigned();
    if (alignment >= HAS_MEMORY_INDEX) {
      throw malformed(this.start, "an access that names its memory: only one memory is tracked");
    }
    this.offset = reader.unsigned();
  }

  private firstMemory(): void {
    if (this.reader.unsigned() === 0) return;
    throw malformed(this.start, "an access to a second memory: only one memory is tracked");
  }

  private passCatches(): void {
    const { reader } = this;
    passType(reader);
    for (let left = reader.unsigned(); left > 0; left--) {
      // catch and catch_ref name a tag.
      if (reader.byte() < 2) reader.unsigned();
      reader.unsigned();
    }
  }

  private unknown(): Error {
    const { opcode, start } = this;
    if (opcode === GARBAGE_COLLECTION) {
      return malformed(
        start,
        `instruction ${hex(opcode)}: garbage-collected types are not offered`,
      );
    }
    const first = Math.floor(opcode / PREFIX);
    const text = first === 0 ? hex(opcode) : `${hex(first)} ${hex(opcode % PREFIX)}`;
    return malformed(start, `unknown instruction ${text}`);
  }
}

/** Passes a type: of a value, or of a block. */
export function passType(reader: ByteReader): void {
  const first = reader.bytes[reader.at];
  if (first !== undefined && REFERENCES.includes(first)) reader.skip(1);
  reader.signed33();
}
