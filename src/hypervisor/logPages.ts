/** The pages that logs of page-logging units occupy: one log, or two, for each vCPU, from a pool that can run out. */
import { type Geometry, logFrames } from "../hardware/geometry.ts";
import type { HostMemory } from "../hardware/memory.ts";
import { type NameOf, type NormalForm, SCRAMBLED } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { Field, readField, type Vmcs } from "../hardware/vmcs.ts";
import { LOG_CONTROLS } from "../units/all.ts";
import type { Unit, VmcsWords } from "../units/unit.ts";

export class LogPages implements Part {
  readonly name = "logs";
  /** Which log has which frames stays as it is once all are allotted. */
  readonly settings = ["frame", "state", "handled"];
  readonly memory: HostMemory;
  readonly geometry: Geometry;
  /** Per vCPU: first frame of its logs, 0 until allotted; negated while they are back in the pool. */
  readonly frame: Int32Array;
  /** Per vCPU: logs that the pVM's handler has copied but not yet reset, a bit each. */
  readonly handled: Int32Array;
  /** [0]: logs that can still be allotted; negative = without limit. */
  readonly state: Int32Array;

  constructor(memory: HostMemory, geometry: Geometry, vcpus: number, limit = -1) {
    this.memory = memory;
    this.geometry = geometry;
    this.frame = new Int32Array(vcpus);
    this.handled = new Int32Array(vcpus);
    this.state = Int32Array.of(limit);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { frame: this.frame, handled: this.handled, state: this.state };
  }
}

/** Gives a vCPU its log pages; false if the pool is empty. A second call changes nothing. */
export function allotLog(logs: LogPages, vcpu: number): boolean {
  const frame = logs.frame[vcpu]!;
  if (frame > 0) return true;
  if (logs.state[0] === 0) return false;
  logs.frame[vcpu] = frame < 0 ? -frame : logs.memory.allocate(2 * logFrames(logs.geometry));
  logs.state[0] = logs.state[0]! - 1;
  return true;
}

/**
 * Gives a vCPU's log pages back, for another vCPU to have: logging was turned off, or could not be turned on
 * for all (Xen vmx_vcpu_disable_pml, vmx_domain_enable_pml). A pool without limit does not notice.
 */
export function freeLog(logs: LogPages, vcpu: number): void {
  if (logs.state[0]! < 0 || logs.frame[vcpu]! <= 0) return;
  logs.frame[vcpu] = -logs.frame[vcpu]!;
  logs.state[0] = logs.state[0]! + 1;
}

/** Words from one of a vCPU's two logs to the other. */
export function logWords(logs: LogPages): number {
  return logFrames(logs.geometry) * logs.memory.frameWords;
}

/** In a slot of a log that is not in use: no entry looks so, as addresses of pages are aligned. */
const NO_ENTRY = 1;
const PAGE_SHIFT = 12;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;

/** Whose logs they are, and which slots of them are in use. */
export interface LogUse {
  readonly vcpu: number;
  readonly vm: number;
  readonly vmcs: Vmcs;
  /** Whose logs they are. A processor may log on after its VMCS says otherwise, so that the VMCS does not tell. */
  readonly unit: Unit;
}

/** The entries of a vCPU's logs that have been written since each was emptied; with lists of its VMCS (vmcsForm.ts). */
export function logForm(logs: LogPages, { vcpu, vm, vmcs, unit }: LogUse): NormalForm {
  const { memory, geometry } = logs;
  const { first, length, end } = logPlace(logs, vcpu);
  const words = (): Int32Array => memory.words.subarray(first, end);

  const isUsed = (at: number, fields: VmcsWords = vmcs): boolean => {
    const log = at < length ? 0 : 1;
    const slot = (at - log * length) >> 1;
    const [from, until] = unit.usedSlots(fields, log, geometry);
    return slot >= from && slot < until;
  };
  return {
    extents: logExtents(logs, vcpu),
    lists: ["log", "handled"],
    save() {
      refuseOtherUnit(vmcs, unit);
      const log = Array.from(words(), (word, at) => (isUsed(at) ? word : 0));
      return { log, handled: [logs.handled[vcpu]!] };
    },
    restore({ log, handled }) {
      logs.handled[vcpu] = handled![0]!;
      // What is stored in an unused slot then is seen, whichever page it is.
      words().forEach((_, at, all) => {
        all[at] = isUsed(at) ? log![at]! : NO_ENTRY;
      });
    },
    scramble() {
      words().forEach((_, at, all) => {
        if (!isUsed(at)) all[at] = SCRAMBLED << PAGE_SHIFT;
      });
    },
    renumber: ({ fields, image, log, handled }, { page }) => ({
      log: log!.map((word, at) => {
        // Of the two words of an entry the low one holds the page.
        if (at % 2 === 1 || !isUsed(at, { words: fields!, image: image! })) return word;
        return (page(vm, word >>> PAGE_SHIFT) << PAGE_SHIFT) | (word & PAGE_MASK);
      }),
      handled: handled!,
    }),
  };
}

/** The words of a vCPU's two logs: from `first` to `end`, `length` each. */
function logPlace(logs: LogPages, vcpu: number): { first: number; length: number; end: number } {
  const first = logs.frame[vcpu]! * logs.memory.frameWords;
  const length = logWords(logs);
  return { first, length, end: first + 2 * length };
}

function logExtents(logs: LogPages, vcpu: number): NormalForm["extents"] {
  const { first, length, end } = logPlace(logs, vcpu);
  return [
    {
      part: logs.memory,
      array: "words",
      from: first,
      end,
      nameOf: entryNames(vcpu, first, length),
    },
    {
      part: logs,
      array: "handled",
      from: vcpu,
      end: vcpu + 1,
      nameOf: () => `which logs of vCPU ${vcpu} the handler has copied`,
    },
  ];
}

function refuseOtherUnit(vmcs: Vmcs, unit: Unit): void {
  const others = readField(vmcs, Field.secondaryControls) & LOG_CONTROLS & ~unit.enabling;
  if (others === 0) return;
  const { label } = unit.declaration;
  throw new Error(`another unit than ${label} logs: what the logs hold is not known`);
}

/** @param first word where the logs begin. @param length of one log */
function entryNames(vcpu: number, first: number, length: number): NameOf {
  return (at) => {
    const [log, within] = [Math.floor((at - first) / length), (at - first) % length];
    return `entry ${within >> 1} of log ${log} of vCPU ${vcpu}${at % 2 === 1 ? ", high word" : ""}`;
  };
}
