/** Reads a whole trace once: what it holds, how far it is sound, and where its blocks are. */

import type { ByteSource } from "../../src/io/byteSource.ts";
import { byteAt, numberAt } from "../../src/lookup.ts";
import { type AddressKind, type Damage, type KindCounts, totalAccesses } from "./format.ts";
import { MachinePages } from "./machinePages.ts";
import type { PrintedText } from "./printed.ts";
import { TraceReader } from "./reader.ts";
import { createRelocation, KeptNumbers, type Placement, type Relocation } from "./relocate.ts";

/** What a trace holds. If it is damaged, everything is about the part before the damage. */
export interface TraceScan {
  readonly path: string;
  readonly fileBytes: number;
  /** The traced command; empty if unknown. Text from the file: escape control characters. */
  readonly command: string;
  /** "linear" if the header is damaged. */
  readonly addresses: AddressKind;
  readonly blocks: number;
  readonly runs: number;
  readonly accesses: number;
  readonly kinds: Readonly<KindCounts>;
  /** Different pages: the linear pages of the compact placement. */
  readonly pages: number;
  /** Linear pages under the placement that was asked for; of guest-physical addresses and of machines, guest-physical pages up to the highest. */
  readonly linearPages: number;
  /** CRC-32 over all accesses: the same for the same accesses. */
  readonly digest: number;
  /** Lines of the source that were not accesses; undefined if the end marker is missing. */
  readonly skippedLines: number | undefined;
  readonly damage: Damage | undefined;
  readonly relocation: Relocation;
  /** Of each block of runs: its first byte in the file, its number, and its checksum. */
  readonly offsets: readonly number[];
  readonly numbers: readonly number[];
  readonly checksums: readonly number[];
  /** What was printed; undefined if the trace does not tell. */
  readonly printed: PrintedText | undefined;
}

/**
 * @param file its name, or its bytes from elsewhere
 * @param onProgress called after each block with the bytes of the file read so far, and its size
 * @throws UserError if the file cannot be read, is no trace, is of another version, or uses more
 *   pages than a guest can have. Damage is not thrown but returned.
 */
export function scanTrace(
  file: string | ByteSource,
  placement: Placement,
  onProgress?: (bytes: number, total: number) => void,
): TraceScan {
  const reader = new TraceReader(file);
  try {
    const compact = createRelocation("compact");
    const addresses = reader.header?.addresses ?? "linear";
    const relocation = relocationOf(addresses, placement, compact);
    const lastPages = new Float64Array(4).fill(-1);
    const machine = addresses === "machine" ? new MachinePages(reader.path) : undefined;
    const offsets: number[] = [];
    const numbers: number[] = [];
    const checksums: number[] = [];
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      offsets.push(reader.blockOffset);
      numbers.push(reader.blockNumber);
      checksums.push(reader.blockChecksum);
      machine?.check(block);
      const { pages, kinds, count } = block;
      for (let i = 0; i < count; i++) {
        const page = numberAt(pages, i);
        if (lastPages[byteAt(kinds, i)] === page) continue;
        lastPages[byteAt(kinds, i)] = page;
        compact.linearPage(page);
        if (relocation !== compact) relocation.linearPage(page);
      }
      onProgress?.(reader.blockOffset, reader.fileBytes);
    }
    return {
      path: reader.path,
      fileBytes: reader.fileBytes,
      command: reader.header?.command ?? "",
      addresses,
      blocks: offsets.length,
      runs: reader.runs,
      accesses: totalAccesses(reader.kinds),
      kinds: reader.kinds,
      pages: compact.pages,
      linearPages: machine?.pages ?? relocation.pages,
      digest: reader.digest,
      skippedLines: reader.end?.skippedLines,
      damage: reader.damage ?? wrongEnd(reader, compact.pages),
      relocation,
      offsets,
      numbers,
      checksums,
      printed: reader.header?.hasConsole === true ? reader.printed : undefined,
    };
  } finally {
    reader.close();
  }
}

function relocationOf(
  addresses: AddressKind,
  placement: Placement,
  compact: Relocation,
): Relocation {
  if (addresses !== "linear") return new KeptNumbers();
  return placement === "compact" ? compact : createRelocation(placement);
}

/** The end marker counts the pages as well, which the reader does not. */
function wrongEnd(reader: TraceReader, pages: number): Damage | undefined {
  if (reader.end === undefined || reader.end.pages === pages) return undefined;
  const reason = "the end marker does not agree with the blocks";
  return { block: reader.blocks + 1, offset: reader.endOffset, reason };
}

/** One sentence about a damaged trace; undefined if it is sound. */
export function damageNote(
  scan: Pick<TraceScan, "path" | "damage" | "accesses">,
): string | undefined {
  const { damage } = scan;
  if (damage === undefined) return undefined;
  return (
    `${scan.path}: damaged at block ${damage.block}, byte ${damage.offset}: ${damage.reason}; ` +
    `used the ${scan.accesses} accesses before it`
  );
}
