/** Intel's extended page tables (SDM vol. 3C, 28.2.2, tables 28-1 to 28-7). */
import type { Capabilities } from "../capabilities.ts";
import { ExitReason, Qualification } from "../exit.ts";
import type { Geometry } from "../geometry.ts";
import { EXECUTE, READ, RWX, USER_EXECUTE, WRITE } from "../rights.ts";
import {
  EPTP_ACCESSED_DIRTY,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_UNRESTRICTED_GUEST,
} from "../vmcs.ts";
import { belowSize, type EntryFormat, PHYSICAL_HIGH } from "./entryFormat.ts";

export const EPT_READ = READ;
export const EPT_WRITE = WRITE;
export const EPT_EXECUTE = EXECUTE;
export const EPT_RWX = RWX;
/** Bits 5:3 of a leaf. */
export const EPT_MEMORY_TYPE_SHIFT = 3;
export const EPT_LARGE = 1 << 7;
export const EPT_ACCESSED = 1 << 8;
export const EPT_DIRTY = 1 << 9;
/** Execute access for user-mode linear addresses, with mode-based execute control only. */
export const EPT_USER_EXECUTE = USER_EXECUTE;
/** Write-back, the memory type of ordinary RAM. */
const MEMORY_TYPE_WB = 6;
/** Bits 6:3 of an entry that names a table. */
const TABLE_RESERVED = 0x78;
/** Memory type, "ignore PAT", and large: what a plain entry has as written here. */
const DECIDED = 0xf8;
/** Memory types that are none. */
const NO_MEMORY_TYPES = [2, 3, 7];
const HIGHEST_LARGE = 3;

export const EPT: EntryFormat = {
  name: "ept",
  label: "EPT",
  present: RWX,
  presentModeBased: RWX | USER_EXECUTE,
  allRights: RWX,
  read: READ,
  write: WRITE,
  fetch: EXECUTE,
  accessed: EPT_ACCESSED,
  dirty: EPT_DIRTY,
  large: EPT_LARGE,
  inverted: 0,
  largeIsSize: true,
  addressShift: 12,
  rootBits: 0,
  ramLeaf: RWX | (MEMORY_TYPE_WB << EPT_MEMORY_TYPE_SHIFT),
  table: RWX | USER_EXECUTE,
  // Memory type 7 is none in a leaf, and bits 5:3 are reserved elsewhere (SDM 28.2.3.1; Xen ept_invalidate_emt).
  unresolved: 7 << EPT_MEMORY_TYPE_SHIFT,
  addressHigh: PHYSICAL_HIGH,
  reservedHigh: 0,
  checksWidth: true,
  leavesDecide: false,
  grants: RWX | USER_EXECUTE,
  grantShift: 0,
  demands: 0,
  demandsWithoutFlags: 0,
  writeDemandsWithoutFlags: 0,
  noExecuteHigh: 0,
  flags: "optional",
  plainTable: { mask: RWX | DECIDED, bits: RWX },
  plainPage: {
    mask: READ | EXECUTE | DECIDED,
    bits: READ | EXECUTE | (MEMORY_TYPE_WB << EPT_MEMORY_TYPE_SHIFT),
  },
  plainPageHigh: 0,
  fault: {
    reason: ExitReason.eptViolation,
    reasons: {
      eptViolation: ExitReason.eptViolation,
      eptMisconfiguration: ExitReason.eptMisconfiguration,
    },
    read: Qualification.read,
    write: Qualification.write,
    fetch: Qualification.fetch,
    always: 0,
    data: 0,
    readFirst: false,
    status: () => 0,
    present: 0,
    granted: {
      shift: Qualification.permissionShift,
      userExecute: Qualification.permUserExecute,
    },
    linear: Qualification.linearAddressValid,
    reportsLinear: true,
    final: Qualification.finalTranslation,
    linearPageShift: Qualification.linearPageShift,
    finalHigh: 0,
    structure: 0,
    structureHigh: 0,
    structureWrite: 0,
    malformed: { reason: ExitReason.eptMisconfiguration, reports: false, bits: 0 },
  },
  controls: {
    modeBasedExecute: SECONDARY_MODE_BASED_EXECUTE,
    unrestrictedGuest: SECONDARY_UNRESTRICTED_GUEST,
  },
  structuresReadOnly: 0,
  accessedAlone: 0,
  guestFlagsFault: 0,
  tagFailure: null,
  dropsByPointer: true,
  levelsMax: 5,
  loadsPdptes: true,
  hasCompatibility: true,
  pointerFailures: [
    "eptp-memory-type",
    "eptp-walk-length",
    "eptp-accessed-dirty-not-supported",
    "eptp-reserved-bits",
  ],
  pointerFailure,
  /** Write-back, walk length, A/D flags on or off (SDM 24.6.11). */
  pointerBits: (levels, accessedDirty) =>
    MEMORY_TYPE_WB | ((levels - 1) << 3) | (accessedDirty ? EPTP_ACCESSED_DIRTY : 0),
  /**
   * Misconfigurations of an entry that is present (SDM 28.2.3.1); one that is not is a violation, whatever its other bits.
   * Bochs ignores bit 12 of a large page (translate_guest_physical).
   */
  reserved: (geometry, { executeOnly, pages2M, pages1G }, likeBochs) => ({
    // Non-leaf: bits 6:3 are reserved; bit 7 as well where no page of that size can exist.
    table: (level) => TABLE_RESERVED | (level > HIGHEST_LARGE ? EPT_LARGE : 0),
    leaf(level) {
      if (level > HIGHEST_LARGE) return -1;
      const isThere = level === 1 || (level === 2 ? pages2M : pages1G);
      const address = belowSize(level, geometry) & (likeBochs ? ~(1 << 12) : -1);
      return address | (isThere ? 0 : EPT_LARGE);
    },
    low: malformed(executeOnly),
  }),
};

/** SDM 26.2.1.1; Bochs is_eptptr_valid; KVM nested_vmx_check_eptp; kvm-unit-tests test_ept_eptp. */
function pointerFailure(
  pointer: number,
  high: number,
  capabilities: Capabilities,
  geometry: Geometry,
): string | null {
  const memoryType = pointer & 7;
  const typeAllowed =
    (memoryType === 0 && capabilities.memoryTypeUC) ||
    (memoryType === MEMORY_TYPE_WB && capabilities.memoryTypeWB);
  if (!typeAllowed) return "eptp-memory-type";
  const walkLength = (pointer >>> 3) & 7;
  // A machine has one EPT depth here; 5 levels need the capability as well.
  const supported = walkLength !== 4 || capabilities.walkLength5;
  if (walkLength !== geometry.eptLevels - 1 || !supported) return "eptp-walk-length";
  if ((pointer & EPTP_ACCESSED_DIRTY) !== 0 && !capabilities.accessedDirty) {
    return "eptp-accessed-dirty-not-supported";
  }
  const reserved = capabilities.supervisorShadowStack ? 0xf00 : 0xf80;
  const beyond = high >>> (geometry.physicalAddressBits - 32);
  return (pointer & reserved) !== 0 || beyond !== 0 ? "eptp-reserved-bits" : null;
}

/** By bits 5:0: write without read, execute alone where that is not supported, and memory types that are none. */
function malformed(executeOnly: boolean): readonly [number, number] {
  const words: [number, number] = [0, 0];
  for (let low = 0; low < 64; low++) {
    const rights = low & (READ | WRITE);
    const isBad =
      rights === WRITE ||
      (rights === 0 && !executeOnly) ||
      NO_MEMORY_TYPES.includes(low >>> EPT_MEMORY_TYPE_SHIFT);
    if (isBad) words[low >>> 5 === 0 ? 0 : 1] |= 1 << (low & 31);
  }
  return words;
}
