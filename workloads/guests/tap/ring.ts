/**
 * A ring of records in the memory of a small module of its own: tapped modules put records there by a call from
 * WebAssembly to WebAssembly, and JavaScript is called when it is full.
 */
import { WebAssembly } from "../webAssembly.ts";
import { Assembler, functionBody, Op } from "./assembler.ts";
import { IMPORT_MODULE } from "./notes.ts";

const RECORDS = 1 << 13;
const WASM_PAGE_BYTES = 1 << 16;
const I32 = 0x7f;

/** Each says whether the guest has to trap, as a number. */
export interface RingCalls {
  /** The ring is full: so many words of it are to be read. */
  readonly full: (words: number) => number;
  readonly spent?: () => number;
  readonly refused?: () => number;
}

export interface Ring {
  /** Of the records, one after the other. */
  readonly words: Int32Array;
  /** Puts one record; its words. */
  readonly put: (...record: number[]) => void;
  readonly spent: () => void;
  readonly refused: () => void;
  /** Bytes that are in it. */
  bytes(): number;
  /** Words that are in it, which it gives up. */
  take(): number;
}

interface RingExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly head: { value: number };
  readonly put: (...record: number[]) => void;
  readonly spent: () => void;
  readonly refused: () => void;
}

/** Imported functions, of which each says whether the guest has to trap; those of the same names do it. */
const ASKED = ["full", "spent", "refused"] as const;

/** @param recordWords 2 or 3 */
export function createRing(recordWords: number, calls: RingCalls): Ring {
  const bytes = 4 * recordWords * RECORDS;
  const never = (): number => 0;
  const { exports } = new WebAssembly.Instance<RingExports>(
    new WebAssembly.Module(ringModule(recordWords, bytes)),
    {
      [IMPORT_MODULE]: {
        full: () => calls.full(bytes / 4),
        spent: calls.spent ?? never,
        refused: calls.refused ?? never,
      },
    },
  );
  const { memory, head, put, spent, refused } = exports;
  return {
    words: new Int32Array(memory.buffer, 0, bytes / 4),
    put,
    spent,
    refused,
    bytes: () => head.value,
    take() {
      const words = head.value / 4;
      head.value = 0;
      return words;
    },
  };
}

/** (module (import full, spent, refused) (memory) (global head) (func put (param ...) ...) (func spent) (func refused)) */
function ringModule(recordWords: number, bytes: number): Uint8Array {
  const module = new Assembler();
  module.put([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, write: (content: Assembler) => void): void => {
    const content = new Assembler();
    write(content);
    module.byte(id);
    module.unsigned(content.length);
    module.put(content.view());
  };
  section(1, (content) => {
    content.op(3, 0x60, 0, 0, 0x60, recordWords, ...Array(recordWords).fill(I32), 0);
    content.op(0x60, 0, 1, I32);
  });
  section(2, (content) => {
    content.op(ASKED.length);
    for (const name of ASKED) {
      content.name(IMPORT_MODULE);
      content.name(name);
      content.op(0, 2);
    }
  });
  section(3, (content) => content.op(3, 1, 0, 0));
  section(5, (content) => content.op(1, 0).unsigned(Math.ceil(bytes / WASM_PAGE_BYTES)));
  section(6, (content) => content.op(1, I32, 1).constant(0).op(Op.end));
  section(7, (content) => {
    content.op(5);
    for (const [name, kind, index] of [
      ["memory", 2, 0],
      ["head", 3, 0],
      ["put", 0, 3],
      ["spent", 0, 4],
      ["refused", 0, 5],
    ] as const) {
      content.name(name);
      content.op(kind, index);
    }
  });
  section(10, (content) => {
    content.op(3);
    for (const body of [functionBody(1, putCode(recordWords, bytes)), asking(1), asking(2)]) {
      content.unsigned(body.length);
      content.put(body);
    }
  });
  return module.view();
}

/** Takes a record, and asks the host when there is no place for another. */
function putCode(recordWords: number, bytes: number): Assembler {
  const head = 0;
  const at = recordWords;
  const code = new Assembler();
  code.getGlobal(head).set(at);
  for (let i = 0; i < recordWords; i++)
    code
      .get(at)
      .get(i)
      .storeWord(4 * i);
  code
    .get(at)
    .constant(4 * recordWords)
    .op(Op.add)
    .tee(at)
    .setGlobal(head);
  code.get(at).constant(bytes).op(Op.eq).open(Op.if);
  // The place is given free first: what the host throws leaves a ring that goes on.
  code.constant(0).setGlobal(head).call(0).open(Op.if).op(Op.unreachable, Op.end, Op.end);
  return code;
}

function asking(host: number): Uint8Array {
  return functionBody(0, new Assembler().call(host).open(Op.if).op(Op.unreachable, Op.end));
}
