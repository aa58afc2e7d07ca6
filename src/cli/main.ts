#!/usr/bin/env node
/** The command line: finds the command, and turns errors into messages and exit codes. */
import { Command, CommanderError } from "commander";
import { UserError } from "../errors.ts";
import { checkCommand } from "./check.ts";
import { checkpointCommand } from "./checkpoint.ts";
import { experimentCommand } from "./experiment.ts";
import { litmusCommand } from "./litmus.ts";
import { logCommand } from "./log.ts";
import { replayCommand } from "./replay.ts";
import { runCommand } from "./run.ts";
import { traceCommand } from "./trace.ts";
import { interactive, tuiCommand } from "./tui.ts";

const EXIT_USAGE = 2;

function program(): Command {
  const root = new Command("trackvisor")
    .description("how a hypervisor knows which pages its VMs touch, and what knowing costs")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  root.addCommand(runCommand(), { isDefault: true });
  root.addCommand(tuiCommand());
  root.addCommand(traceCommand());
  root.addCommand(litmusCommand());
  root.addCommand(checkpointCommand());
  root.addCommand(checkCommand());
  root.addCommand(experimentCommand());
  root.addCommand(replayCommand());
  root.addCommand(logCommand());
  for (const command of everyCommand(root)) {
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return root;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

async function main(): Promise<void> {
  try {
    // Without any argument, and with somebody who looks: the screen.
    const bare = process.argv.length === 2 && interactive();
    await program().parseAsync(bare ? [...process.argv, "tui"] : process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are no errors.
      if (error.exitCode === 0) return;
      // A command that needs another word has shown its help, and that says it.
      if (error.code === "commander.help") process.exitCode = EXIT_USAGE;
      else complain(error.message.replace(/^error: /, ""));
    } else if (error instanceof UserError) {
      complain(error.message);
    } else {
      throw error;
    }
  }
}

function complain(message: string): void {
  // One line, whatever was in the input: names and values may hold control characters.
  process.stderr.write(`trackvisor: ${message.replace(/\p{Cc}+/gu, " ")}\n`);
  process.exitCode = EXIT_USAGE;
}

// A reader that has seen enough (`| head`) is no fault of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

await main();
