/**
 * Programs for Linux on x86-64 that do nothing but execute a mark of the plugin (BEGIN_MARK and END_MARK of tvplugin.c):
 * ELF files of one segment (System V ABI, Object files: ELF header 64 bytes, program header 56), so that no compiler
 * is needed.
 */

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** Where programs that are not moved begin by convention. */
const BASE = 0x400000n;
const MACHINE_X86_64 = 62;

/** NOP with a displacement of four letters. */
const mark = (letters: string): Buffer => Buffer.from(`\x0f\x1f\x80${letters}`, "latin1");
/** mov $60, %eax; xor %edi, %edi; syscall: exit(0). */
const EXIT = Buffer.from([0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]);

export function beginProgram(): Buffer {
  return program(Buffer.concat([mark("TVb!"), EXIT]));
}

export function endProgram(): Buffer {
  return program(Buffer.concat([mark("TVe!"), EXIT]));
}

function program(code: Uint8Array): Buffer {
  const start = HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const file = Buffer.alloc(start + code.length);
  const size = BigInt(file.length);
  // 64 bits, little-endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(MACHINE_X86_64, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(start), 24); // where it begins
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, HEADER_BYTES); // loaded
  file.writeUInt32LE(5, HEADER_BYTES + 4); // read and executed
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 16);
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 24);
  file.writeBigUInt64LE(size, HEADER_BYTES + 32);
  file.writeBigUInt64LE(size, HEADER_BYTES + 40);
  file.writeBigUInt64LE(4096n, HEADER_BYTES + 48);
  file.set(code, start);
  return file;
}
