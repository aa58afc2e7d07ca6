/** What a guest runs for one step: the code of the image that does it, and what that code needs. */
import type { AccessKindName } from "../hardware/accessLoop.ts";
import { findLeaf, frameAt } from "../hardware/ept.ts";
import { isLeaf } from "../hardware/formats/entryFormat.ts";
import {
  Field,
  GuestMode,
  RFLAGS_RF,
  readField,
  SECONDARY_EPT,
  secondaryControls,
} from "../hardware/vmcs.ts";
import { joinWords } from "../hardware/words.ts";
import type { Machine, Vcpu } from "../litmus/state.ts";
import type { Step } from "../litmus/stepSchema.ts";
import type { Frames } from "./frames.ts";
import { NotAsked } from "./notAsked.ts";
import type { Registers } from "./table.ts";
import { type FieldWrite, type GuestCode, linearOf } from "./vmcsFields.ts";

/** One entry of the guest, from which the next exit comes. */
export interface Run {
  /** Name of the operation in the image, without the prefix of its width. */
  readonly operation: string;
  readonly user?: boolean;
  readonly registers?: Registers;
  /** Bytes of guests' memory, by physical address. */
  readonly bytes?: readonly (readonly [number, number])[];
  /** It ends in user mode. */
  readonly toUser?: boolean;
  /** Stack pointer. */
  readonly stack?: number;
  /** MOV to CR3 comes first. */
  readonly cr3?: bigint;
  /** Where RIP is if the instruction itself exits; the operation's address without it. */
  readonly rip?: bigint;
  /** The operation begins with the entry: the event that VM entry injects. */
  readonly event?: {
    readonly stack: number;
    readonly vector: number;
    readonly gate: number | null;
    readonly information: number;
  };
  /** Accesses of a burst. */
  readonly count?: number;
  /** Set in RFLAGS when it begins in user mode. */
  readonly flags?: bigint;
  /** Fields of the VMCS for this entry alone. */
  readonly fields?: readonly FieldWrite[];
  /** An interrupt is pending when the guest is entered: the image has sent it to itself. */
  readonly interrupted?: boolean;
}

/** Ends a fetch. QEMU has no exit for INT3 in a guest of SVM; what is no instruction exits. */
const INT3 = 0xcc;
const NO_INSTRUCTION = 0x06;
const NMI = 2;
const VMCALL = [0x0f, 0x01, 0xc1];
/** AMD's. */
const VMMCALL = [0x0f, 0x01, 0xd9];
/** JMP to RBP: a fetched page of a burst returns. */
const JUMP_BACK = [0xff, 0xe5];
const LETTERS = { read: "r", write: "w", readModifyWrite: "m" } as const;
const SIZES = [1, 2, 4, 8];
const BURST_FETCHES = 16;
const FRAME_64_BYTES = 40;

export interface Place {
  readonly machine: Machine;
  readonly vcpu: Vcpu;
  readonly frames: Frames;
  readonly code: GuestCode;
}

/** 64 bits of a linear address that is a signed number. */
export function linear64(place: Place, address: number): bigint {
  return BigInt.asUintN(place.code.pae ? 32 : 64, BigInt(address));
}

/** Where bytes are in the emulated machine. */
interface Located {
  readonly frame: number;
  readonly offset: number;
}

/** Where a linear address leads, or null if nothing maps it. */
function locate({ machine, vcpu, code }: Place, address: number): Located | null {
  const linear = code.pae ? ((address % 2 ** 32) + 2 ** 32) % 2 ** 32 : address;
  const page = machine.tables.resolve(Math.floor(linear / 4096));
  const offset = ((linear % 4096) + 4096) % 4096;
  if (page < 0) return null;
  if ((secondaryControls(vcpu.vmcs) & SECONDARY_EPT) === 0) return { frame: page, offset };
  const { ept, memory, geometry } = machine;
  if (page >= 2 ** (geometry.eptLevels * geometry.indexBits)) return null;
  const leaf = findLeaf(ept, page);
  if (leaf === null) return null;
  const low = memory.words[leaf.word] ?? 0;
  if (!isLeaf(ept.format, low, leaf.level)) return null;
  const mask = 2 ** ((leaf.level - 1) * geometry.indexBits) - 1;
  const first = frameAt(ept, leaf.word);
  const frame = first - (first & mask) + (page & mask);
  return frame < 0 || frame >= 2 ** 28 ? null : { frame, offset };
}

function isStructure({ machine, code }: Place, { frame }: Located): boolean {
  return code.ept && frame > 0 && frame < machine.memory.framesUsed;
}

/** Physical address of a linear one, or null if nothing maps it. */
export function physicalOf(place: Place, address: number): number | null {
  const at = locate(place, address);
  if (at === null) return null;
  if (isStructure(place, at))
    throw new NotAsked("code or a stack in a page with paging structures");
  return place.code.ept ? place.frames.physical(at.frame) + at.offset : at.frame * 4096 + at.offset;
}

/** What a store stores: in a page with paging structures what is there, so that they stay as they are. */
function stored(place: Place, kind: AccessKindName, address: number, size: number): bigint {
  const at = locate(place, address);
  const last = locate(place, address + size - 1);
  const structures = [at, last].filter((one) => one !== null && isStructure(place, one));
  if (at === null || structures.length === 0) return 0x5an;
  const inOneWord = at.frame === last?.frame && at.offset % 8 < 9 - size;
  if (kind !== "write" || !inOneWord || place.code.pae) {
    throw new NotAsked("a store that changes paging structures");
  }
  const [low, high] = place.machine.memory.readEntry(at.frame, at.offset >>> 3);
  const word = joinWords(low, high) >> BigInt(8 * (at.offset % 8));
  return BigInt.asUintN(8 * size, word);
}

/** Bytes at a linear address, where something maps it. */
export function placed(
  place: Place,
  address: number,
  bytes: readonly number[],
): (readonly [number, number])[] {
  return bytes.flatMap((byte, i) => {
    const at = physicalOf(place, address + i);
    return at === null ? [] : [[at, byte] as const];
  });
}

function isUser(place: Place, user: boolean | undefined): boolean {
  return user ?? (readField(place.vcpu.vmcs, Field.guestMode) & GuestMode.user) !== 0;
}

/** With the guest's own paging left out, the image maps linear addresses below 1 TiB to themselves. */
function refuseFar({ code, machine }: Place, address: number, bytes: number): void {
  if (code.pae || machine.tables.paging !== "off") return;
  if (address < 0 || address + bytes > 2 ** 40) {
    throw new NotAsked("a linear address beyond 1 TiB without paging of the guest's own");
  }
}

/** One access of some bytes. */
export function accessRun(
  place: Place,
  kind: AccessKindName,
  address: number,
  options: { readonly size?: number | undefined; readonly user?: boolean | undefined },
): Run {
  const size = options.size ?? 1;
  const user = isUser(place, options.user);
  refuseFar(place, address, size);
  const rbx = linear64(place, address);
  if (kind === "fetch") {
    const crosses = (((address % 4096) + 4096) % 4096) + size > 4096;
    const [call, one] = place.code.svm ? [VMMCALL, NO_INSTRUCTION] : [VMCALL, INT3];
    const bytes = placed(place, address, crosses ? call : [one]);
    return { operation: "fetch", user, registers: { rbx }, bytes, rip: rbx };
  }
  if (!SIZES.includes(size)) {
    throw new NotAsked(`an access of ${size} bytes`);
  }
  const rsi = kind === "read" ? 0x5an : stored(place, kind, address, size);
  return { operation: `${LETTERS[kind]}${size}`, user, registers: { rbx, rsi } };
}

/** The bursts of a step, in order. */
export function burstRuns(place: Place, step: Extract<Step, { run: unknown }>): Run[] {
  if (step.budget !== undefined) throw new NotAsked("a burst that a budget of cycles ends");
  return step.run.flatMap((part): Run[] => {
    const { count = 1, stride = 4096 } = part;
    if (count === 0) return [];
    const user = isUser(place, undefined);
    if (part.fetch !== undefined) return fetches(place, part.fetch, count, stride);
    for (const kind of ["read", "write", "readModifyWrite"] as const) {
      const address = part[kind];
      if (address === undefined) continue;
      if (user && place.code.pae) throw new NotAsked("a burst in user mode of a PAE guest");
      refuseFar(place, address, count * stride);
      const rbx = linear64(place, address);
      const registers = { rbx, rdx: BigInt(stride), rsi: 0x5an };
      return [{ operation: `run_${LETTERS[kind]}`, user, registers, count }];
    }
    return [];
  });
}

/** With the guest's own paging left out the code returns from each page; else each fetch is an entry. */
function fetches(place: Place, address: number, count: number, stride: number): Run[] {
  const addresses = Array.from({ length: count }, (_, i) => address + i * stride);
  if (place.machine.tables.paging !== "off" || count === 1) {
    if (count > BURST_FETCHES) throw new NotAsked("a long burst of fetches in a paged guest");
    return addresses.map((at) => ({ ...accessRun(place, "fetch", at, {}), count: 1 }));
  }
  const bytes = addresses.flatMap((at) => placed(place, at, JUMP_BACK));
  const registers = { rbx: linear64(place, address), rdx: BigInt(stride) };
  return [{ operation: "run_f", user: false, registers, bytes, count }];
}

/** IRET, with its frame on the stack. */
export function iretRun(place: Place, step: Extract<Step, { iret: unknown }>): Run {
  const { code, vcpu } = place;
  const { pae } = code;
  const mode = readField(vcpu.vmcs, Field.guestMode);
  const from = (mode & GuestMode.user) !== 0;
  const user = step.user ?? from;
  if (from && !user) throw new NotAsked("IRET to a lower privilege level");
  const flags = 0x202n | (step.resumeFlag === true ? 0x10000n : 0n);
  const target = linearOf(code, pae ? "g32_vmcall" : "g64_vmcall");
  const code64 = user ? 0x2bn : 0x08n;
  const code32 = user ? 0x43n : 0x30n;
  const data = pae ? (user ? 0x4bn : 0x38n) : user ? 0x23n : 0x10n;
  const slot = pae ? 4 : 8;
  const values = [target, pae ? code32 : code64, flags, 0n, data];
  const bytes = values.flatMap((value) =>
    Array.from({ length: slot }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)),
  );
  if (bytes.length > FRAME_64_BYTES) throw new Error("a frame has five slots");
  return {
    operation: "iret",
    user: from,
    toUser: user,
    stack: step.iret,
    bytes: placed(place, step.iret, bytes),
  };
}

/** The gate of an event, where the step names it: it leads to the image's own code. */
export function gateBytes(place: Place, gate: number): (readonly [number, number])[] {
  const { code } = place;
  const to = linearOf(code, code.pae ? "g32_vmcall" : "g64_vmcall");
  const selector = code.pae ? 0x30n : 0x08n;
  const low =
    (to & 0xffffn) | (selector << 16n) | (0x8en << 40n) | (((to >> 16n) & 0xffffn) << 48n);
  const words = code.pae ? [low] : [low, to >> 32n];
  const bytes = words.flatMap((word) =>
    Array.from({ length: 8 }, (_, i) => Number((word >> BigInt(8 * i)) & 0xffn)),
  );
  return placed(place, gate, bytes);
}

/** VMCS fields: limit of the IDT, and which exceptions exit. */
const NO_IDT = [0x4812, 0n] as const;
const EXCEPTION_BITMAP = 0x4004;
/** RFLAGS.AC */
const ALIGNMENT_CHECK = 1n << 18n;

/** Exceptions that an instruction of the image causes, by their vectors. */
const CAUSES: ReadonlyMap<number, Run> = new Map<number, Run>([
  [0, { operation: "div", registers: { r9: 0n } }],
  [6, { operation: "ud", registers: {} }],
  [11, { operation: "np", registers: { rdx: 0x60n } }],
  [12, { operation: "ss", registers: { rbp: 0x8000000000000000n } }],
  [13, { operation: "gp", registers: { rdx: 0x8000000000000000n } }],
  // A linear address of the image's own half that nothing maps.
  [14, { operation: "pf", registers: { rdx: 0xffffff0000000000n } }],
  [1, { operation: "icebp" }],
  [7, { operation: "nm" }],
  // An undefined instruction without an IDT: a double fault, which alone exits.
  [8, { operation: "ud", fields: [NO_IDT, [EXCEPTION_BITMAP, 1n << 8n]] }],
  [16, { operation: "mf" }],
  [17, { operation: "ac", user: true, flags: ALIGNMENT_CHECK }],
  [19, { operation: "xm" }],
]);

/** An exit that an instruction or an exception causes. */
export function exitRun(place: Place, step: Extract<Step, { vmexit: unknown }>): Run {
  switch (step.vmexit) {
    case "hlt":
      return { operation: "hlt" };
    case "vmcall":
      return { operation: "vmcall_exit" };
    case "externalInterrupt":
      return { operation: "vmcall", interrupted: true };
    case "exceptionOrNmi": {
      if (step.vector === NMI) return nmiRun(place);
      const cause = CAUSES.get(step.vector ?? -1);
      if (cause === undefined || place.code.pae) {
        throw new NotAsked(`exception ${step.vector ?? "without a vector"} of an instruction`);
      }
      return cause;
    }
  }
}

/** An NMI, which the guest's own store to the local APIC sends: a VMM could not have one pending, as it would take it. */
function nmiRun({ code, vcpu }: Place): Run {
  if (code.pae || !code.ept) throw new NotAsked("an NMI in a guest of 32 bits, or without EPT");
  const resumes = (readField(vcpu.vmcs, Field.guestRflags) & RFLAGS_RF) !== 0;
  if (resumes) throw new NotAsked("an NMI before the first instruction");
  return { operation: "nmi" };
}
