/**
 * One access as section 2 of the hardware manual tells it, for comparison with the emulator: with 64-bit
 * entries, one rule after the other, and no thought of speed. SDM vol. 3C 28.2 and 28.3, vol. 3A 4.
 */

export interface Processor {
  /** Host memory from address 0 on, as 64-bit entries. What lies beyond reads as zero. */
  readonly memory: BigUint64Array;
  readonly indexBits: number;
  readonly eptLevels: number;
  readonly physicalAddressBits: number;
  readonly executeOnly: boolean;
  readonly logEntries: number;
  readonly eptRoot: bigint;
  readonly accessedDirty: boolean;
  readonly pml: boolean;
  readonly modeBasedExecute: boolean;
  readonly logPage: bigint;
  pmlIndex: number;
  readonly paging: "off" | "pae" | "longMode";
  readonly guestLevels: number;
  readonly cr3: bigint;
  readonly pdptes: readonly bigint[];
  readonly user: boolean;
  readonly writeProtect: boolean;
  readonly noExecuteEnable: boolean;
}

export interface Wanted {
  readonly read: boolean;
  readonly write: boolean;
  readonly fetch: boolean;
}

export type Ended =
  | { readonly how: "done"; readonly page: bigint; readonly rights: number }
  | { readonly how: "violation"; readonly qualification: number; readonly page: bigint }
  | { readonly how: "misconfiguration"; readonly page: bigint }
  | { readonly how: "logFull" }
  | { readonly how: "pageFault"; readonly error: number };

interface EptAnswer {
  readonly frame: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly fetch: boolean;
}
type EptEnded = Exclude<Ended, { how: "done" }>;

interface EptAccess extends Wanted {
  /** The page holds a guest paging structure. */
  readonly structure: boolean;
  /** The linear address is a user-mode one. */
  readonly userAddress: boolean;
}

function has(value: bigint, bit: number): boolean {
  return ((value >> BigInt(bit)) & 1n) === 1n;
}

function field(value: bigint, high: number, low: number): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

/** Entry `index` of a table: its position in memory. */
function position(cpu: Processor, table: bigint, page: bigint, level: number): number {
  const index = field(page, level * cpu.indexBits - 1, (level - 1) * cpu.indexBits);
  return Number((table << BigInt(cpu.indexBits)) + index);
}

function isLargeEnough(entry: bigint, level: number): boolean {
  return level === 1 || (level <= 3 && has(entry, 7));
}

function isMisconfigured(cpu: Processor, entry: bigint, level: number): boolean {
  const [r, w, x] = [has(entry, 0), has(entry, 1), has(entry, 2)];
  if (w && !r) return true;
  if (!r && !w && (x || (cpu.modeBasedExecute && has(entry, 10))) && !cpu.executeOnly) return true;
  if (cpu.physicalAddressBits < 52 && field(entry, 51, cpu.physicalAddressBits) !== 0n) return true;
  if (!isLargeEnough(entry, level)) {
    return field(entry, 6, 3) !== 0n || (level >= 4 && has(entry, 7));
  }
  if ([2n, 3n, 7n].includes(field(entry, 5, 3))) return true;
  return level > 1 && field(entry, 11 + (level - 1) * cpu.indexBits, 12) !== 0n;
}

/** The frame that a leaf gives a page: the leaf's address, with the low bits of the page. */
function frameOf(cpu: Processor, entry: bigint, page: bigint, level: number): bigint {
  const low = (1n << BigInt((level - 1) * cpu.indexBits)) - 1n;
  return (field(entry, 51, 12) & ~low) | (page & low);
}

/** 2.2: order of events for one guest-physical access. */
function throughEpt(cpu: Processor, page: bigint, access: EptAccess): EptAnswer | EptEnded {
  const walked: number[] = [];
  let table = cpu.eptRoot;
  let all = ~0n;
  let level = cpu.eptLevels;
  const asWrite = access.write || (access.structure && cpu.accessedDirty);
  const violation = (): EptEnded => {
    let qualification = (access.read ? 1 : 0) | (asWrite ? 2 : 0) | (access.fetch ? 4 : 0);
    qualification |= Number(field(all, 2, 0)) << 3;
    if (cpu.modeBasedExecute && has(all, 10)) qualification |= 1 << 6;
    qualification |= (1 << 7) | (access.structure ? 0 : 1 << 8);
    return { how: "violation", qualification, page };
  };
  // 1. Walk from the root; the first problem ends it.
  for (; ; level--) {
    const at = position(cpu, table, page, level);
    const entry = cpu.memory[at] ?? 0n;
    walked.push(at);
    all &= entry;
    const present = field(entry, 2, 0) !== 0n || (cpu.modeBasedExecute && has(entry, 10));
    if (!present) return violation();
    if (isMisconfigured(cpu, entry, level)) return { how: "misconfiguration", page };
    if (isLargeEnough(entry, level)) break;
    table = field(entry, 51, 12);
  }
  // 2. Permissions over the whole walk.
  const executeBit = cpu.modeBasedExecute && access.userAddress ? 10 : 2;
  if (access.read && !has(all, 0)) return violation();
  if (asWrite && !has(all, 1)) return violation();
  if (access.fetch && !has(all, executeBit)) return violation();
  const leafAt = walked.at(-1)!;
  if (cpu.accessedDirty) {
    // 3. Must any A, or D in the leaf, be set?
    const setDirty = asWrite && !has(cpu.memory[leafAt]!, 9);
    const setAccessed = walked.some((at) => !has(cpu.memory[at]!, 8));
    // 4. Then the index, unsigned, must be in range.
    const inRange = cpu.pmlIndex >= 0 && cpu.pmlIndex < cpu.logEntries;
    if ((setDirty || setAccessed) && cpu.pml && !inRange) return { how: "logFull" };
    // 5. Flags.
    for (const at of walked) cpu.memory[at] = cpu.memory[at]! | (1n << 8n);
    if (setDirty) cpu.memory[leafAt] = cpu.memory[leafAt]! | (1n << 9n);
    // 6. The log.
    if (setDirty && cpu.pml) {
      const log = (cpu.logPage << BigInt(cpu.indexBits)) + BigInt(cpu.pmlIndex);
      cpu.memory[Number(log)] = page << 12n;
      cpu.pmlIndex = (cpu.pmlIndex - 1) & 0xffff;
    }
  }
  const leaf = cpu.memory[leafAt]!;
  return {
    frame: frameOf(cpu, leaf, page, level),
    read: has(all, 0),
    // 2.6: what is cached while D is 0 does not satisfy a write.
    write: has(all, 1) && (!cpu.accessedDirty || has(leaf, 9)),
    fetch: has(all, executeBit),
  };
}

interface GuestAnswer {
  readonly page: bigint;
  readonly write: boolean;
  readonly fetch: boolean;
  readonly userAddress: boolean;
}

/** 2.3: the guest's own walk. */
function throughGuestTables(
  cpu: Processor,
  linear: bigint,
  wanted: Wanted,
): GuestAnswer | EptEnded {
  if (cpu.paging === "off") return { page: linear, write: true, fetch: true, userAddress: true };
  const fault = (cause: number): EptEnded => {
    const fetched = wanted.fetch && cpu.noExecuteEnable ? 1 << 4 : 0;
    const error = cause | (wanted.write ? 1 << 1 : 0) | (cpu.user ? 1 << 2 : 0) | fetched;
    return { how: "pageFault", error };
  };
  let table = cpu.cr3;
  let level = cpu.guestLevels;
  if (cpu.paging === "pae") {
    level = 2;
    const pdpte = cpu.pdptes[Number(field(linear, 2 * cpu.indexBits + 1, 2 * cpu.indexBits))]!;
    if (!has(pdpte, 0)) return fault(0);
    table = field(pdpte, 51, 12);
  }
  const path: { at: number; table: bigint }[] = [];
  let [user, writable, executeDisable] = [true, true, false];
  for (; ; level--) {
    const structure = { read: true, write: false, fetch: false, structure: true };
    const answer = throughEpt(cpu, table, { ...structure, userAddress: user });
    if ("how" in answer) return answer;
    const at = position(cpu, answer.frame, linear, level);
    const entry = cpu.memory[at] ?? 0n;
    if (!has(entry, 0)) return fault(0);
    const highest = cpu.paging === "pae" ? 62 : 51;
    const large = level > 1 && has(entry, 7);
    const reserved =
      (cpu.physicalAddressBits <= highest &&
        field(entry, highest, cpu.physicalAddressBits) !== 0n) ||
      (has(entry, 63) && !cpu.noExecuteEnable) ||
      (large && level > 3) ||
      (large && level <= 3 && (field(entry, 11 + (level - 1) * cpu.indexBits, 12) & ~1n) !== 0n);
    if (reserved) return fault((1 << 0) | (1 << 3));
    path.push({ at, table });
    user &&= has(entry, 2);
    writable &&= has(entry, 1);
    executeDisable ||= has(entry, 63);
    if (level === 1 || large) break;
    table = field(entry, 51, 12);
  }
  const mayWrite = writable || (!cpu.user && !cpu.writeProtect);
  const refused =
    (cpu.user && !user) || (wanted.write && !mayWrite) || (wanted.fetch && executeDisable);
  if (refused) return fault(1 << 0);
  // The guest's own flags, once its walk has succeeded.
  for (const [i, { at, table: of }] of path.entries()) {
    const isLeaf = i === path.length - 1;
    const flags = (1n << 5n) | (isLeaf && wanted.write ? 1n << 6n : 0n);
    if ((cpu.memory[at]! | flags) === cpu.memory[at]) continue;
    if (!cpu.accessedDirty) {
      const update = { read: true, write: true, fetch: false, structure: true };
      const answer = throughEpt(cpu, of, { ...update, userAddress: user });
      if ("how" in answer) return answer;
    }
    cpu.memory[at] = cpu.memory[at]! | flags;
  }
  const leaf = cpu.memory[path.at(-1)!.at]!;
  return {
    page: frameOf(cpu, leaf, linear, level),
    write: mayWrite && has(leaf, 6),
    fetch: !executeDisable,
    userAddress: user,
  };
}

/** One access with nothing cached. Memory and index of `cpu` change as the processor's do. */
export function specifiedAccess(cpu: Processor, linear: bigint, wanted: Wanted): Ended {
  const guest = throughGuestTables(cpu, linear, wanted);
  if ("how" in guest) return guest;
  const { page, userAddress } = guest;
  const answer = throughEpt(cpu, page, { ...wanted, structure: false, userAddress });
  if ("how" in answer) return answer;
  const rights =
    (answer.read ? 1 : 0) |
    (answer.write && guest.write ? 2 : 0) |
    (answer.fetch && guest.fetch ? 4 : 0);
  return { how: "done", page, rights };
}
