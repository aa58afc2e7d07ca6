/** A short run of `npm run fuzz:keys`: what somebody might do at the screen, made up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { SMALL } from "../tui/fakeTerminal.ts";
import { sequences } from "./deeds.ts";
import { Sitting } from "./inProcess.ts";
import { actInTerminal } from "./inTerminal.ts";
import { hasTmux } from "./tmux.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const IN_PROCESS = 12;
const IN_TERMINAL = 3;

const directory = mkdtempSync(join(tmpdir(), "trackvisor-hands-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("random keys, lines, clicks and sizes", () => {
  it("leave each frame as it is meant, no fault, and a session that opens again", async () => {
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const sitting = new Sitting(SMALL, sequence.size, directory);
      expect(await sitting.act(sequence)).toBe(null);
    });
    await fc.assert(property, { numRuns: IN_PROCESS });
  });

  it.skipIf(!hasTmux)("do so at the program in a real terminal (needs tmux)", async () => {
    const program = `${process.execPath} ${MAIN} tui sort-prl`;
    const some = fc.array(sequences, { minLength: IN_TERMINAL, maxLength: IN_TERMINAL });
    const property = fc.asyncProperty(some, async (them) => {
      expect(await actInTerminal(program, them)).toBe(null);
    });
    await fc.assert(property, { numRuns: 1, endOnFailure: true });
  });
});
