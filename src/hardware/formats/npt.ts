/**
 * AMD's nested page tables (APM vol. 2, 15.25): entries are those of long-mode paging (5.3), and every access by a guest is
 * one in user mode, so that U must be set at every level. A and D are ordinary flags, and always on. An access to a guest's
 * paging structure is a write (kvm-unit-tests svm_npt.c, "considered as writes as far as NPT translation is concerned").
 */
import { EXECUTE, READ, WRITE } from "../rights.ts";
import { belowSize, type EntryFormat, PHYSICAL_HIGH } from "./entryFormat.ts";

const PRESENT = 1 << 0;
const WRITABLE = 1 << 1;
const USER = 1 << 2;
const LARGE = 1 << 7;
/** PAT in a large leaf's address, which is no part of it. */
const LARGE_PAT = 1 << 12;
/** G in leaves, and in an entry of the top table reserved, as bit 7 there (APM 5.3.3; KVM nonleaf_bit8_rsvd). */
const GLOBAL = 1 << 8;
const TOP_LEVEL = 4;
const HIGHEST_LARGE = 3;

/** VMEXIT_NPF (APM appendix C). */
const NESTED_PAGE_FAULT = 0x400;

/** EXITINFO1 of a nested page fault (APM 15.25.6): the error code of a page fault, and in the high word what was accessed. */
const Fault = {
  present: 1 << 0,
  write: 1 << 1,
  user: 1 << 2,
  reserved: 1 << 3,
  fetch: 1 << 4,
  /** Bits 32 and 33. */
  finalHigh: 1 << 0,
  structureHigh: 1 << 1,
} as const;

/** Bit 6 of NESTED_CTL, "read-only guest page tables" (APM 15.25.6); among the secondary controls here. */
const READ_ONLY_GUEST_TABLES = 1 << 28;

export const NPT: EntryFormat = {
  name: "npt",
  label: "NPT",
  present: PRESENT,
  presentModeBased: PRESENT,
  allRights: PRESENT | WRITABLE | USER,
  read: PRESENT | USER,
  write: WRITABLE,
  fetch: PRESENT | USER,
  accessed: 1 << 5,
  dirty: 1 << 6,
  large: LARGE,
  inverted: 0,
  largeIsSize: true,
  addressShift: 12,
  rootBits: 0,
  ramLeaf: PRESENT | WRITABLE | USER,
  table: PRESENT | WRITABLE | USER,
  unresolved: 0,
  addressHigh: PHYSICAL_HIGH,
  reservedHigh: 0,
  checksWidth: true,
  leavesDecide: false,
  grants: READ | WRITE,
  grantShift: 0,
  demands: USER,
  demandsWithoutFlags: 0,
  writeDemandsWithoutFlags: 0,
  noExecuteHigh: 1 << 31,
  flags: "always",
  plainTable: { mask: PRESENT | WRITABLE | USER | LARGE | GLOBAL, bits: PRESENT | WRITABLE | USER },
  // With U set, and NX, which is unusual, clear, bit 2 is the right to fetch.
  plainPage: { mask: PRESENT | USER, bits: READ | EXECUTE },
  plainPageHigh: 0,
  fault: {
    reason: NESTED_PAGE_FAULT,
    reasons: { nestedPageFault: NESTED_PAGE_FAULT },
    read: 0,
    write: Fault.write,
    fetch: Fault.fetch,
    always: Fault.user,
    data: 0,
    readFirst: false,
    status: () => 0,
    present: Fault.present,
    granted: null,
    linear: 0,
    reportsLinear: false,
    final: 0,
    linearPageShift: 0,
    finalHigh: Fault.finalHigh,
    structure: 0,
    structureHigh: Fault.structureHigh,
    structureWrite: 0,
    malformed: {
      reason: NESTED_PAGE_FAULT,
      reports: true,
      bits: Fault.present | Fault.reserved,
    },
  },
  controls: { readOnlyGuestTables: READ_ONLY_GUEST_TABLES },
  structuresReadOnly: READ_ONLY_GUEST_TABLES,
  accessedAlone: 0,
  guestFlagsFault: 0,
  // ASID 0 is the host's: VMRUN refuses it (APM 15.5.1).
  tagFailure: "asid-zero",
  // INVLPGA and TLB_CONTROL drop by ASID; there is no way to drop by guest-physical address (APM 15.16).
  dropsByPointer: false,
  // Those of the host's paging mode: long mode, without LA57.
  levelsMax: TOP_LEVEL,
  // PDPEs are read when they are needed (APM 15.25.10).
  loadsPdptes: false,
  hasCompatibility: false,
  pointerFailures: ["nested-cr3-reserved-bits"],
  pointerFailure: (_low, high, _capabilities, { physicalAddressBits }) =>
    high >>> (physicalAddressBits - 32) === 0 ? null : "nested-cr3-reserved-bits",
  pointerBits: () => 0,
  reserved: (geometry, { pages1G }) => ({
    table: (level) => (level === TOP_LEVEL ? LARGE | GLOBAL : 0),
    leaf(level) {
      if (level > HIGHEST_LARGE) return -1;
      const isThere = level < HIGHEST_LARGE || pages1G;
      return (belowSize(level, geometry) & ~LARGE_PAT) | (isThere ? 0 : LARGE);
    },
    low: [0, 0],
  }),
};
