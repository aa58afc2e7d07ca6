/** `trackvisor checkpoint`: what checkpoint files hold, and whether they are sound. */
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import { formatCycles } from "../config/units.ts";
import { openSource } from "../io/byteSource.ts";
import { note, print } from "../io/standardStreams.ts";
import { visible } from "../io/visible.ts";
import {
  type CheckpointScan,
  damageNote,
  scanCheckpoints,
} from "../system/operations/checkpoint/reader.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";

const EXIT_DAMAGED = 1;

/** The command with its subcommands. Mistakes of the user are thrown as UserError. */
export function checkpointCommand(): Command {
  const checkpoint = new Command("checkpoint").description(
    "inspect checkpoint files (see: trackvisor run --checkpoint)",
  );
  checkpoint
    .command("info")
    .description("say what a checkpoint file holds; exit code 1 if it is damaged")
    .argument("<file>", "a checkpoint file")
    .option(...JSON_OPTION)
    .action(infoAction);
  checkpoint
    .command("verify")
    .description("check every block of a checkpoint file; exit code 1 if it is damaged")
    .argument("<file>", "a checkpoint file")
    .action(verifyAction);
  return checkpoint;
}

function infoAction(file: string, options: { json?: boolean }): void {
  const scan = scanFile(file);
  const { header, fileBytes, checkpoints, damage } = scan;
  if (options.json === true) {
    const result = { file, fileBytes, header: header ?? null, checkpoints };
    printResult("checkpoint info", { ...result, damage: damage ?? null }, 2);
  } else {
    print(`size         ${grouped(fileBytes)} bytes`);
    if (header !== undefined) {
      const { mode } = header;
      const how = mode === "stop" ? "stop-and-copy" : `${mode}, ${visible(header.technique)}`;
      print(`made by      ${how}`);
      print(`scenario     ${visible(header.scenario) || "(unknown)"}`);
      for (const { name, pages, tables } of header.vms) {
        print(
          `VM           ${visible(name)}: ${grouped(pages)} pages, ${grouped(tables)} of tables`,
        );
      }
    }
    for (const { number, time, pages, full, stateBytes } of checkpoints) {
      const all = full ? "all " : "";
      const state = stateBytes > 0 ? `, state of ${grouped(stateBytes)} bytes` : "";
      print(
        `checkpoint   ${grouped(number)} at ${formatCycles(time)}: ${all}${grouped(pages)} pages${state}`,
      );
    }
  }
  reportDamage(file, scan);
}

function verifyAction(file: string): void {
  const scan = scanFile(file);
  reportDamage(file, scan);
  const last = scan.checkpoints.at(-1);
  if (scan.damage !== undefined) return;
  if (last === undefined) {
    note(`${file}: holds no complete checkpoint`);
    process.exitCode = EXIT_DAMAGED;
    return;
  }
  print(
    `${file}: sound; ${grouped(scan.checkpoints.length)} checkpoints, the last is number ${last.number}`,
  );
}

function scanFile(file: string): CheckpointScan {
  const source = openSource(file);
  try {
    return scanCheckpoints(source);
  } finally {
    source.close();
  }
}

function reportDamage(file: string, scan: CheckpointScan): void {
  const damage = damageNote(file, scan);
  if (damage === undefined) return;
  note(damage);
  process.exitCode = EXIT_DAMAGED;
}
