/**
 * Arm's stage 2 (Arm ARM D8.3, D8.4, D8.5): VMSAv8-64 descriptors of the 4 KiB granule, from level 0 on. An entry's level here
 * is 4 minus Arm's. A page is dirty by being writable: with hardware management of dirty state a leaf that has DBM and not
 * S2AP[1] is writable and clean, and the first write sets S2AP[1] (D8.5.2).
 *
 * VTTBR_EL2 is the pointer, and VTCR_EL2.HA and HD are bit 6 of it, on together but for a control; the VMID is the VPID, ESR_EL2
 * the qualification, HPFAR_EL2 the guest-physical address. That is undefined after most permission faults, where a hypervisor
 * asks for it by AT (KVM __translate_far_to_hpfar); here it is always there.
 *
 * Stage 1 is that of the other formats: guests have x86's tables. Not here: other granules, LPA2, FEAT_XNX, indirect
 * permissions, HAFT. The Contiguous bit is a hint, which an implementation need not take (D8.7.1); this one does not.
 */
import { READ, WRITE } from "../rights.ts";
import { EPTP_ACCESSED_DIRTY } from "../vmcs.ts";
import { Cause, type EntryFormat } from "./entryFormat.ts";

const VALID = 1 << 0;
/** Bit 1: a table, or at the lowest level a page. Clear, a block; and at the lowest level and level 0 nothing that is valid. */
const TABLE_OR_PAGE = 1 << 1;
/** MemAttr: normal memory, write-back. */
const WRITE_BACK = 0xf << 2;
const S2AP_READ = 1 << 6;
const S2AP_WRITE = 1 << 7;
/** SH: inner shareable. */
const INNER_SHAREABLE = 3 << 8;
const SHAREABLE_LOW = 1 << 8;
const ACCESS_FLAG = 1 << 10;
/** Bits 51 and 54, in the high word. */
const DBM = 1 << 19;
const EXECUTE_NEVER = 1 << 22;
/** Output addresses have bits 47:12. */
const ADDRESS_HIGH = 0xffff;
const LEVELS_MAX = 4;
const HIGHEST_BLOCK = 3;

/** Not a number of Arm's, which has classes of exceptions (ESR_EL2.EC) and no exit reasons. */
const STAGE_2_ABORT = 0x824;

/** ESR_EL2 of an abort from a lower exception level (Arm ARM D24.2, ISS encodings of data and instruction aborts). */
const Syndrome = {
  /** EC 0x20, instruction abort, and IL. */
  instructionAbort: (0x20 << 26) | (1 << 25),
  /** What makes of it EC 0x24, a data abort. */
  data: 1 << 28,
  /** WnR, and S1PTW. */
  write: 1 << 6,
  structure: 1 << 7,
} as const;

/** DFSC and IFSC: the fault, to which its level is added. */
const FAULTS: Readonly<Record<Cause, number>> = {
  [Cause.absent]: 0b000100,
  [Cause.accessedClear]: 0b001000,
  [Cause.rights]: 0b001100,
  // What is reserved in a descriptor's type makes it invalid (D8.3.1).
  [Cause.reserved]: 0b000100,
  [Cause.addressSize]: 0b000000,
  [Cause.beyondTables]: 0b000100,
};

/** VTCR_EL2.HA without HD; among the secondary controls here. */
const ACCESS_FLAG_ONLY = 1 << 21;

export const STAGE2: EntryFormat = {
  name: "stage2",
  label: "stage 2",
  present: VALID,
  presentModeBased: VALID,
  allRights: VALID | S2AP_READ | DBM,
  read: VALID | S2AP_READ,
  write: S2AP_WRITE | DBM,
  fetch: VALID,
  accessed: ACCESS_FLAG,
  dirty: S2AP_WRITE,
  large: TABLE_OR_PAGE,
  inverted: TABLE_OR_PAGE,
  largeIsSize: true,
  addressShift: 12,
  rootBits: 0,
  ramLeaf: VALID | TABLE_OR_PAGE | WRITE_BACK | S2AP_READ | INNER_SHAREABLE | DBM,
  table: VALID | TABLE_OR_PAGE,
  unresolved: 0,
  addressHigh: ADDRESS_HIGH,
  reservedHigh: 0,
  checksWidth: true,
  leavesDecide: true,
  grants: READ | WRITE,
  grantShift: 6,
  demands: 0,
  // An Access flag fault (D8.5.1).
  demandsWithoutFlags: ACCESS_FLAG,
  writeDemandsWithoutFlags: 0,
  noExecuteHigh: EXECUTE_NEVER,
  flags: "optional",
  plainTable: { mask: VALID | TABLE_OR_PAGE, bits: VALID | TABLE_OR_PAGE },
  // With XN, which is unusual, clear, SH[0] stands where the right to fetch does.
  plainPage: {
    mask: VALID | TABLE_OR_PAGE | SHAREABLE_LOW | ACCESS_FLAG,
    bits: VALID | TABLE_OR_PAGE | SHAREABLE_LOW | ACCESS_FLAG,
  },
  plainPageHigh: DBM,
  fault: {
    reason: STAGE_2_ABORT,
    reasons: { stage2Abort: STAGE_2_ABORT },
    read: 0,
    write: Syndrome.write,
    fetch: 0,
    always: Syndrome.instructionAbort,
    data: Syndrome.data,
    readFirst: true,
    // What no walk has begun for is of level 0 (J1.1, AArch64.S2Translate).
    status: (cause, level) =>
      FAULTS[cause] + (cause === Cause.beyondTables ? 0 : LEVELS_MAX - level),
    present: 0,
    granted: null,
    linear: 0,
    reportsLinear: true,
    final: 0,
    linearPageShift: 0,
    finalHigh: 0,
    structure: Syndrome.structure,
    structureHigh: 0,
    structureWrite: 0,
    malformed: { reason: STAGE_2_ABORT, reports: true, bits: 0 },
  },
  controls: { accessFlagOnly: ACCESS_FLAG_ONLY },
  // A walk's read of a table is a read, whatever the controls (D8.5.2): any of them will do.
  structuresReadOnly: -1,
  accessedAlone: ACCESS_FLAG_ONLY,
  guestFlagsFault: 0,
  // Every translation has a VMID; Linux keeps 0 for the host (arch/arm64/kvm/vmid.c).
  tagFailure: "vmid-zero",
  // By VMID (TLBI VMALLS12E1), or by address (TLBI IPAS2E1, which leaves what combines both stages to TLBI VMALLE1).
  dropsByPointer: false,
  levelsMax: LEVELS_MAX,
  loadsPdptes: false,
  hasCompatibility: false,
  pointerFailures: [],
  pointerFailure: () => null,
  pointerBits: (_levels, accessedDirty) => (accessedDirty ? EPTP_ACCESSED_DIRTY : 0),
  // Bit 1 as it is meant: set in blocks. There are none at level 0, and at the lowest level there are pages alone.
  reserved: () => ({
    table: (level) => (level > HIGHEST_BLOCK ? TABLE_OR_PAGE : 0),
    leaf: (level) => (level === 1 ? TABLE_OR_PAGE : 0),
    low: [0, 0],
  }),
};
