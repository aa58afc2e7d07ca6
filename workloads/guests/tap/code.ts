/**
 * Rewrites a function so that it notes its accesses. An access is noted once it has been done: one that traps has
 * accessed nothing, and traps as it did.
 */
import { itemAt } from "../../../src/lookup.ts";
import { Assembler, Op } from "./assembler.ts";
import { type ByteReader, malformed } from "./bytes.ts";
import { InstructionReader, passType } from "./instructions.ts";
import { MEMORY_OPCODES, type MemoryInstruction, ValueType, WRITE } from "./memoryOpcodes.ts";
import { type MachineHooks, type Notes, PAGE_BYTES } from "./notes.ts";
import { Immediate, Opcode } from "./opcodes.ts";

const { i32 } = ValueType;
const FAILED = -1;
/** What engines take (JavaScript interface, section 9). */
const LOCALS_MAX = 50_000;
const I32_CONST = 0x41;
/** A guest's memory has its address in a register, and a machine word or so as an offset: larger ones are of statics. */
const STATIC_OFFSET = 1024;

/** Rewrites the functions of one module, one after the other. */
export class CodeRewriter {
  readonly #notes: Notes;
  readonly #importedFunctions: number;
  readonly #added: number;
  readonly #code = new Assembler(1 << 16);
  readonly #body = new Assembler(1 << 16);
  /** Locals of the present function: those that it has, and those that were added, by use. */
  #ownLocals = 0;
  readonly #locals = new Map<string, number>();
  readonly #types: ValueType[] = [];
  /** What the present function flushes, if it does. */
  #flushCode: number | undefined;

  /**
   * @param importedFunctions of the module; @param added to them, at their end: functions that are defined move by
   * so many
   */
  constructor(notes: Notes, importedFunctions: number, added: number) {
    this.#notes = notes;
    this.#importedFunctions = importedFunctions;
    this.#added = added;
  }

  /**
   * @param reader of one body, as the code section has it: its locals and its code
   * @param parameters of the function
   * @param index of the function, in the original
   * @returns the new body; valid until the next one
   * @throws UserError if it holds what is not known
   */
  rewrite(reader: ByteReader, parameters: number, index: number): Uint8Array {
    const body = this.#body;
    const code = this.#code;
    body.clear();
    code.clear();
    this.#locals.clear();
    this.#types.length = 0;
    const groupsAt = reader.at;
    const groups = reader.unsigned();
    const firstGroup = reader.at;
    this.#ownLocals = parameters;
    for (let i = 0; i < groups; i++) {
      this.#ownLocals += reader.unsigned();
      passType(reader);
    }
    if (this.#ownLocals > LOCALS_MAX) throw malformed(groupsAt, "more locals than engines take");
    const lastGroup = reader.at;
    const { machine } = this.#notes;
    this.#flushCode = machine?.flushing.get(index);
    const calls = this.instructions(reader) && machine === undefined;
    if (calls) this.local("rounds", i32);
    body.unsigned(groups + this.#types.length);
    body.copy(reader.bytes, firstGroup, lastGroup);
    for (const type of this.#types) body.op(1, type);
    // Who calls nothing ends, if not for its loops.
    if (calls) this.round(body);
    if (machine !== undefined && this.#flushCode !== undefined) {
      body.constant(this.#flushCode).call(machine.flushed);
    }
    body.put(code.view());
    return body.view();
  }

  /** @returns whether it calls others */
  private instructions(reader: ByteReader): boolean {
    const code = this.#code;
    const { bytes } = reader;
    const one = new InstructionReader(reader);
    let calls = false;
    const { machine } = this.#notes;
    let copied = reader.at;
    let before = -1;
    while (!reader.atEnd) {
      one.next();
      const { opcode, immediate, start } = one;
      const memory = MEMORY_OPCODES.get(opcode);
      const isOwn =
        machine !== undefined &&
        memory !== undefined &&
        this.isMachinesOwn(machine, memory, one, before);
      before = opcode;
      const isOfInterest =
        (memory !== undefined && !isOwn) ||
        (machine === undefined && (opcode === Opcode.loop || opcode === Opcode.memoryGrow)) ||
        immediate === Immediate.functionIndex ||
        (immediate >= Immediate.memoryCopy && immediate <= Immediate.memoryInit) ||
        opcode === MEMORY_FILL;
      calls ||= CALLS.has(opcode);
      if (!isOfInterest) continue;
      code.copy(bytes, copied, start);
      if (memory !== undefined) this.access(memory, one);
      else if (immediate === Immediate.functionIndex) this.function(one);
      else if (opcode === Opcode.loop) {
        code.copy(bytes, start, reader.at);
        this.round(code);
      } else if (opcode === Opcode.memoryGrow) {
        code.copy(bytes, start, reader.at);
        this.grown();
      } else this.bulk(one);
      copied = reader.at;
    }
    code.copy(bytes, copied, reader.at);
    return calls;
  }

  /** The index of a function as it is now. */
  functionIndex(index: number): number {
    return index < this.#importedFunctions ? index : index + this.#added;
  }

  private function({ opcode, functionIndex }: InstructionReader): void {
    this.#code.opcode(opcode);
    this.#code.unsigned(this.functionIndex(functionIndex));
  }

  private access(memory: MemoryInstruction, one: InstructionReader): void {
    const code = this.#code;
    const address = this.local("address", i32);
    const { operands } = memory;
    // The operands lie above the address.
    for (let i = operands.length - 1; i >= 0; i--) code.set(this.operand(operands, i));
    code.tee(address);
    for (let i = 0; i < operands.length; i++) code.get(this.operand(operands, i));
    code.copy(one.reader.bytes, one.start, one.reader.at);
    const notes = this.#notes;
    const { machine } = notes;
    if (machine !== undefined && one.offset === machine.translations) {
      this.translation(machine, memory, address);
      return;
    }
    this.effective(address, one.offset);
    code.getGlobal(notes.baseOf(memory.kind)).op(Op.sub);
    code
      .constant(PAGE_BYTES - memory.bytes)
      .op(Op.leU)
      .open(Op.if);
    code.getGlobal(notes.count).constant(1).op(Op.add).setGlobal(notes.count);
    code.op(Op.else);
    if (machine !== undefined) {
      // What is outside of the guest's memory is not worth a call.
      this.effective(address, one.offset);
      code
        .getGlobal(machine.ramFirst)
        .op(Op.sub)
        .getGlobal(machine.ramBytes)
        .op(Op.ltU)
        .open(Op.if);
    }
    this.effective(address, one.offset);
    code.constant(memory.bytes).call(notes.accessOf(memory.kind));
    if (machine !== undefined) code.op(Op.end);
    code.op(Op.end);
  }

  /** Of the machine, and not of its guest: at a fixed address, or in a field of what the compiler has placed. */
  private isMachinesOwn(
    { translations }: MachineHooks,
    { operands }: MemoryInstruction,
    { offset }: InstructionReader,
    before: number,
  ): boolean {
    if (offset === translations) return operands.length > 0 && this.#flushCode !== undefined;
    return offset >= STATIC_OFFSET || (operands.length === 0 && before === I32_CONST);
  }

  /** An access to the machine's own table of translations says which linear page comes next. */
  private translation(machine: MachineHooks, memory: MemoryInstruction, address: number): void {
    const code = this.#code;
    if (memory.operands.length > 0) {
      code.get(address).get(this.operand(memory.operands, 0)).call(machine.mapped);
      return;
    }
    code.get(address).getGlobal(machine.linear).op(Op.ne).open(Op.if);
    code.get(address).call(machine.translated).op(Op.end);
  }

  /** No overflow: the access was within the memory. */
  private effective(address: number, offset: number): void {
    this.#code.get(address);
    if (offset !== 0) this.#code.constant(offset).op(Op.add);
  }

  private operand(operands: MemoryInstruction["operands"], i: number): number {
    return this.local(`operand ${i} ${operands[i]}`, itemAt(operands, i));
  }

  /** memory.copy, memory.fill and memory.init: three operands of i32. */
  private bulk({ reader, start, immediate }: InstructionReader): void {
    const code = this.#code;
    const notes = this.#notes;
    const to = this.local("address", i32);
    const second = this.local("second", i32);
    const bytes = this.local("bytes", i32);
    code.set(bytes).set(second).tee(to).get(second).get(bytes);
    code.copy(reader.bytes, start, reader.at);
    code.get(to);
    if (immediate === Immediate.memoryCopy) {
      code.get(second).get(bytes).call(notes.copied);
    } else {
      code.get(bytes).constant(WRITE).call(notes.range);
    }
  }

  /** A round of a loop, or of calls, is counted down. */
  private round(code: Assembler): void {
    const { rounds, spend } = this.#notes;
    const left = this.local("rounds", i32);
    code.getGlobal(rounds).constant(1).op(Op.sub).tee(left).setGlobal(rounds);
    code.get(left).op(Op.eqz).open(Op.if).call(spend).op(Op.end);
  }

  private grown(): void {
    const before = this.local("address", i32);
    const code = this.#code;
    code.tee(before).get(before).constant(FAILED).op(Op.eq).open(Op.if);
    code.call(this.#notes.refused).op(Op.end);
  }

  /** A local of the tap's own, which may hold one value between two instructions of the module. */
  private local(name: string, type: ValueType): number {
    const known = this.#locals.get(name);
    if (known !== undefined) return known;
    const index = this.#ownLocals + this.#types.length;
    this.#locals.set(name, index);
    this.#types.push(type);
    return index;
  }
}

const MEMORY_FILL = 0xfc00b;
/** call, call_indirect, return_call, return_call_indirect, call_ref, return_call_ref */
const CALLS: ReadonlySet<number> = new Set([0x10, 0x11, 0x12, 0x13, 0x14, 0x15]);
