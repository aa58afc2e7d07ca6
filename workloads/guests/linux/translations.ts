/**
 * Finds the table in which v86 keeps translations of linear pages (tlb_data: for each of 2^20 pages a word). Its
 * address is in no list of names; but whoever looks into it does so in one way: the linear address, shifted and masked
 * into 4 bytes a page, is the address of a load whose offset is the table.
 */
import { UserError } from "../../../src/errors.ts";
import { ByteReader } from "../tap/bytes.ts";
import { InstructionReader, passType } from "../tap/instructions.ts";
import { Section, sectionsOf } from "../tap/sections.ts";

const I32_LOAD = 0x28;
const I32_CONST = 0x41;
const I32_AND = 0x71;
/** Bits of four times a page number of 20 bits. */
const MASK = 0x3ffffc;
/** There are hundreds; of what looks alike there are a few. */
const LEAST = 100;

/** @throws UserError if there is none */
export function findTranslations(module: Uint8Array): number {
  const code = sectionsOf(module).find(({ id }) => id === Section.code);
  const found = new Map<number, number>();
  const reader = new ByteReader(module, code?.start ?? 0, code?.end ?? 0);
  for (let left = reader.atEnd ? 0 : reader.unsigned(); left > 0; left--) {
    lookThrough(reader.part(reader.unsigned()), found);
  }
  const [most] = [...found].sort(([, a], [, b]) => b - a);
  if (most === undefined || most[1] < LEAST) {
    throw new UserError("v86: its table of translations is not where it was expected");
  }
  return most[0];
}

function lookThrough(body: ByteReader, found: Map<number, number>): void {
  for (let left = body.unsigned(); left > 0; left--) {
    body.unsigned();
    passType(body);
  }
  const one = new InstructionReader(body);
  let masked = 0;
  while (!body.atEnd) {
    one.next();
    const { opcode, immediateAt, offset } = one;
    if (opcode === I32_CONST) {
      masked = new ByteReader(body.bytes, immediateAt, body.end).signed33() === MASK ? 1 : 0;
    } else if (opcode === I32_AND) {
      masked = masked === 1 ? 2 : 0;
    } else {
      if (opcode === I32_LOAD && masked === 2) found.set(offset, (found.get(offset) ?? 0) + 1);
      masked = 0;
    }
  }
}
