/**
 * RISC-V's G-stage (privileged architecture, chapters "H" Extension and Supervisor-Level ISA): Sv39x4 with three levels, Sv48x4
 * with four, Sv57x4 with five. An entry's level here is RISC-V's plus 1. Entries are those of single-stage translation, and every
 * access through them is one of user mode, so that leaves must have U. A leaf is told by its rights: an entry without any of them
 * names a table. A and D are in leaves alone. The top table is one of 16 KiB, for two more bits of address.
 *
 * hgatp is the pointer, and menvcfg.ADUE is bit 6 of it; the VMID is the VPID. A fault's qualification is scause, with htinst from
 * bit 16 on; stval is the guest-linear address, and htval, which has the guest-physical one without its lowest two bits, that.
 *
 * Stage 1 is that of the other formats: guests have x86's tables. Not here: leaves of 512 GiB and above, Svnapot, Svpbmt and what
 * else defines bits 63:54; physical addresses of 56 bits, of which the emulator holds 43.
 */
import { EXECUTE, READ, WRITE } from "../rights.ts";
import { EPTP_ACCESSED_DIRTY } from "../vmcs.ts";
import { belowSize, type EntryFormat } from "./entryFormat.ts";

const VALID = 1 << 0;
const READABLE = 1 << 1;
const WRITABLE = 1 << 2;
const EXECUTABLE = 1 << 3;
const USER = 1 << 4;
const ACCESSED = 1 << 6;
const DIRTY = 1 << 7;
/** An entry that has one of these is a leaf. */
const RIGHTS = READABLE | WRITABLE | EXECUTABLE;
/** Where a frame's number begins, and the rest of it in the high word; what is above is of extensions, and reserved without them. */
const NUMBER_SHIFT = 10;
const NUMBER_HIGH = 0x3fffff;
const LEVELS_MAX = 5;
const HIGHEST_LARGE = 3;

/** Not a number of RISC-V's, whose traps have causes (scause) and no exit reasons. */
const GUEST_PAGE_FAULT = 0x814;

/** scause of a guest-page fault, 20 for a fetch, 21 for a load, 23 for a store; and htinst of one at a guest's own table. */
const Cause = {
  fetch: 20,
  data: 1,
  write: 2,
  /** 0x3000, and what makes 0x3020 of it: the table was to be written (RV64). */
  structure: 0x3000 << 16,
  structureWrite: 0x20 << 16,
} as const;

/** henvcfg.ADUE of 0: Svade at the guest's own stage; among the secondary controls here. */
const GUEST_SVADE = 1 << 21;

/** With Svadu, while menvcfg.ADUE is 1: a walk sets A and D. While it is 0 both are software's, as with Svade. */
export const GSTAGE: EntryFormat = {
  name: "gstage",
  label: "G-stage",
  present: VALID,
  presentModeBased: VALID,
  // What rights are left tells that it is a leaf.
  allRights: VALID | WRITABLE,
  read: VALID | USER | READABLE,
  write: WRITABLE,
  fetch: VALID | USER | EXECUTABLE,
  accessed: ACCESSED,
  dirty: DIRTY,
  large: RIGHTS,
  inverted: 0,
  largeIsSize: false,
  addressShift: NUMBER_SHIFT,
  rootBits: 2,
  ramLeaf: VALID | RIGHTS | USER,
  table: VALID,
  unresolved: 0,
  addressHigh: NUMBER_HIGH,
  reservedHigh: ~NUMBER_HIGH,
  checksWidth: false,
  leavesDecide: true,
  grants: READ | WRITE | EXECUTE,
  grantShift: 1,
  demands: USER,
  demandsWithoutFlags: ACCESSED,
  writeDemandsWithoutFlags: DIRTY,
  noExecuteHigh: 0,
  flags: "optional",
  plainTable: { mask: VALID | RIGHTS | USER | ACCESSED | DIRTY, bits: VALID },
  plainPage: {
    mask: VALID | READABLE | USER | ACCESSED,
    bits: VALID | READABLE | USER | ACCESSED,
  },
  plainPageHigh: 0,
  fault: {
    reason: GUEST_PAGE_FAULT,
    reasons: { guestPageFault: GUEST_PAGE_FAULT },
    read: 0,
    write: Cause.write,
    fetch: 0,
    always: Cause.fetch,
    data: Cause.data,
    readFirst: false,
    status: () => 0,
    present: 0,
    granted: null,
    linear: 0,
    reportsLinear: true,
    final: 0,
    linearPageShift: 0,
    finalHigh: 0,
    structure: Cause.structure,
    structureHigh: 0,
    structureWrite: Cause.structureWrite,
    malformed: { reason: GUEST_PAGE_FAULT, reports: true, bits: 0 },
  },
  controls: { guestSvade: GUEST_SVADE },
  // A walk's read of a table is an implicit load, whatever the controls: any of them will do.
  structuresReadOnly: -1,
  accessedAlone: 0,
  guestFlagsFault: GUEST_SVADE,
  // VMID 0 is one like others, and there may be no other.
  tagFailure: null,
  // By VMID, or by address: HFENCE.GVMA.
  dropsByPointer: false,
  levelsMax: LEVELS_MAX,
  loadsPdptes: false,
  hasCompatibility: false,
  pointerFailures: [],
  pointerFailure: () => null,
  pointerBits: (_levels, accessedDirty) => (accessedDirty ? EPTP_ACCESSED_DIRTY : 0),
  // Of an entry that names a table U, A and D are reserved; large leaves are aligned to their size.
  reserved: (geometry) => ({
    table: (level) => USER | ACCESSED | DIRTY | (level > HIGHEST_LARGE ? RIGHTS : 0),
    leaf: (level) => (level > HIGHEST_LARGE ? -1 : belowSize(level, geometry, NUMBER_SHIFT)),
    low: [writableUnreadable(), writableUnreadable()],
  }),
};

/** With Svade, and without Svadu: an access that finds A clear, or a store that finds D clear, faults, and software sets them. */
export const GSTAGE_SVADE: EntryFormat = {
  ...GSTAGE,
  name: "gstageSvade",
  label: "G-stage with Svade",
  flags: "never",
  pointerBits: () => 0,
};

/** As a bit set over the low five bits of an entry: W without R is reserved. */
function writableUnreadable(): number {
  let malformed = 0;
  for (let low = 0; low < 32; low++) {
    if ((low & (READABLE | WRITABLE)) === WRITABLE) malformed |= 1 << low;
  }
  return malformed;
}
