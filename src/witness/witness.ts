/** The ways to ask: Bochs, now; a processor that is started from a disk, later. */
import { UserError } from "../errors.ts";
import { Scratch } from "../io/scratch.ts";
import type { LitmusTest } from "../litmus/load.ts";
import { batches, prepare } from "./ask.ts";
import { runBochs } from "./bochs.ts";
import { buildImage, diskOf, type ImageProgram } from "./imageFile.ts";
import { TABLES, TABLES_END } from "./layout.ts";
import { type Output, type Processor, readOutput } from "./output.ts";
import { reportOf, type WitnessReport } from "./report.ts";

const SECONDS = 600;

/** What Bochs's corei7_skylake_x is, and what an image is made for that nobody has started yet. */
export const KNOWN_PROCESSOR: Processor = {
  physicalAddressBits: 40,
  eptCapabilities: 0xf0106334141n,
  primaryAllowed: 0xf7f9fffe,
  secondaryAllowed: 0x2177fff,
};

/** Asks Bochs. @throws UserError, one line, if a tool is missing, or the image did not come to its end */
export async function askBochs(tests: readonly LitmusTest[]): Promise<WitnessReport> {
  const scratch = new Scratch();
  try {
    const image = await buildImage(scratch);
    const asked = prepare(tests, KNOWN_PROCESSOR, image.symbols);
    let text = "";
    let version = "";
    for (const tables of batches(asked, TABLES_END - TABLES)) {
      const run = await runBochs(scratch, image, tables, SECONDS);
      text += run.text;
      version = run.version;
      requireComplete(readOutput(run.text));
    }
    const output = readOutput(text);
    const processor = requireProcessor(output);
    return reportOf(`Bochs ${version}`, asked, output, processor, image.symbols, version);
  } finally {
    scratch.remove();
  }
}

/** A disk with the image and the tests, for a processor that is started from it. */
export async function diskFor(tests: readonly LitmusTest[]): Promise<Uint8Array> {
  return withImage((image) => {
    const asked = prepare(tests, KNOWN_PROCESSOR, image.symbols);
    const [tables, more] = batches(asked, TABLES_END - TABLES);
    if (tables === undefined || more !== undefined) {
      throw new UserError("the tables of these tests do not fit into one image: give fewer files");
    }
    return diskOf(image, tables);
  });
}

/** Compares what a processor printed that was started from the disk of the same tests. */
export async function compareResults(
  tests: readonly LitmusTest[],
  text: string,
  file: string,
): Promise<WitnessReport> {
  const output = readOutput(text);
  requireComplete(output, `${file}: `);
  const processor = requireProcessor(output, `${file}: `);
  return withImage((image) => {
    const onDisk = prepare(tests, KNOWN_PROCESSOR, image.symbols);
    const asked = prepare(tests, processor, image.symbols).map((one, i) =>
      one.translation !== null && onDisk[i]?.translation === null
        ? { ...one, translation: null, reason: onDisk[i].reason }
        : one,
    );
    return reportOf(file, asked, output, processor, image.symbols, null);
  });
}

async function withImage<T>(action: (image: ImageProgram) => T): Promise<T> {
  const scratch = new Scratch();
  try {
    return action(await buildImage(scratch));
  } finally {
    scratch.remove();
  }
}

function requireComplete({ complete, trouble }: Output, where = ""): void {
  if (trouble !== null) throw new UserError(`${where}the image stopped: ${trouble}`);
  if (!complete) throw new UserError(`${where}the image has not come to its end`);
}

function requireProcessor({ processor }: Output, where = ""): Processor {
  if (processor === null) throw new UserError(`${where}nothing in it is of the image`);
  return processor;
}
