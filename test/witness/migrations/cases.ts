/** The migrations that are recorded: what the guest does, the link, and QEMU's settings. */

const MIB = 1 << 20;
const SECOND = 1000;

export interface MigrationCase {
  readonly name: string;
  readonly memoryMiB: number;
  /** Pages that the guest fills at first, and then writes to, chosen at random. */
  readonly arrayPages: number;
  /** How it writes; paced: each write has its time, and waits for it halted; busy: it computes between two writes. */
  readonly writer: "idle" | "paced" | "busy";
  /** Writes a second that a paced one makes. */
  readonly rate: number;
  /** Turns of a loop between two writes of a busy one: how many writes a second this is, is measured. */
  readonly spin: number;
  /** Bytes a second: QEMU's max-bandwidth, and what the link carries; 0: no limit. */
  readonly maxBandwidth: number;
  readonly linkBandwidth: number;
  /** In ms. */
  readonly downtimeLimit: number;
  readonly autoConverge: boolean;
  /** The migration is cancelled after so many ms. */
  readonly giveUpAfter: number;
}

/** Cases in which the emulator differs from QEMU in TCG by more than is tolerated, and why. */
export const KNOWN: Readonly<Record<string, string>> = {
  "auto-converge-paced":
    "under a throttle of 99 % each synchronisation waits in TCG for the vCPU, which sleeps for 990 ms (`tcg_log_global_after_sync`, softmmu/physmem.c): QEMU sends less than its quota. Up to that throttle they agree; KVM's vCPUs are kicked alone",
};

const PLAIN: Omit<MigrationCase, "name"> = {
  memoryMiB: 128,
  arrayPages: 4096,
  writer: "paced",
  rate: 500,
  spin: 0,
  maxBandwidth: 8 * MIB,
  linkBandwidth: 0,
  downtimeLimit: 300,
  autoConverge: false,
  giveUpAfter: 20 * SECOND,
};

export const CASES: readonly MigrationCase[] = [
  { ...PLAIN, name: "idle", writer: "idle" },
  { ...PLAIN, name: "all-zero", writer: "idle", arrayPages: 0, memoryMiB: 512 },
  { ...PLAIN, name: "paced-500", rate: 500 },
  { ...PLAIN, name: "busy-500", writer: "busy", spin: 1_000_000 },
  { ...PLAIN, name: "paced-1500", rate: 1500 },
  { ...PLAIN, name: "paced-4000", rate: 4000 },
  { ...PLAIN, name: "busy-4000", writer: "busy", spin: 120_000 },
  { ...PLAIN, name: "wide-link-4000", rate: 4000, maxBandwidth: 32 * MIB },
  { ...PLAIN, name: "real-link-500", rate: 500, maxBandwidth: 0, linkBandwidth: 8 * MIB },
  { ...PLAIN, name: "long-downtime-2000", rate: 2000, downtimeLimit: 1500 },
  {
    ...PLAIN,
    name: "auto-converge-busy",
    writer: "busy",
    spin: 20_000,
    autoConverge: true,
    giveUpAfter: 90 * SECOND,
  },
  {
    ...PLAIN,
    name: "auto-converge-paced",
    rate: 4000,
    autoConverge: true,
    giveUpAfter: 50 * SECOND,
  },
];
