/** A VMCS as a state: what its fields hold. */
import { fieldOf, itemAt, namesOf } from "../lookup.ts";
import { type NameOf, type NormalForm, SCRAMBLED } from "./normalForm.ts";
import { Field, type FieldName, type Vmcs } from "./vmcs.ts";
import { pageAddressHigh, pageAddressLow } from "./words.ts";

/** What the fields hold. same: nothing that is exchanged. exit: what an exit leaves, which is read before its step ends. */
const KINDS: Readonly<Record<FieldName, "same" | "vpid" | "log" | "exit">> = {
  pinBasedControls: "same",
  primaryControls: "same",
  secondaryControls: "same",
  // Of the VM.
  eptPointer: "same",
  vpid: "vpid",
  logAddress: "log",
  logIndex: "same",
  logFullHandlerCpu: "same",
  logFullVector: "same",
  exitReason: "exit",
  exitQualification: "exit",
  guestPhysicalAddress: "exit",
  guestLinearAddress: "exit",
  idtVectoringInformation: "same",
  guestCr3: "same",
  guestPdpte0: "same",
  guestPdpte1: "same",
  guestPdpte2: "same",
  guestPdpte3: "same",
  guestRflags: "same",
  guestInterruptibility: "same",
  guestRip: "same",
  activeLog: "same",
  fullLogs: "same",
  guestPaging: "same",
  guestMode: "same",
  entryInterruptionInformation: "same",
  entryExceptionErrorCode: "same",
  vmInstructionError: "exit",
};

const NAMES = namesOf(Field);
const EXIT_FIELDS = NAMES.filter((name) => KINDS[name] === "exit").map((name) => Field[name]);

/** @param logFrame of a vCPU's logs */
export function vmcsForm(vmcs: Vmcs, vcpu: number, logFrame: (vcpu: number) => number): NormalForm {
  const saved = (words: Int32Array): number[] => {
    const list = Array.from(words);
    for (const field of EXIT_FIELDS) list.fill(0, 2 * field, 2 * field + 2);
    return list;
  };
  return {
    extents: [
      { part: vmcs, array: "words", nameOf: fieldNames(vcpu, "") },
      { part: vmcs, array: "image", nameOf: fieldNames(vcpu, ", in its region in memory") },
    ],
    lists: ["fields", "image"],
    save: () => ({ fields: saved(vmcs.words), image: saved(vmcs.image) }),
    restore(lists) {
      vmcs.words.set(fieldOf(lists, "fields"));
      vmcs.image.set(fieldOf(lists, "image"));
    },
    scramble() {
      for (const field of EXIT_FIELDS) vmcs.words.fill(SCRAMBLED, 2 * field, 2 * field + 2);
    },
    renumber: (lists, to) => ({
      fields: renumberedFields(fieldOf(lists, "fields"), vcpu, to.vcpu(vcpu), logFrame),
      image: renumberedFields(fieldOf(lists, "image"), vcpu, to.vcpu(vcpu), logFrame),
    }),
  };
}

/** The fields of the VMCS of vCPU `from`, when that is vCPU `to`. */
function renumberedFields(
  fields: readonly number[],
  from: number,
  to: number,
  logFrame: (vcpu: number) => number,
): number[] {
  const renumbered = [...fields];
  for (const name of NAMES) {
    const low = 2 * Field[name];
    const value = itemAt(fields, low);
    const kind = KINDS[name];
    if (kind === "vpid") {
      if (value !== from + 1) throw new Error(`vCPU ${from} has VPID ${value}`);
      renumbered[low] = to + 1;
    } else if (kind === "log" && value !== 0) {
      if (value !== pageAddressLow(logFrame(from))) throw new Error(`vCPU ${from}: not its log`);
      renumbered[low] = pageAddressLow(logFrame(to));
      renumbered[low + 1] = pageAddressHigh(logFrame(to));
    } else if (kind === "exit" && value !== 0) throw new Error(`"${name}" is no state`);
  }
  return renumbered;
}

/** @param where empty for the processor's copy */
function fieldNames(vcpu: number, where: string): NameOf {
  return (at) => {
    const name = NAMES.find((field) => Field[field] === at >> 1) ?? "?";
    return `VMCS field ${name} of vCPU ${vcpu}${where}${at % 2 === 1 ? ", high word" : ""}`;
  };
}
