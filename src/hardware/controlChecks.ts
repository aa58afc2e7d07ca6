/**
 * The VM-entry checks on the controls (SDM vol. 3C 26.2.1; Bochs VMenterLoadCheckVmControls and
 * is_eptptr_valid; KVM nested_vmx_check_controls and nested_vmx_check_eptp; kvm-unit-tests vmx_controls_test).
 */
import { wordAt } from "../lookup.ts";
import type { Capabilities } from "./capabilities.ts";
import { EventType, eventTypeOf } from "./eventInformation.ts";
import { POINTER_FAILURES, TAG_FAILURES } from "./formats/all.ts";
import type { Geometry } from "./geometry.ts";
import { isSelected, type Mmu } from "./mmu.ts";
import {
  Field,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_HLT_EXITING,
  PRIMARY_INTERRUPT_WINDOW_EXITING,
  PRIMARY_NMI_WINDOW_EXITING,
  readField,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_UNRESTRICTED_GUEST,
  SECONDARY_VPID,
  secondaryControls,
  type Vmcs,
} from "./vmcs.ts";

/** Why the controls of a VMCS are invalid, besides what the units of its processor have to say (LogUnit.failure). */
const OWN_FAILURES = [
  "pin-based-controls-reserved",
  "primary-controls-reserved",
  "secondary-controls-reserved",
  "virtual-nmis-without-nmi-exiting",
  "nmi-window-exiting-without-virtual-nmis",
  "unrestricted-guest-without-ept",
  "log-units-exclude-each-other",
  "mode-based-execute-without-ept",
  "vpid-zero",
  "event-reserved-bits",
  "event-type",
  "event-vector",
  "event-error-code",
] as const;
type ControlFailure = (typeof OWN_FAILURES)[number];
/** The same, and what is wrong with the pointer to the tables. */
export const CONTROL_FAILURES = [...OWN_FAILURES, ...TAG_FAILURES, ...POINTER_FAILURES] as const;

/**
 * The controls of the emulated processor: those that do something here, and the bits that older processors
 * want to be 1 and that do nothing (SDM vol. 3D A.3). Any other is reserved, as it is on a processor that
 * does not have it. Of those that must be 1 elsewhere none must be here.
 */
const PIN_BASED =
  PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS | bits(1, 2, 4);
const PRIMARY =
  PRIMARY_INTERRUPT_WINDOW_EXITING |
  PRIMARY_HLT_EXITING |
  PRIMARY_NMI_WINDOW_EXITING |
  PRIMARY_ACTIVATE_SECONDARY |
  bits(1, 4, 5, 6, 8, 13, 14, 26);
const SECONDARY = SECONDARY_EPT | SECONDARY_VPID;

function bits(...numbers: readonly number[]): number {
  return numbers.reduce((sum, bit) => sum | (1 << bit), 0);
}

/**
 * The first thing that is wrong with the controls, or null. A log's index is not checked (any value is legal), and
 * with its unit off neither is its address. Secondary controls that are not activated are all 0.
 */
export function controlFailure(vmcs: Vmcs, mmu: Mmu): string | null {
  const { capabilities } = mmu;
  return (
    reservedControls(vmcs, mmu.ownControls) ??
    nmiControls(vmcs) ??
    secondStageControls(vmcs, mmu) ??
    logControls(vmcs, mmu) ??
    injectedEvent(vmcs, capabilities)
  );
}

function reservedControls(vmcs: Vmcs, own: number): ControlFailure | null {
  if ((readField(vmcs, Field.pinBasedControls) & ~PIN_BASED) !== 0) {
    return "pin-based-controls-reserved";
  }
  if ((readField(vmcs, Field.primaryControls) & ~PRIMARY) !== 0) return "primary-controls-reserved";
  return (secondaryControls(vmcs) & ~(SECONDARY | own)) !== 0
    ? "secondary-controls-reserved"
    : null;
}

/** kvm-unit-tests test_nmi_ctrls. */
function nmiControls(vmcs: Vmcs): ControlFailure | null {
  const pin = readField(vmcs, Field.pinBasedControls);
  const virtualNmis = (pin & PIN_VIRTUAL_NMIS) !== 0;
  if (virtualNmis && (pin & PIN_NMI_EXITING) === 0) return "virtual-nmis-without-nmi-exiting";
  const window = (readField(vmcs, Field.primaryControls) & PRIMARY_NMI_WINDOW_EXITING) !== 0;
  return window && !virtualNmis ? "nmi-window-exiting-without-virtual-nmis" : null;
}

function secondStageControls(vmcs: Vmcs, { format, capabilities, geometry }: Mmu): string | null {
  const secondary = secondaryControls(vmcs);
  if ((secondary & SECONDARY_VPID) !== 0 && (readField(vmcs, Field.vpid) & 0xffff) === 0) {
    return "vpid-zero";
  }
  // A guest whose VMCS has none would have the host's ASID (APM vol. 2, 15.16), or VMID.
  if (format.tagFailure !== null && (secondary & SECONDARY_VPID) === 0) return format.tagFailure;
  if ((secondary & SECONDARY_EPT) !== 0) {
    const low = wordAt(vmcs.words, 2 * Field.eptPointer);
    const high = wordAt(vmcs.words, 2 * Field.eptPointer + 1);
    return format.pointerFailure(low, high, capabilities, geometry);
  }
  if ((secondary & SECONDARY_UNRESTRICTED_GUEST) !== 0) return "unrestricted-guest-without-ept";
  const modeBased = (secondary & SECONDARY_MODE_BASED_EXECUTE) !== 0;
  return modeBased ? "mode-based-execute-without-ept" : null;
}

/** What the units say, those first that build on others; and that not two of them write to the one log. */
function logControls(vmcs: Vmcs, { units, geometry }: Mmu): string | null {
  const secondary = secondaryControls(vmcs);
  let selected = 0;
  for (let i = units.length - 1; i >= 0; i--) {
    const unit = units[i];
    if (unit === undefined || (secondary & unit.controls) === 0) continue;
    const failure = unit.failure(vmcs, geometry);
    if (failure !== null) return failure;
    if (isSelected(units, unit, secondary)) selected++;
  }
  return selected > 1 ? "log-units-exclude-each-other" : null;
}

/** Whether a 64-bit field has bits beyond the physical-address width, which is more than 32. */
export function isTooWide(vmcs: Vmcs, field: number, { physicalAddressBits }: Geometry): boolean {
  return wordAt(vmcs.words, 2 * field + 1) >>> (physicalAddressBits - 32) !== 0;
}

/** Interruption information: bits 30:12 are reserved, bit 11 has the processor push an error code. */
const INFORMATION_RESERVED = 0x7ffff000;
const DELIVER_ERROR_CODE = 1 << 11;
const NMI_VECTOR = 2;
const EXCEPTIONS = 32;
/** #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
const WITH_ERROR_CODE = bits(8, 10, 11, 12, 13, 14, 17);
/** Reserved, and "other event", which only processors with a monitor trap flag have. */
const RESERVED_TYPES: readonly number[] = [1, 7];

/** SDM 26.2.1.3; kvm-unit-tests test_invalid_event_injection. */
function injectedEvent(vmcs: Vmcs, capabilities: Capabilities): ControlFailure | null {
  const information = readField(vmcs, Field.entryInterruptionInformation);
  if (information >= 0) return null;
  if ((information & INFORMATION_RESERVED) !== 0) return "event-reserved-bits";
  const type = eventTypeOf(information);
  const vector = information & 0xff;
  if (RESERVED_TYPES.includes(type)) return "event-type";
  const isException = type === EventType.exception;
  if (type === EventType.nmi && vector !== NMI_VECTOR) return "event-vector";
  if (isException && vector >= EXCEPTIONS) return "event-vector";
  const delivers = (information & DELIVER_ERROR_CODE) !== 0;
  if (delivers && !isException) return "event-error-code";
  // Where exceptions may have an error code or not, as with CET, no vector decides (IA32_VMX_BASIC bit 56; Bochs).
  const pushes = isException && ((WITH_ERROR_CODE >>> vector) & 1) === 1;
  if (delivers !== pushes && !(isException && capabilities.supervisorShadowStack)) {
    return "event-error-code";
  }
  const code = readField(vmcs, Field.entryExceptionErrorCode);
  return delivers && code >>> 16 !== 0 ? "event-error-code" : null;
}
