/** The directions of the house: a lower line never imports from a higher one. */
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";

/** From low to high; what stands on one line may use each other. */
export const LAYERS: readonly (readonly string[])[] = [
  ["src/hardware"],
  ["src/units"],
  ["workloads"],
  ["src/interconnect"],
  ["src/hypervisor"],
  ["machines"],
  ["src/system", "src/litmus"],
  ["src/witness"],
  ["src/replay"],
  ["src/check"],
  ["src/runs"],
  ["src/shares"],
  ["src/queue"],
  ["src/plots"],
  ["src/questions"],
  ["src/experiments"],
  ["src/session"],
  ["src/library"],
  ["src/tui"],
  ["src/cli"],
];

/** Usable by everyone above the hardware; they use nobody. */
const LEAVES = "^src/(config/|io/|(errors|lookup)\\.ts$)";
const NOT_OURS = "(^|/)node_modules/|^node:|^[a-z_]+(/promises)?$";

/** Modules of Node.js that reach out of the process: files, other programs, networks. */
const OUTSIDE =
  "^(node:)?(fs|child_process|cluster|dgram|dns|http|http2|https|inspector|net|repl|tls|tty|wasi)(/promises)?$";

/** Who writes files that the command line, or a program that uses the library, has named, and the few that do it for them. */
const WRITERS = "^src/(cli|library|runs|session|io)/";
const WRITING = [
  "^src/replay/logFile\\.ts$",
  "^src/system/operations/checkpoint/fileSink\\.ts$",
  "^src/check/savedSearch\\.ts$",
  "^workloads/trace/import\\.ts$",
];
const ALL_WRITING = `^src/io/(outputFile|fileExtension)\\.ts$|${WRITING.join("|")}`;

function pattern(directories: readonly string[]): string {
  return `^(${directories.join("|")})/`;
}

function upward(): IForbiddenRuleType[] {
  return LAYERS.slice(0, -1).map((directories, height) => ({
    name: `${directories.join(", ")}: only from below`,
    severity: "error",
    from: { path: pattern(directories) },
    to: { path: pattern(LAYERS.slice(height + 1).flat()) },
  }));
}

export const rules: readonly IForbiddenRuleType[] = [
  ...upward(),
  {
    name: "src/hardware: on its own",
    severity: "error",
    from: { path: "^src/hardware/" },
    to: { pathNot: "^src/(hardware/|lookup\\.ts$)" },
  },
  {
    name: "leaves: use nobody",
    severity: "error",
    from: { path: LEAVES },
    to: { path: "^(src|machines|workloads)/", pathNot: LEAVES },
  },
  {
    name: "machines: no I/O",
    severity: "error",
    from: { path: "^machines/" },
    to: { path: NOT_OURS, pathNot: "(^|/)node_modules/xstate/" },
  },
  {
    // Rules of migration and estimation are pure functions; what touches memory is a device's work.
    name: "machines: no memory",
    severity: "error",
    from: { path: "^machines/" },
    to: {
      path: "^src/(hypervisor|hardware)/",
      pathNot: "^src/hypervisor/(migration|wss)/|^src/hardware/exit\\.ts$",
      dependencyTypesNot: ["type-only"],
    },
  },
  {
    name: "src/tui: no machine, no hardware, no system: frames alone",
    severity: "error",
    from: { path: "^src/tui/" },
    to: {
      path: "^(src/(hardware|hypervisor|interconnect|system|litmus|replay|check)|machines|workloads)/",
    },
  },
  {
    name: "src/interconnect: RxJS, XState, schemas and the compiler alone",
    severity: "error",
    from: { path: "^src/interconnect/" },
    to: { path: NOT_OURS, pathNot: "(^|/)node_modules/(rxjs|xstate|zod)/" },
  },
  {
    // One way to read a file, one way to write one; and nothing else that is outside.
    name: "files: by src/io alone",
    severity: "error",
    from: { path: "^(src|machines|workloads)/", pathNot: "^src/io/" },
    to: { path: OUTSIDE },
  },
  {
    // What a scenario, a log or a checkpoint says cannot write: the rooms that run it have no way to.
    name: "files: written by those whom the command line has told a name",
    severity: "error",
    from: {
      path: "^(src|machines|workloads)/",
      pathNot: `${WRITERS}|${WRITING.join("|")}`,
    },
    to: { path: ALL_WRITING, dependencyTypesNot: ["type-only"] },
  },
  {
    // Optional: who does not ask for a queue need not have its engine.
    name: "the queue's engine: by src/queue alone",
    severity: "error",
    from: { path: "^(src|machines|workloads)/", pathNot: "^src/queue/" },
    to: { path: "(^|/)node_modules/(bullmq|ioredis)/" },
  },
  {
    name: "no tests in the program",
    severity: "error",
    from: { path: "^(src|machines|workloads)/" },
    to: { path: "^(test|dist)/" },
  },
  { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
  { name: "nothing missing", severity: "error", from: {}, to: { couldNotResolve: true } },
];

export interface Check {
  /** "rule: from -> to", in order. */
  readonly violations: readonly string[];
  readonly modules: number;
}

/** Checks the directories of the house under `base`. */
export async function check(base: string, directories: readonly string[]): Promise<Check> {
  const { output } = await cruise([...directories], {
    baseDir: base,
    ruleSet: { forbidden: [...rules] },
    validate: true,
    // Types count as well: who imports a type knows its owner.
    tsPreCompilationDeps: "specify",
    doNotFollow: { path: "node_modules" },
    // Some libraries have no entry but the one for import.
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  });
  const { summary } = output as ICruiseResult;
  const violations = summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`,
  );
  return { violations: violations.sort(), modules: summary.totalCruised };
}
