/** The technique that is armed on a VM, as the devices see it: the tracker's machine knows it too, and a pager asks for it. */
import type { NormalForm } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { elementAt } from "../../hardware/part.ts";
import { TECHNIQUE_NAMES } from "../../interconnect/messages.ts";
import { fieldOf, itemAt } from "../../lookup.ts";
import type { Unit } from "../../units/unit.ts";
import { overSlots } from "../slots/overSlots.ts";
import { techniqueOn } from "./all.ts";
import type { Technique, TechniqueName } from "./technique.ts";

/** It is in no saved state: it follows from that of the tracker. */
export class ArmedTechnique implements Part {
  readonly name: string;
  technique: Technique | null = null;
  readonly #vm: number;
  readonly #units: readonly Unit[];
  readonly #hasSlots: boolean;

  /** @param units of the processors. @param hasSlots whether the VM's memory is KVM's slots */
  constructor(vm: number, units: readonly Unit[], hasSlots = false) {
    this.name = `vm${vm}/armed`;
    this.#vm = vm;
    this.#units = units;
    this.#hasSlots = hasSlots;
  }

  /** The technique of a name, as it is on this VM; null for "none". */
  named(name: TechniqueName): Technique | null {
    const technique = techniqueOn(this.#units, name);
    return technique !== null && this.#hasSlots ? overSlots(technique) : technique;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { technique: Int32Array.of(TECHNIQUE_NAMES.indexOf(this.technique?.name ?? "none")) };
  }

  /** Any number stands for one of them. */
  put(arrays: Readonly<Record<string, WordArray>>): void {
    const number = elementAt(fieldOf(arrays, "technique"), 0);
    const name = itemAt(TECHNIQUE_NAMES, (number >>> 0) % TECHNIQUE_NAMES.length);
    this.technique = this.named(name);
  }

  get form(): NormalForm {
    const nameOf = () => `the technique armed on VM ${this.#vm}`;
    return {
      extents: [{ part: this, array: "technique", nameOf }],
      lists: ["armed"],
      save: () => ({ armed: Array.from(fieldOf(this.arrays(), "technique")) }),
      restore: (words) => this.put({ technique: Int32Array.from(fieldOf(words, "armed")) }),
      scramble() {},
      renumber: (words) => words,
    };
  }
}
