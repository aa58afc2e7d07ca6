/** The ways to ask: an emulator on this machine, now; a processor that is started from a disk, later. */
import { UserError } from "../errors.ts";
import { EPT } from "../hardware/formats/ept.ts";
import { Scratch } from "../io/scratch.ts";
import type { LitmusTest } from "../litmus/load.ts";
import { present } from "../lookup.ts";
import { batches, prepare } from "./ask.ts";
import { SVM_READ_ONLY_GUEST_TABLES } from "./askable.ts";
import { runBochs, runBochsRyzen } from "./bochs.ts";
import { RULES, type Rule } from "./explained.ts";
import { QEMU_RULES, RYZEN_RULES } from "./explainedNested.ts";
import {
  buildImage,
  diskOf,
  type ImageProgram,
  type Ran,
  type Virtualization,
} from "./imageFile.ts";
import { rulesFor } from "./judge.ts";
import { TABLES, TABLES_END } from "./layout.ts";
import { type Output, type Processor, readOutput, svmProcessor } from "./output.ts";
import { runQemu } from "./qemu.ts";
import { reportOf, type WitnessReport } from "./report.ts";

const SECONDS = 600;

/** What Bochs's corei7_skylake_x is, and what an image is made for that nobody has started yet. */
export const KNOWN_PROCESSOR: Processor = {
  physicalAddressBits: 40,
  entryFormat: EPT.name,
  svmFeatures: 0n,
  eptCapabilities: 0xf0106334141n,
  primaryAllowed: 0xf7f9fffe,
  secondaryAllowed: 0x2177fff,
};

const KNOWN_BITS = KNOWN_PROCESSOR.physicalAddressBits;

/** Somebody who can be asked on this machine. */
interface Witness {
  /** For people, before the version. */
  readonly label: string;
  readonly virtualization: Virtualization;
  readonly rules: readonly Rule[];
  readonly run: (
    scratch: Scratch,
    image: ImageProgram,
    tables: Uint8Array,
    seconds: number,
  ) => Promise<Ran>;
}

/** By the names that `--on` has for them. */
const WITNESSES: ReadonlyMap<string, Witness> = new Map<string, Witness>([
  ["bochs", { label: "Bochs", virtualization: "vmx", rules: RULES, run: runBochs }],
  [
    "bochs-svm",
    { label: "Bochs (ryzen)", virtualization: "svm", rules: RYZEN_RULES, run: runBochsRyzen },
  ],
  ["qemu", { label: "QEMU", virtualization: "svm", rules: QEMU_RULES, run: runQemu }],
]);
export const WITNESS_NAMES: readonly string[] = [...WITNESSES.keys()];

/** What each kind of image is made for. */
const PROCESSORS: Readonly<Record<Virtualization, Processor>> = {
  vmx: KNOWN_PROCESSOR,
  svm: svmProcessor(KNOWN_BITS, 0n),
};
/** What a disk is made for: with what the emulators have not. */
const ON_DISKS = { ...PROCESSORS, svm: svmProcessor(KNOWN_BITS, SVM_READ_ONLY_GUEST_TABLES) };

/** Asks a witness by its name. @throws UserError, one line, if a tool is missing, or the image did not come to its end */
export async function askOn(name: string, tests: readonly LitmusTest[]): Promise<WitnessReport> {
  const witness = present(WITNESSES.get(name), `the witness "${name}"`);
  const { label, virtualization, rules, run } = witness;
  const scratch = new Scratch();
  try {
    const image = await buildImage(scratch, virtualization);
    const asked = prepare(tests, PROCESSORS[virtualization], image.symbols);
    let text = "";
    let version = "";
    for (const tables of batches(asked, TABLES_END - TABLES)) {
      const ran = await run(scratch, image, tables, SECONDS);
      text += ran.text;
      version = ran.version;
      requireComplete(readOutput(ran.text));
    }
    const output = readOutput(text);
    const processor = requireProcessor(output);
    const own = rulesFor(rules, version);
    return reportOf(`${label} ${version}`, asked, output, processor, image.symbols, own);
  } finally {
    scratch.remove();
  }
}

/** A disk with the image and the tests, for a processor that is started from it. */
export async function diskFor(
  tests: readonly LitmusTest[],
  virtualization: Virtualization,
): Promise<Uint8Array> {
  return withImage(virtualization, (image) => {
    const asked = prepare(tests, ON_DISKS[virtualization], image.symbols);
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
  const virtualization = processor.entryFormat === EPT.name ? "vmx" : "svm";
  return withImage(virtualization, (image) => {
    const onDisk = prepare(tests, ON_DISKS[virtualization], image.symbols);
    const asked = prepare(tests, processor, image.symbols).map((one, i) =>
      one.translation !== null && onDisk[i]?.translation === null
        ? { ...one, translation: null, reason: onDisk[i].reason }
        : one,
    );
    return reportOf(file, asked, output, processor, image.symbols, []);
  });
}

async function withImage<T>(
  virtualization: Virtualization,
  action: (image: ImageProgram) => T,
): Promise<T> {
  const scratch = new Scratch();
  try {
    return action(await buildImage(scratch, virtualization));
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
