/**
 * What a processor has derived from the VMCS that it has loaded, and the results of its last walk and burst, as memory: made
 * anew from what is saved before the processor goes on (mmu.ts, deriveControls).
 */
import { fieldOf, wordAt } from "../lookup.ts";
import type { Mmu } from "./mmu.ts";
import type { MemoryPart } from "./normalForm.ts";
import { elementAt, type WordArray } from "./part.ts";

/** What a processor is made with. */
const BUILT: readonly (keyof Mmu)[] = [
  "compatibility",
  "eptLevels",
  "indexBits",
  "eptTopShift",
  "eptPages",
  "walkReferenceCost",
  "l2TlbHitCost",
  "unusualHighBits",
  "accessedMask",
  "dirtyMask",
  "largeMask",
  "inverted",
  "leavesDecide",
  "addressShift",
  "highShift",
  "rootMask",
  "tooWideHigh",
  "grantMask",
  "grantShift",
  "noExecuteHigh",
  "reservedHigh",
  "notHeldHigh",
  "malformedLow",
  "malformedLow32",
  "ownControls",
];

export class MmuRegisters implements MemoryPart {
  readonly name: string;
  readonly madeBy: string;
  readonly #mmu: Mmu;
  readonly #pcpu: number;
  readonly #fields: readonly string[];

  /** @param actor that goes on with them */
  constructor(mmu: Mmu, pcpu: number, actor: string) {
    this.name = `pcpu${pcpu}/registers`;
    this.madeBy = actor;
    this.#mmu = mmu;
    this.#pcpu = pcpu;
    const isBuilt = (field: string): boolean => BUILT.some((built) => built === field);
    this.#fields = Object.entries(mmu)
      .filter(([field, value]) => isWord(value) && !isBuilt(field))
      .map(([field]) => field);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { path, guestPath, units, dirtyLog, walkLog } = this.#mmu;
    const registers = this.#fields.map((field) => Number(Reflect.get(this.#mmu, field)));
    // The logs that VM entry selected: 0 for none.
    const logs = [dirtyLog, walkLog].map((log) => units.findIndex((unit) => unit.log === log) + 1);
    return {
      path,
      guestPath,
      logs: Int32Array.from(logs),
      registers: Int32Array.from(registers),
    };
  }

  put(arrays: Readonly<Record<string, WordArray>>): void {
    const mmu = this.#mmu;
    mmu.path.set(fieldOf(arrays, "path"));
    mmu.guestPath.set(fieldOf(arrays, "guestPath"));
    this.#selectLogs(Int32Array.from(fieldOf(arrays, "logs")));
    const registers = fieldOf(arrays, "registers");
    this.#fields.forEach((field, i) => {
      const value = elementAt(registers, i);
      const isFlag = typeof Reflect.get(mmu, field) === "boolean";
      Reflect.set(mmu, field, isFlag ? (value & 1) === 1 : value);
    });
  }

  nameOf(array: string, at: number): string {
    return `"${array === "registers" ? this.#fields[at] : array}" of the MMU of CPU ${this.#pcpu}`;
  }

  /** Any number stands for one of the units, or for none. */
  #selectLogs(numbers: Int32Array): void {
    const { units } = this.#mmu;
    const logs = [0, 1].map(
      (which) => units[((wordAt(numbers, which) >>> 0) % (units.length + 1)) - 1]?.log,
    );
    this.#mmu.dirtyLog = logs.find((log) => log?.logs === "transitions") ?? null;
    this.#mmu.walkLog = logs.find((log) => log?.logs === "walks") ?? null;
  }
}

function isWord(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}
