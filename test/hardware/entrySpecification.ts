/**
 * What VM entry asks of a VMCS, rule by rule (SDM vol. 3C 26.2.1 and 26.3.1), for comparison with the emulator: on
 * 64-bit values, and without a word about which rule is looked at first.
 */
import { somePdpteReserved } from "./specification.ts";

/** A VMCS as software wrote it: any 64 bits in any field. */
export interface Fields {
  readonly pinBasedControls: bigint;
  readonly primaryControls: bigint;
  readonly secondaryControls: bigint;
  readonly eptPointer: bigint;
  readonly vpid: bigint;
  readonly pmlAddress: bigint;
  readonly guestCr3: bigint;
  readonly pdptes: readonly bigint[];
  readonly guestRflags: bigint;
  readonly guestInterruptibility: bigint;
  readonly guestRip: bigint;
  readonly entryInterruptionInformation: bigint;
  readonly entryExceptionErrorCode: bigint;
}

export interface Surroundings {
  readonly physicalAddressBits: number;
  readonly paging: "off" | "pae" | "longMode";
  readonly guestLevels: number;
  readonly accessedDirty: boolean;
  readonly prl: boolean;
  /** The log of docs/units.md that overflows in place of exiting. */
  readonly overflowLog: boolean;
  readonly machineUnit: boolean;
  /** CET: bit 7 of the EPT pointer, and exceptions with or without error codes. */
  readonly shadowStack: boolean;
  readonly cr0PagingFixed: boolean;
  /** PDPTEs in memory at CR3. */
  readonly memoryPdptes: readonly bigint[];
}

export interface Verdict {
  /** Rules on controls that are broken, and rules on guest state. */
  readonly controls: readonly string[];
  readonly state: readonly string[];
  /** Exit qualifications that an entry with this guest state may end with. */
  readonly qualifications: readonly number[];
}

const bit = (value: bigint, number: number): boolean => ((value >> BigInt(number)) & 1n) === 1n;
const only = (value: bigint, ...bits: readonly number[]): boolean =>
  bits.reduce((rest, number) => rest & ~(1n << BigInt(number)), value) === 0n;

export function specifiedEntry(fields: Fields, cpu: Surroundings): Verdict {
  const controls: string[] = [];
  const state: string[] = [];
  const qualifications: number[] = [];
  const need = (list: string[], rule: string, holds: boolean): void => {
    if (!holds) list.push(rule);
  };
  const fits = (address: bigint): boolean => address >> BigInt(cpu.physicalAddressBits) === 0n;
  // 24.11.2: a field takes the bits that it has.
  const pin = BigInt.asUintN(32, fields.pinBasedControls);
  const primary = BigInt.asUintN(32, fields.primaryControls);
  // 24.6.2: bit 31 of the primary controls.
  const secondary = bit(primary, 31) ? BigInt.asUintN(32, fields.secondaryControls) : 0n;
  const vpid = BigInt.asUintN(16, fields.vpid);
  const [ept, unrestricted] = [bit(secondary, 1), bit(secondary, 7)];
  const [pml, prl] = [bit(secondary, 17), bit(secondary, 26)];
  const [nmiExiting, virtualNmis] = [bit(pin, 3), bit(pin, 5)];

  // 26.2.1.1
  need(controls, "pin: reserved", only(pin, 0, 1, 2, 3, 4, 5));
  need(controls, "primary: reserved", only(primary, 1, 2, 4, 5, 6, 7, 8, 13, 14, 22, 26, 31));
  need(controls, "secondary: reserved", only(secondary, 1, 5, 7, 16, 17, 22, 24, 26, 27, 29, 30));
  need(controls, "virtual NMIs need NMI exiting", nmiExiting || !virtualNmis);
  need(controls, "NMI window needs virtual NMIs", virtualNmis || !bit(primary, 22));
  need(controls, "VPID is not 0", !bit(secondary, 5) || vpid !== 0n);
  need(controls, "unrestricted guest needs EPT", ept || !unrestricted);
  need(controls, "mode-based execute needs EPT", ept || !bit(secondary, 22));
  need(controls, "PML needs EPT", ept || !pml);
  need(
    controls,
    "PML address",
    !pml || ((fields.pmlAddress & 0xfffn) === 0n && fits(fields.pmlAddress)),
  );
  need(controls, "PRL is there", cpu.prl || !(prl || bit(secondary, 27)));
  need(controls, "PRL needs PML", pml || !prl);
  // docs/units.md; both logs are named by one field.
  const overflowLog = bit(secondary, 29);
  need(controls, "the overflow log is there", cpu.overflowLog || !overflowLog);
  need(controls, "AMD's PML goes with nested page tables", !bit(secondary, 30));
  need(controls, "HDBSS goes with stage 2", !bit(secondary, 24));
  need(controls, "the scenario's unit is there", cpu.machineUnit || !bit(secondary, 16));
  // PRL takes PML's place; of all others one alone can have the one log.
  const logging = [pml, overflowLog, bit(secondary, 16)].filter((isOn) => isOn);
  need(controls, "one log", logging.length < 2);
  need(controls, "the overflow log needs EPT", ept || !overflowLog);
  need(controls, "the overflow log excludes PML", !pml || !overflowLog);
  need(
    controls,
    "the overflow log's address",
    !overflowLog || ((fields.pmlAddress & 0xfffn) === 0n && fits(fields.pmlAddress)),
  );
  if (ept) {
    const pointer = fields.eptPointer;
    need(controls, "EPTP: memory type", [0n, 6n].includes(pointer & 7n));
    need(controls, "EPTP: walk length", ((pointer >> 3n) & 7n) === 3n);
    need(controls, "EPTP: A/D flags", cpu.accessedDirty || !bit(pointer, 6));
    need(controls, "EPTP: shadow stack", cpu.shadowStack || !bit(pointer, 7));
    need(controls, "EPTP: reserved", ((pointer >> 8n) & 0xfn) === 0n && fits(pointer));
  }
  // 26.2.1.3
  const event = BigInt.asUintN(32, fields.entryInterruptionInformation);
  const injects = bit(event, 31);
  const [vector, type] = [Number(event & 0xffn), Number((event >> 8n) & 7n)];
  const deliversCode = bit(event, 11);
  const isException = type === 3;
  if (injects) {
    need(controls, "event: reserved", ((event >> 12n) & 0x7ffffn) === 0n);
    need(controls, "event: type", type !== 1 && type !== 7);
    need(controls, "event: NMI vector", type !== 2 || vector === 2);
    need(controls, "event: exception vector", !isException || vector <= 31);
    const pushes = isException && [8, 10, 11, 12, 13, 14, 17].includes(vector);
    const free = isException && cpu.shadowStack;
    need(controls, "event: error code", deliversCode === pushes || free);
    const code = BigInt.asUintN(32, fields.entryExceptionErrorCode);
    need(controls, "event: error code's width", !deliversCode || code >> 16n === 0n);
  }

  // 26.3.1.1
  const fixed = cpu.cr0PagingFixed && !unrestricted;
  need(state, "CR0.PG", cpu.paging !== "off" || !fixed);
  need(state, "CR3", fits(fields.guestCr3));
  // 26.3.1.4
  const { guestRip: rip, guestRflags: rflags } = fields;
  if (cpu.paging === "pae") need(state, "RIP: 32 bits", rip >> 32n === 0n);
  if (cpu.paging === "longMode") {
    const beyond = BigInt.asIntN(64, rip) >> BigInt(12 + 9 * cpu.guestLevels);
    need(state, "RIP: equal bits", beyond === 0n || beyond === -1n);
  }
  need(
    state,
    "RFLAGS: reserved",
    rflags >> 22n === 0n && !bit(rflags, 15) && !bit(rflags, 5) && !bit(rflags, 3),
  );
  need(state, "RFLAGS: bit 1", bit(rflags, 1));
  // 26.3.1.5
  const blocking = BigInt.asUintN(32, fields.guestInterruptibility);
  const [sti, movSs, nmi] = [bit(blocking, 0), bit(blocking, 1), bit(blocking, 3)];
  need(state, "interruptibility: reserved", only(blocking, 0, 1, 3));
  need(state, "STI and MOV SS", !(sti && movSs));
  need(state, "STI needs IF", bit(rflags, 9) || !sti);
  if (injects && type === 0) need(state, "interrupt", bit(rflags, 9) && !sti && !movSs);
  if (injects && type === 2) need(state, "NMI", !movSs && !(virtualNmis && nmi));
  const plain = state.length;
  if (injects && type === 2 && sti) {
    state.push("NMI after STI");
    qualifications.push(3);
  }
  // 26.3.1.6
  if (cpu.paging === "pae") {
    const pdptes = ept ? fields.pdptes : cpu.memoryPdptes;
    if (somePdpteReserved(cpu, pdptes)) {
      state.push("PDPTEs");
      qualifications.push(2);
    }
  }
  if (plain > 0) qualifications.push(0);
  return { controls, state, qualifications };
}
