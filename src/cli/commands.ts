/**
 * Every command by its name. Only the one that is called is loaded, for loading is most of what a short
 * command takes; the list below is what `--help` says of the others. A test holds it against the commands.
 */
import type { CommandEntry } from "./commandEntry.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    usage: "run [options] [scenario]",
    description: "run a scenario, or a trace of a real program",
    load: async () => (await import("./run.ts")).runCommand(),
  },
  {
    name: "tui",
    usage: "tui [options] [scenario|log]",
    description: "see the machine run: messages, CPUs, logs, pages; step, go back, change it",
    load: async () => (await import("./tui.ts")).tuiCommand(),
  },
  {
    name: "compare",
    usage: "compare [options] [name...]",
    description: "ways of tracking side by side: what each finds, and what it costs",
    load: async () => (await import("./compare.ts")).compareCommand(),
  },
  {
    name: "advise",
    usage: "advise [options] <scenario>",
    description:
      "tracker, migration, working set: answers in words, backed by runs (docs/advise.md)",
    load: async () => (await import("./advise.ts")).adviseCommand(),
  },
  {
    name: "sweep",
    usage: "sweep [options] <scenario>",
    description: "the same guests with other parameters: table, plot, files (docs/sweep.md)",
    load: async () => (await import("./sweep.ts")).sweepCommand(),
  },
  {
    name: "fleet",
    usage: "fleet [options] <fleet>",
    description: "a day of many VMs on many hosts: how many are left? (docs/fleet.md)",
    load: async () => (await import("./fleet.ts")).fleetCommand(),
  },
  {
    name: "merge",
    usage: "merge [options] <file...>",
    description: "put shares together: what sweep, experiment run and check --shard wrote",
    load: async () => (await import("./merge.ts")).mergeCommand(),
  },
  {
    name: "worker",
    usage: "worker [options] <queue>",
    description: "do the runs that sweep --queue and experiment run --queue order (docs/sweep.md)",
    load: async () => (await import("./worker.ts")).workerCommand(),
  },
  {
    name: "guest",
    usage: "guest",
    description:
      "whole operating systems as guests: fetch what they are booted from (docs/guests.md)",
    load: async () => (await import("./guest.ts")).guestCommand(),
  },
  {
    name: "scenarios",
    usage: "scenarios",
    description: "the shipped scenarios: list, show, copy",
    load: async () => (await import("./shippedScenarios.ts")).scenariosCommand(),
  },
  {
    name: "trace",
    usage: "trace",
    description: "import, record and inspect traces of real programs",
    load: async () => (await import("./trace.ts")).traceCommand(),
  },
  {
    name: "litmus",
    usage: "litmus [options] [path...]",
    description: "run litmus tests of the emulated hardware (format: docs/litmus.md)",
    load: async () => (await import("./litmus.ts")).litmusCommand(),
  },
  {
    name: "witness",
    usage: "witness",
    description:
      "ask a real KVM what the emulator says of slots and dirty logs (docs/witnesses.md)",
    load: async () => (await import("./witness.ts")).witnessCommand(),
  },
  {
    name: "checkpoint",
    usage: "checkpoint",
    description: "inspect checkpoint files (see: trackvisor run --checkpoint)",
    load: async () => (await import("./checkpoint.ts")).checkpointCommand(),
  },
  {
    name: "check",
    usage: "check [options] [model]",
    description: "explore every interleaving of a model of the machines (docs/check.md)",
    load: async () => (await import("./check.ts")).checkCommand(),
  },
  {
    name: "experiment",
    usage: "experiment",
    description: "reproduce the published study: each figure with its emulated counterpart",
    load: async () => (await import("./experiment.ts")).experimentCommand(),
  },
  {
    name: "replay",
    usage: "replay [options] <file>",
    description: "run a recorded log again, and compare every message",
    load: async () => (await import("./replay.ts")).replayCommand(),
  },
  {
    name: "log",
    usage: "log",
    description: "look into message logs (see: trackvisor run --record)",
    load: async () => (await import("./log.ts")).logCommand(),
  },
  {
    name: "completion",
    usage: "completion <shell> [words...]",
    description: "completion of commands for a shell: bash, zsh, fish (docs/commands.md)",
    load: async () => (await import("./completion.ts")).completionCommand(COMMANDS),
  },
  {
    name: "man",
    usage: "man",
    description: "print the manual page: trackvisor man | man -l -",
    load: async () => (await import("./manPage.ts")).manCommand(COMMANDS),
  },
];
