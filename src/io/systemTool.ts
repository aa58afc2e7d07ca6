/** A program of the system as a step of a stream: bytes in, bytes out, without a shell. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { codeOf } from "./systemError.ts";

export interface Tool {
  /** Looked for in the PATH. */
  readonly program: string;
  readonly arguments: readonly string[];
}

/** There is no such program. */
export class ToolMissing extends Error {}
/** The program ended with an error. The message is what it said first, without its name. */
export class ToolFailed extends Error {}

/** Kept of what a program says. */
const SAID_MAX = 4096;

/**
 * What the tool makes of the input, as it comes; no more of it is held than pipes hold.
 * @throws ToolMissing, ToolFailed, or what the input throws. The program never outlives the generator.
 */
export async function* through(tool: Tool, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn(tool.program, tool.arguments, { stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    if (said.length < SAID_MAX) said += text.toString();
  });
  const ended = endOf(child);
  let inputError: unknown;
  const feeding = pipeline(Readable.from(input, { objectMode: false }), child.stdin).catch(
    (error: unknown) => {
      // A tool that ends early closes its input: what it has against it, it says itself.
      if (codeOf(error) === "EPIPE" || codeOf(error) === "ERR_STREAM_PREMATURE_CLOSE") return;
      inputError = error;
      child.kill("SIGKILL");
    },
  );
  try {
    const chunks: AsyncIterable<Buffer> = child.stdout;
    yield* chunks;
    const failed = await ended;
    await feeding;
    if (inputError !== undefined) throw inputError;
    if (failed instanceof Error) throw failed;
    if (failed) throw new ToolFailed(firstLine(said, tool.program));
  } finally {
    child.kill("SIGKILL");
  }
}

/** @returns whether the program failed, or why it could not be started */
async function endOf(child: ChildProcess): Promise<boolean | Error> {
  try {
    const [code] = await once(child, "close");
    return code !== 0;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return new ToolMissing(child.spawnfile);
    return error instanceof Error ? error : new Error(String(error));
  }
}

function firstLine(said: string, program: string): string {
  const line = said.split("\n").find((text) => text.trim() !== "") ?? "it says not why";
  return line.trim().replace(`${program}: `, "");
}
