/** What a guest runs for one step: the code of the image that does it, and what that code needs. */
import type { AccessKindName } from "../hardware/accessLoop.ts";
import { findLeaf } from "../hardware/ept.ts";
import { isLeaf } from "../hardware/eptEntry.ts";
import { Field, GuestMode, readField, SECONDARY_EPT, secondaryControls } from "../hardware/vmcs.ts";
import { pageOfWords } from "../hardware/words.ts";
import type { Machine, Vcpu } from "../litmus/state.ts";
import type { Step } from "../litmus/stepSchema.ts";
import type { Frames } from "./frames.ts";
import { NotAsked } from "./notAsked.ts";
import type { Registers } from "./table.ts";
import { type GuestCode, linearOf } from "./vmcsFields.ts";

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
}

const INT3 = 0xcc;
const VMCALL = [0x0f, 0x01, 0xc1];
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

/** Physical address of a linear one, or null if nothing maps it. */
export function physicalOf({ machine, vcpu, frames, code }: Place, address: number): number | null {
  const linear = code.pae ? ((address % 2 ** 32) + 2 ** 32) % 2 ** 32 : address;
  const page = machine.tables.resolve(Math.floor(linear / 4096));
  const offset = ((linear % 4096) + 4096) % 4096;
  if (page < 0) return null;
  if ((secondaryControls(vcpu.vmcs) & SECONDARY_EPT) === 0) return page * 4096 + offset;
  const { ept, memory, geometry } = machine;
  if (page >= 2 ** (geometry.eptLevels * geometry.indexBits)) return null;
  const leaf = findLeaf(ept, page);
  if (leaf === null) return null;
  const low = memory.words[leaf.word] ?? 0;
  if (!isLeaf(low, leaf.level)) return null;
  const mask = 2 ** ((leaf.level - 1) * geometry.indexBits) - 1;
  const first = pageOfWords(low, memory.words[leaf.word + 1] ?? 0);
  const frame = first - (first & mask) + (page & mask);
  if (frame > 0 && frame < machine.memory.framesUsed) {
    throw new NotAsked("code, a stack or a store in a page with paging structures");
  }
  return frame < 0 || frame >= 2 ** 28 ? null : frames.physical(frame) + offset;
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
    const bytes = placed(place, address, crosses ? VMCALL : [INT3]);
    return { operation: "fetch", user, registers: { rbx }, bytes, rip: rbx };
  }
  if (!SIZES.includes(size) || (place.code.pae && size > 4)) {
    throw new NotAsked(`an access of ${size} bytes`);
  }
  // Throws if a store would change paging structures: what they hold then is not asked.
  if (kind !== "read")
    placed(
      place,
      address,
      Array.from({ length: size }, () => 0),
    );
  return { operation: `${LETTERS[kind]}${size}`, user, registers: { rbx, rsi: 0x5an } };
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

/** Exceptions that an instruction of the image causes, by their vectors. */
const CAUSES: ReadonlyMap<number, { readonly operation: string; readonly registers: Registers }> =
  new Map([
    [0, { operation: "div", registers: { r9: 0n } }],
    [6, { operation: "ud", registers: {} }],
    [11, { operation: "np", registers: { rdx: 0x60n } }],
    [12, { operation: "ss", registers: { rbp: 0x8000000000000000n } }],
    [13, { operation: "gp", registers: { rdx: 0x8000000000000000n } }],
    // A linear address of the image's own half that nothing maps.
    [14, { operation: "pf", registers: { rdx: 0xffffff0000000000n } }],
  ]);

/** An exit that an instruction or an exception causes. */
export function exitRun(place: Place, step: Extract<Step, { vmexit: unknown }>): Run {
  switch (step.vmexit) {
    case "hlt":
      return { operation: "hlt" };
    case "vmcall":
      return { operation: "vmcall_exit" };
    case "externalInterrupt":
      throw new NotAsked("an interrupt of a device");
    case "exceptionOrNmi": {
      if (step.vector === 2) throw new NotAsked("an NMI from outside");
      const cause = CAUSES.get(step.vector ?? -1);
      if (cause === undefined || place.code.pae) {
        throw new NotAsked(`exception ${step.vector ?? "without a vector"} of an instruction`);
      }
      return cause;
    }
  }
}
