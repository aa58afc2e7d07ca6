/**
 * One access, load of PDPTEs or event as the SDM tells it, for comparison with the emulator: with 64-bit
 * entries and addresses, one rule after the other, and no thought of speed. SDM vol. 3C 24 to 28, vol. 3A 4 and 6.
 */

export interface Processor {
  /** Host memory from address 0 on, as 64-bit entries. What lies beyond reads as zero until it is written. */
  readonly memory: BigUint64Array;
  /** What lies beyond, by number of the entry. */
  readonly beyond: Map<bigint, bigint>;
  /** Primary control bit 31. */
  readonly secondaryActivated: boolean;
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
  paging: "off" | "pae" | "longMode";
  readonly guestLevels: number;
  cr3: bigint;
  pdptes: readonly bigint[];
  user: boolean;
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
  | { readonly how: "pageFault"; readonly error: number }
  | { readonly how: "generalProtection" }
  | { readonly how: "stackFault" };

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
  /** No linear address is translated: the access loads PDPTEs. */
  readonly noLinearAddress?: boolean;
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
  // Without EPT guest-physical addresses are host-physical ones; secondary controls count only if activated.
  if (!cpu.secondaryActivated) return { frame: page, read: true, write: true, fetch: true };
  const walked: number[] = [];
  let table = cpu.eptRoot;
  let all = ~0n;
  let level = cpu.eptLevels;
  const pdptes = access.noLinearAddress === true;
  const asWrite = access.write || (access.structure && !pdptes && cpu.accessedDirty);
  const violation = (): EptEnded => {
    let qualification = (access.read ? 1 : 0) | (asWrite ? 2 : 0) | (access.fetch ? 4 : 0);
    qualification |= Number(field(all, 2, 0)) << 3;
    if (cpu.modeBasedExecute && has(all, 10)) qualification |= 1 << 6;
    if (!pdptes) qualification |= (1 << 7) | (access.structure ? 0 : 1 << 8);
    return { how: "violation", qualification, page };
  };
  // An address that the tables have no index for: no entry, no right.
  if (page >> BigInt(cpu.eptLevels * cpu.indexBits) !== 0n) {
    all = 0n;
    return violation();
  }
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
  const leaf = cpu.memory[leafAt]!;
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
      // Wherever it lies, over tables too: the walk goes on with the entries that it has read.
      const log = (cpu.logPage << BigInt(cpu.indexBits)) + BigInt(cpu.pmlIndex);
      if (log < BigInt(cpu.memory.length)) cpu.memory[Number(log)] = page << 12n;
      else cpu.beyond.set(log, page << 12n);
      cpu.pmlIndex = (cpu.pmlIndex - 1) & 0xffff;
    }
  }
  return {
    frame: frameOf(cpu, leaf, page, level),
    read: has(all, 0),
    // 2.6: what is cached while D is 0 does not satisfy a write.
    write: has(all, 1) && (!cpu.accessedDirty || asWrite || has(leaf, 9)),
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
  if (!isCanonical(cpu, linear << 12n)) return { how: "generalProtection" };
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
  const path: { at: number; table: bigint; entry: bigint }[] = [];
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
    path.push({ at, table, entry });
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
  const leaf = path.at(-1)!.entry;
  return {
    page: frameOf(cpu, leaf, linear, level),
    write: mayWrite && (wanted.write || has(leaf, 6)),
    fetch: !executeDisable,
    userAddress: user,
  };
}

/** Bits 63 to the top one that is translated are equal. An address is a signed number of 64 bits. */
function isCanonical(cpu: Processor, address: bigint): boolean {
  const bits = 12 + cpu.guestLevels * cpu.indexBits;
  return cpu.paging !== "longMode" || BigInt.asIntN(bits, address) === address;
}

/** A PAE guest has linear addresses of 32 bits; here as many as its tables translate. */
function wrap(cpu: Processor, address: bigint): bigint {
  return cpu.paging === "pae" ? BigInt.asUintN(12 + 2 + 2 * cpu.indexBits, address) : address;
}

/**
 * An access of some bytes with nothing cached: each of its pages, unless part of it is not canonical. Memory and
 * index of `cpu` change as the processor's do.
 */
export function specifiedAccess(
  cpu: Processor,
  address: bigint,
  bytes: number,
  wanted: Wanted,
): Ended {
  const last = address + BigInt(bytes - 1);
  if (!isCanonical(cpu, address) || !isCanonical(cpu, last)) return { how: "generalProtection" };
  let ended: Ended = { how: "generalProtection" };
  for (let page = address >> 12n; page <= last >> 12n; page++) {
    ended = specifiedPage(cpu, wrap(cpu, page << 12n) >> 12n, wanted);
    if (ended.how !== "done") return ended;
  }
  return ended;
}

/** Reserved bits of a PDPTE that is present (SDM vol. 3A table 4-8). */
function pdpteReserved(cpu: Pick<Processor, "physicalAddressBits">, pdpte: bigint): boolean {
  if (!has(pdpte, 0)) return false;
  const high = field(pdpte, 63, cpu.physicalAddressBits);
  return has(pdpte, 1) || has(pdpte, 2) || field(pdpte, 8, 5) !== 0n || high !== 0n;
}

export function somePdpteReserved(
  cpu: Pick<Processor, "physicalAddressBits">,
  pdptes: readonly bigint[],
): boolean {
  return pdptes.some((pdpte) => pdpteReserved(cpu, pdpte));
}

/** The PDPTEs at a 32-byte aligned host-physical address. */
function readPdptes(cpu: Processor, frame: bigint, cr3: bigint): bigint[] {
  const first = (frame << BigInt(cpu.indexBits)) + field(cr3, 11, 5) * 4n;
  return [0n, 1n, 2n, 3n].map(
    (i) => cpu.memory[Number(first + i)] ?? cpu.beyond.get(first + i) ?? 0n,
  );
}

/** MOV to CR3, or one to CR0 or CR4 that leads to PAE paging: loads the PDPTEs of `cr3`. */
export function specifiedPdpteLoad(cpu: Processor, cr3: bigint): Ended {
  const address = BigInt.asUintN(32, cr3);
  const access = { read: true, write: false, fetch: false, structure: true, userAddress: false };
  const answer = throughEpt(cpu, address >> 12n, { ...access, noLinearAddress: true });
  if ("how" in answer) return answer;
  const pdptes = readPdptes(cpu, answer.frame, address);
  if (somePdpteReserved(cpu, pdptes)) return { how: "generalProtection" };
  cpu.pdptes = pdptes;
  return { how: "done", page: 0n, rights: 0 };
}

/** Delivery of an event: its gate is read, its frame written with supervisor rights. */
export function specifiedDelivery(
  cpu: Processor,
  stack: bigint,
  gate: bigint,
  errorCode: boolean,
): Ended {
  const { user } = cpu;
  cpu.user = false;
  const long = cpu.paging !== "pae";
  const ended = deliver();
  // After anything but success the guest is where it was.
  if (ended.how !== "done") cpu.user = user;
  return ended;

  function deliver(): Ended {
    const read = { read: true, write: false, fetch: false };
    const gateRead = specifiedAccess(cpu, gate, long ? 16 : 8, read);
    if (gateRead.how !== "done") return gateRead;
    const slots = 3 + (long || user ? 2 : 0) + (errorCode ? 1 : 0);
    const bytes = slots * (long ? 8 : 4);
    const top = long ? (stack >> 4n) << 4n : stack;
    const write = { read: false, write: true, fetch: false };
    const pushed = specifiedAccess(cpu, top - BigInt(bytes), bytes, write);
    return pushed.how === "generalProtection" ? { how: "stackFault" } : pushed;
  }
}

/** One page of an access. */
function specifiedPage(cpu: Processor, linear: bigint, wanted: Wanted): Ended {
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
