/** What guests say on their consoles, and how those that are run live have ended. */
import { UserError } from "../errors.ts";
import { OutputFile, refuseUnwritable } from "../io/outputFile.ts";
import { note } from "../io/standardStreams.ts";
import type { System } from "../system/system.ts";

interface ConsoleOptions {
  readonly console?: string;
  readonly force?: true;
}

/**
 * The file of a run's console, to be written when it has ended; null if none is asked for.
 * @throws UserError if no guest has one, or several have, or the file cannot be written
 */
export function consoleOf(
  { world }: System,
  { console: file, force }: ConsoleOptions,
): { readonly write: () => void } | null {
  if (file === undefined) return null;
  const guests = world.vcpus.map(({ stream }) => stream.workload);
  const [guest, other] = guests.filter((one) => one.console !== undefined);
  if (guest === undefined) {
    throw new UserError(
      "--console: no guest of this scenario has a console: none is run live, or was recorded with what it printed",
    );
  }
  if (other !== undefined) {
    throw new UserError("--console: several guests of this scenario have a console; expected one");
  }
  refuseUnwritable(file, { force });
  return {
    write() {
      const output = new OutputFile(file, { force });
      try {
        output.write(guest.console?.shown() ?? new Uint8Array(0));
        output.commit();
      } finally {
        output.abort();
      }
    },
  };
}

/** A guest that has failed: its run goes on to be reported, and he should know. */
export function noteExitCodes({ world }: System): void {
  for (const { vm, stream } of world.vcpus) {
    const code = stream.workload.console?.exitCode;
    if (code === undefined || code === 0) continue;
    note(`${world.vmNumbered(vm).config.name}: its guest has ended with exit code ${code}`);
  }
}
