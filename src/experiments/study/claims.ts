/** What the slides, the papers and the authors' series say, in the order of the experiments. */
import type { Row } from "../experiment.ts";
import { NEAR } from "../verdict.ts";

export interface Claim {
  /** For commands: words with hyphens. */
  readonly id: string;
  /** As the study has it. */
  readonly text: string;
  readonly source: string;
  readonly experiment: string;
  /** Which of the experiment's figures bear on it. */
  readonly rows: RegExp;
  /** Whether what it says is true of the emulated figures, at least one. */
  holds(rows: readonly Row[]): boolean;
}

/** All rows within a factor of two of what is published, or below a bound. */
const agree = (rows: readonly Row[]): boolean => rows.every(isNear);
const isNear = ({ published, emulated, relation }: Row): boolean => {
  if (published === null) return true;
  if (relation === "at most") return emulated <= published;
  if (published === 0) return Math.abs(emulated) <= NOTHING;
  return emulated / published >= 1 / NEAR && emulated / published <= NEAR;
};
/** All within a tenth of what is published. */
const close = (rows: readonly Row[]): boolean =>
  rows.every(({ published, emulated }) => Math.abs(emulated / (published ?? 0) - 1) <= 0.1);
/** Percent that count as none. */
const NOTHING = 0.05;

const values = (rows: readonly Row[]): readonly number[] => rows.map(({ emulated }) => emulated);
const within = (low: number, high: number) => (rows: readonly Row[]) =>
  values(rows).every((value) => value >= low && value <= high);
const rises = (rows: readonly Row[]): boolean => {
  const all = values(rows);
  return all.every((value, i) => i === 0 || value > (all[i - 1] ?? Number.NaN));
};

/** How exact an estimate has to be to be called right: the study's PRL is within 2.6 % of 400 MB. */
const exact = (truth: number, part = 0.05) => within(truth * (1 - part), truth * (1 + part));

export const CLAIMS: readonly Claim[] = [
  {
    id: "energy-with-pml",
    text: "PML does not change power: by 0.02 % at most",
    source: "slide 7",
    experiment: "energy",
    rows: /^power more with PML/,
    holds: agree,
  },
  {
    id: "energy-of-writes",
    text: "power rises by 1.5 W from no writes to writes alone",
    source: "slide 7",
    experiment: "energy",
    rows: /^power more at 100/,
    holds: agree,
  },
  {
    id: "save-time",
    text: "PML shortens save() by 1 to 10 %",
    source: "VEE21 table 1, slide 8",
    experiment: "migration",
    rows: /^save\(\) time less/,
    holds: within(0.98, 10.19),
  },
  {
    id: "migration-pace",
    text: "the program is faster during a migration with PML, by 0.06 to 0.95 %",
    source: "VEE21 table 1, slide 8",
    experiment: "migration",
    rows: /^throughput more with PML/,
    holds: within(0.06, 0.95),
  },
  {
    id: "migration-pace-rises",
    text: "the more it writes, the more it gains from PML during a migration",
    source: "VEE21 table 1",
    experiment: "migration",
    rows: /^throughput more with PML/,
    holds: rises,
  },
  {
    id: "zeroing-pace",
    text: "writes cost what their frames' zeroing costs: the program's pace at 50 and 80 % writes",
    source: "the authors' series",
    experiment: "migration",
    rows: /^median throughput, [58]0 %/,
    holds: close,
  },
  {
    id: "minima-count",
    text: "each CLEAN under write protection shows as a minimum: twelve in two migrations of five rounds",
    source: "the authors' series",
    experiment: "migration",
    rows: /^minima of throughput, (50|80|100) %/,
    holds: within(12, 12),
  },
  {
    id: "minima-times",
    text: "the minima come when the study's do, within 15 % of the time since tracking began",
    source: "the authors' series",
    experiment: "migration",
    rows: /^times of the minima/,
    holds: agree,
  },
  {
    id: "minima-depth",
    text: "in the pass after a CLEAN the program has a third to a half of its pace",
    source: "the authors' series",
    experiment: "migration",
    rows: /^mean depth of the minima, [^,]*, (50|80|100) %/,
    holds: within(0.3, 0.5),
  },
  {
    id: "dirty-rounds",
    text: "what is only read is not dirty: rounds at 50 and 80 % writes are shorter in proportion",
    source: "the authors' series",
    experiment: "migration",
    rows: /^dirty round, mean, [58]0 %/,
    holds: close,
  },
  {
    id: "checkpoints-no-gain",
    text: "checkpoints gain nothing from PML",
    source: "COMPAS 2019 poster",
    experiment: "checkpointing",
    rows: /stop-and-copy/,
    holds: agree,
  },
  {
    id: "checkpoints-gain",
    text: "PML shortens checkpointing, too, by up to 10.18 %",
    source: "VEE21 abstract",
    experiment: "checkpointing",
    rows: /^pause of a checkpoint less/,
    holds: (rows) => Math.max(...values(rows)) >= 5,
  },
  {
    id: "pml-cost-of-reads",
    text: "PML for working sets costs a program that only reads nothing",
    source: "VEE21 figure 4",
    experiment: "wss-overhead",
    rows: /^overhead of read/,
    holds: within(-0.1, 0.1),
  },
  {
    id: "pml-cost-of-writes",
    text: "it costs programs that write 4.8 to 34.9 %",
    source: "VEE21 figure 4, slides 10 and 11",
    experiment: "wss-overhead",
    rows: /^overhead of (sort|write|hpl)/,
    holds: agree,
  },
  {
    id: "one-handler-time",
    text: "one handler time explains what all of them pay: T = T_PTW + N (T_x + T_e + T_h)",
    source: "slide 10",
    experiment: "wss-overhead",
    rows: /^one T_h for sort, write and HPL/,
    // At one interval of CLEANs, which is not published, and as well as a single bar is called near.
    holds: (rows) => values(rows).some((factor) => factor <= NEAR),
  },
  {
    id: "pml-sees-writes",
    text: "PML sees a working set that is written, and not one that is read",
    source: "DW19 figure 2, slide 9",
    experiment: "pml-limits",
    rows: /^75 MB workload, PML's/,
    holds: ([reads, writes]) => (reads?.emulated ?? 1) < 0.05 && (writes?.emulated ?? 0) > 0.9,
  },
  {
    id: "pml-keeps-cold",
    text: "PML takes what was written once for what is in use",
    source: "VEE21 section 2.4",
    experiment: "pml-limits",
    rows: /PML's estimate, part of x/,
    holds: exact(1),
  },
  {
    id: "five-pages",
    text: "one write of a long-mode guest logs five pages",
    source: "DW19 section 3",
    experiment: "pml-limits",
    rows: /^GPAs logged/,
    holds: within(5, 5),
  },
  {
    id: "prl-array",
    text: "PRL finds the array's 400 MB, whatever the order of reads and writes",
    source: "VEE21 figure 6",
    experiment: "accuracy",
    rows: /^(RWRW|RRWW|WWRR), PRL/,
    holds: exact(400, 0.05),
  },
  {
    id: "pml-misses-reads",
    text: "PML does not find it while it is only read (RRWW until 120 s)",
    source: "VEE21 figure 6",
    experiment: "accuracy",
    rows: /^RRWW, PML at (30|60|90) s/,
    holds: within(0, 40),
  },
  {
    id: "vmware-scatters",
    text: "VMware's sampling scatters around it, where PRL does not",
    source: "VEE21 figure 6",
    experiment: "accuracy",
    rows: /^(RWRW|RRWW|WWRR), VMware, standard deviation/,
    holds: within(20, 200),
  },
  {
    id: "prl-hpl",
    text: "PRL finds HPL's 1.8 GB",
    source: "VEE21 figure 7",
    experiment: "accuracy",
    rows: /^HPL, PRL/,
    holds: exact(1800, 0.06),
  },
  {
    id: "prl-parsec",
    text: "PRL finds the working sets of PARSEC's programs",
    source: "VEE21 section 4.3",
    experiment: "parsec",
    rows: /, PRL$/,
    holds: agree,
  },
  {
    id: "pml-parsec",
    text: "PML finds three quarters of them at least",
    source: "the authors' result files",
    experiment: "parsec",
    rows: /, PML$/,
    holds: agree,
  },
  {
    id: "log-twice",
    text: "a log of twice the length is full half as often",
    source: "VEE21 table 2",
    experiment: "missed-gpas",
    rows: /, 1024 entries, .*: full events/,
    holds: agree,
  },
  {
    id: "missed-gpas",
    text: "hardly a GPA is missed while a full log is handled: 0.04 an event at most",
    source: "VEE21 table 2",
    experiment: "missed-gpas",
    rows: /missed while handled/,
    holds: within(0, 0.04),
  },
  {
    id: "prl-load",
    text: "PRL takes less than 1.5 % of a core of the pVM for a VM",
    source: "VEE21 figure 9",
    experiment: "pvm-load",
    rows: /^mean load, 1 VM,/,
    holds: within(0, 1.55),
  },
  {
    id: "load-and-missed",
    text: "where it takes so little, it misses hardly a GPA, too: 1.5 % of a core and 0.04 GPAs an event in one setting",
    source: "VEE21 table 2 and figure 9",
    experiment: "pvm-load",
    rows: /^(mean load|missed GPAs, mean of an event), 1 VM, 57 logs/,
    holds: agree,
  },
  {
    id: "load-in-proportion",
    text: "the load grows in proportion to the VMs",
    source: "VEE21 figure 9",
    experiment: "pvm-load",
    rows: /^load of 10 VMs/,
    holds: exact(10, 0.1),
  },
  {
    id: "load-peaks",
    text: "the load peaks each 30 s, up to 46 % of a core",
    source: "VEE21 figure 9",
    experiment: "pvm-load",
    rows: /^one VM over time, peak/,
    holds: agree,
  },
  {
    id: "present-bit",
    text: "invalidating present bits each second costs up to 96 %",
    source: "VEE21 section 1",
    experiment: "present-bit",
    rows: /^throughput lost/,
    holds: (rows) => Math.max(...values(rows)) >= 90,
  },
  {
    id: "prl-is-free",
    text: "PRL costs the guest nothing: 0.001 %",
    source: "VEE21 section 4.4",
    experiment: "prl-cost",
    rows: /^guest's cost of PRL, read/,
    holds: within(-0.01, 0.01),
  },
];
