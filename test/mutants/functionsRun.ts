/**
 * Loaded before everything else in each process of a measured run (`node --import`): the array in which
 * functions note that they ran. At the end a process writes it into the directory that MUTANT_FUNCTIONS names.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const FUNCTIONS_MAX = 1 << 16;

interface WithFunctionsRun {
  __functionsRun: Uint8Array;
}

const ran = new Uint8Array(FUNCTIONS_MAX);
(globalThis as typeof globalThis & WithFunctionsRun).__functionsRun = ran;

process.on("exit", () => {
  const directory = process.env["MUTANT_FUNCTIONS"];
  if (directory === undefined || !ran.includes(1)) return;
  writeFileSync(join(directory, `${randomUUID()}.process`), ran);
});
