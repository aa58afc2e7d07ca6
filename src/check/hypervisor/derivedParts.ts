/**
 * Memory beside that of parts, as parts: what a processor has derived from the VMCS that it has loaded, which is made
 * anew before a step of its own actor, and which another actor may neither write nor read; and which technique
 * a VM's tracker has armed, which a pager looks at.
 */

import type { Mmu } from "../../hardware/mmu.ts";
import type { MemoryPart, NormalForm } from "../../hardware/normalForm.ts";
import type { WordArray } from "../../hardware/part.ts";
import { elementAt } from "../../hardware/part.ts";
import { TECHNIQUES, techniqueNamed } from "../../hypervisor/techniques/all.ts";
import { fieldOf, itemAt } from "../../lookup.ts";
import type { World } from "../../system/world.ts";
import { type Domain, FIXED, STATISTICS } from "./memoryOwners.ts";

/** What a processor is made with. */
const BUILT = [
  "compatibility",
  "eptLevels",
  "indexBits",
  "eptTopShift",
  "eptPages",
  "walkReferenceCost",
  "l2TlbHitCost",
  "unusualHighBits",
  "unitControls",
];

/** The logs that VM entry selected, as numbers: 0 for none. */
function selectedLogs({ units, dirtyLog, walkLog }: Mmu): Int32Array {
  const numberOf = (log: Mmu["dirtyLog"] | Mmu["walkLog"]): number =>
    units.findIndex((unit) => unit.log === log) + 1;
  return Int32Array.of(numberOf(dirtyLog), numberOf(walkLog));
}

/** Any number stands for one of them, or for none. */
function selectLogs(mmu: Mmu, numbers: ArrayLike<number>): void {
  const { units } = mmu;
  const logs = Array.from(
    numbers,
    (number) => units[((number >>> 0) % (units.length + 1)) - 1]?.log,
  );
  mmu.dirtyLog = logs.find((log) => log?.logs === "transitions") ?? null;
  mmu.walkLog = logs.find((log) => log?.logs === "walks") ?? null;
}

/** What an MMU has loaded, and the results of its last walk and burst. */
class MmuRegisters implements MemoryPart {
  readonly name: string;
  readonly fields: readonly string[];
  readonly #mmu: Mmu;

  constructor(mmu: Mmu, pcpu: number) {
    this.name = `pcpu${pcpu}/mmu`;
    this.#mmu = mmu;
    this.fields = Object.entries(mmu)
      .filter(([field, value]) => isWord(value) && !BUILT.includes(field))
      .map(([field]) => field);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { path, guestPath } = this.#mmu;
    const values = this.fields.map((field) => Number(Reflect.get(this.#mmu, field)));
    return { path, guestPath, logs: selectedLogs(this.#mmu), registers: Int32Array.from(values) };
  }

  put({ path, guestPath, logs, registers }: Readonly<Record<string, WordArray>>): void {
    this.#mmu.path.set(path!);
    this.#mmu.guestPath.set(guestPath!);
    selectLogs(this.#mmu, logs ?? []);
    this.fields.forEach((field, i) => {
      const isFlag = typeof Reflect.get(this.#mmu, field) === "boolean";
      Reflect.set(
        this.#mmu,
        field,
        isFlag ? (elementAt(registers!, i) & 1) === 1 : elementAt(registers!, i),
      );
    });
  }
}

function isWord(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

/** The technique that a VM's tracker has armed, as the devices see it. */
export class ArmedTechnique implements MemoryPart {
  readonly name: string;
  readonly form: NormalForm;
  readonly #armed: World["vms"][number]["armed"];

  constructor({ armed }: World["vms"][number], vm: number) {
    this.name = `vm${vm}/armed`;
    this.#armed = armed;
    this.form = {
      extents: [
        { part: this, array: "technique", nameOf: () => `the technique armed on VM ${vm}` },
      ],
      lists: ["armed"],
      save: () => ({ armed: Array.from(fieldOf(this.arrays(), "technique")) }),
      restore: ({ armed: words }) => this.put({ technique: Int32Array.from(words!) }),
      scramble() {},
      renumber: ({ armed: words }) => ({ armed: words! }),
    };
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const number = TECHNIQUES.indexOf(this.#armed.technique?.name ?? "none");
    return { technique: Int32Array.of(number) };
  }

  put({ technique }: Readonly<Record<string, WordArray>>): void {
    const number = (elementAt(technique!, 0) >>> 0) % TECHNIQUES.length;
    this.#armed.technique = techniqueNamed(itemAt(TECHNIQUES, number));
  }
}

/** Parts, and whose they are. */
export interface OwnedParts {
  readonly parts: readonly MemoryPart[];
  readonly domains: readonly Domain[];
}

export function derivedParts({ mmus }: World): OwnedParts {
  const registers = mmus.map((mmu, pcpu) => new MmuRegisters(mmu, pcpu));
  return {
    parts: registers,
    domains: [
      ...registers.map((part, pcpu) => ({
        owner: part.name,
        extents: ["path", "guestPath", "logs", "registers"].map((array) => ({
          part,
          array,
          nameOf: (at: number) =>
            `"${array === "registers" ? part.fields[at] : array}" of the MMU of CPU ${pcpu}`,
        })),
      })),
    ],
  };
}

/**
 * What of the world is no slot's. Counters, what has been reported so far, and the digest of memory are for people;
 * times of CPUs are noted by ports, which no step goes through. The rest stays as it is: which log has which
 * frames (all are allotted beforehand), chosen pages (no model chooses any), and how guests are to be slowed.
 * @param kept positions in the counters that a slot has all the same
 */
export function noState(world: World, kept: readonly number[]): readonly Domain[] {
  const { memory, logs, vcpus, vms, cpuTimes, cpuWaits, pvmTimes } = world;
  const counters = vcpus.flatMap(({ counters }) =>
    runsBetween(kept, counters.values.length).map(([from, end]) => {
      return { part: counters, array: "values", from, end };
    }),
  );
  const reported = vms.flatMap(({ reportedWritten, reportedTouched }) =>
    [reportedWritten, reportedTouched].flatMap((part) =>
      ["bits", "state"].map((array) => ({ part, array })),
    ),
  );
  return [
    {
      owner: STATISTICS,
      extents: [...counters, ...reported, { part: memory, array: "state", from: 1 }],
    },
    {
      owner: FIXED,
      extents: [
        { part: memory, array: "words" },
        { part: memory, array: "state" },
        ...["frame", "state", "handled"].map((array) => ({ part: logs, array })),
        ...vms.flatMap(({ tracked: { sampled: part } }) =>
          ["bits", "state"].map((array) => ({ part, array })),
        ),
        ...vcpus.flatMap(({ stream: part }) =>
          ["state", "intensity"].map((array) => ({ part, array })),
        ),
        ...[cpuTimes, cpuWaits, pvmTimes].flatMap((part) =>
          Object.keys(part.arrays()).map((array) => ({ part, array })),
        ),
      ],
    },
  ];
}

/** What lies between some positions: pairs of a first one and the end. */
function runsBetween(kept: readonly number[], length: number): (readonly [number, number])[] {
  const ends = [...kept].sort((a, b) => a - b);
  const starts = [0, ...ends.map((at) => at + 1)];
  return starts
    .map((from, i) => [from, ends[i] ?? length] as const)
    .filter(([from, end]) => from < end);
}
