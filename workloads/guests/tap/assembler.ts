/** Writes instructions, and the functions that the tap adds. */
import { ByteWriter } from "./bytes.ts";
import { PREFIX } from "./opcodes.ts";

export const Op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  select: 0x1b,
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  ltU: 0x49,
  leU: 0x4d,
  gtU: 0x4b,
  geU: 0x4f,
  add: 0x6a,
  sub: 0x6b,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shl: 0x74,
  shrU: 0x76,
  i64Or: 0x84,
  i64Shl: 0x86,
  i64OfUnsigned: 0xad,
} as const;

const CALL = 0x10;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const I32_LOAD = 0x28;
const I32_STORE = 0x36;
const I64_STORE = 0x37;
const NO_RESULT = 0x40;

export class Assembler extends ByteWriter {
  /** Instructions without immediates. */
  op(...opcodes: readonly number[]): this {
    for (const opcode of opcodes) this.byte(opcode);
    return this;
  }

  /** block, loop or if, without a result. */
  open(opcode: number): this {
    return this.op(opcode, NO_RESULT);
  }

  branch(opcode: number, label: number): this {
    return this.withIndex(opcode, label);
  }

  call(index: number): this {
    return this.withIndex(CALL, index);
  }

  get(local: number): this {
    return this.withIndex(LOCAL_GET, local);
  }

  set(local: number): this {
    return this.withIndex(LOCAL_SET, local);
  }

  tee(local: number): this {
    return this.withIndex(LOCAL_TEE, local);
  }

  getGlobal(index: number): this {
    return this.withIndex(GLOBAL_GET, index);
  }

  setGlobal(index: number): this {
    return this.withIndex(GLOBAL_SET, index);
  }

  constant(value: number): this {
    this.byte(I32_CONST);
    this.signed32(value);
    return this;
  }

  /** i64.const of a small number. */
  longConstant(value: number): this {
    this.byte(I64_CONST);
    this.signed32(value);
    return this;
  }

  /** i64.store at the address on the stack. */
  storeLong(): this {
    return this.op(I64_STORE, 3, 0);
  }

  /** i32.store at the address on the stack and an offset. */
  storeWord(offset: number): this {
    this.op(I32_STORE, 2);
    this.unsigned(offset);
    return this;
  }

  /** i32.load from a fixed address. */
  loadWord(address: number): this {
    this.constant(0).op(I32_LOAD, 2);
    this.unsigned(address);
    return this;
  }

  /** The opcode of one that is read, as InstructionReader numbers them. */
  opcode(opcode: number): this {
    if (opcode < PREFIX) return this.op(opcode);
    this.byte(Math.floor(opcode / PREFIX));
    this.unsigned(opcode % PREFIX);
    return this;
  }

  private withIndex(opcode: number, index: number): this {
    this.byte(opcode);
    this.unsigned(index);
    return this;
  }
}

/** A function's body: so many locals of i32, the code, and its end. */
export function functionBody(locals: number, code: Assembler): Uint8Array {
  const body = new Assembler();
  body.unsigned(locals === 0 ? 0 : 1);
  if (locals > 0) {
    body.unsigned(locals);
    body.byte(0x7f);
  }
  body.put(code.view());
  body.op(Op.end);
  return body.view();
}
