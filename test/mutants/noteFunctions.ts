/** Around each file of tests in a measured run: notes which functions ran, in it and in processes that it started. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";

interface WithFunctionsRun {
  readonly __functionsRun: Uint8Array;
}

const { __functionsRun: ran } = globalThis as typeof globalThis & WithFunctionsRun;
const directory = process.env["MUTANT_FUNCTIONS"] ?? "";

ran.fill(0);

afterAll(() => {
  for (const name of readdirSync(directory).filter((one) => one.endsWith(".process"))) {
    const other = readFileSync(join(directory, name));
    other.forEach((bit, at) => {
      if (bit !== 0) ran[at] = 1;
    });
    rmSync(join(directory, name));
  }
  const numbers = [...ran].flatMap((bit, at) => (bit !== 0 ? [at] : []));
  const file = expect.getState().testPath ?? "";
  const name = file.slice(process.cwd().length + 1).replaceAll(/[\\/]/g, "+");
  writeFileSync(join(directory, `${name}.test`), JSON.stringify(numbers));
});
