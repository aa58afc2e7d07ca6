/** Restores a checkpoint into a system that was built from the same scenario. */

import { UserError } from "../../../errors.ts";
import { type Part, PartError } from "../../../hardware/part.ts";
import type { ByteSource } from "../../../io/byteSource.ts";
import { itemAt } from "../../../lookup.ts";
import type { System } from "../../system.ts";
import { CheckpointOperation } from "../checkpoint.ts";
import { wordsOfTable } from "./format.ts";
import { StoredGuest } from "./machineBlocks.ts";
import { type CommittedCheckpoint, damageNote, readCheckpoint, scanCheckpoints } from "./reader.ts";
import { decodeState, StateError } from "./state.ts";
import { layoutOf, memoryOf, VmImage, writeBack } from "./vmImage.ts";

export interface Restored {
  readonly checkpoint: CommittedCheckpoint;
  /**
   * Whether everything is as it was, so that the run continues from there; else only the VMs' memory
   * is, and their vCPUs begin at the start.
   */
  readonly continues: boolean;
  /** What is wrong with the file behind this checkpoint. */
  readonly damage: string | undefined;
}

/**
 * Puts the last complete checkpoint of a file into a new system.
 * @throws UserError if the file has none, or it is of other VMs or another scenario
 */
export function restoreCheckpoint(system: System, source: ByteSource): Restored {
  const scan = scanCheckpoints(source);
  const damage = damageNote(source.name, scan);
  const checkpoint = scan.checkpoints.at(-1);
  if (scan.header === undefined || checkpoint === undefined) {
    throw new UserError(damage ?? `${source.name}: holds no complete checkpoint`);
  }
  const { vms } = system.world;
  const layouts = vms.map(layoutOf);
  const tableWords = wordsOfTable(scan.header);
  const sameVms =
    JSON.stringify(layouts) === JSON.stringify(scan.header.vms) &&
    tableWords === system.world.memory.frameWords &&
    vms.every(({ guest }) => guest.versions.length > 0);
  if (!sameVms) throw new UserError(`${source.name}: is of other VMs than this scenario's`);
  const images = layouts.map((layout) => new VmImage(layout, tableWords));
  const guests = layouts.map((layout) => (layout.bytes === true ? new StoredGuest(layout) : null));
  const state = readCheckpoint(source, checkpoint, images, guests);
  const { operation } = system;
  const continues = state.length > 0 && operation instanceof CheckpointOperation;
  if (!continues) {
    if (guests.some((guest) => guest !== null)) {
      throw new UserError(
        `${source.name}: holds a machine, which goes on under operation "checkpoint" alone, with its state`,
      );
    }
    images.forEach((image, vm) => {
      writeBack(image, memoryOf(itemAt(vms, vm)));
    });
    return { checkpoint, continues, damage };
  }
  if (operation.scenario !== scan.header.scenario) {
    throw new UserError(`${source.name}: is of another scenario, or of an edited one`);
  }
  const { keptParts } = operation.device;
  const refused = `${source.name}: checkpoint ${checkpoint.number}, its state`;
  system.distrust(source.name);
  system.examine(() => putBack(system, state, keptParts, refused));
  if (!operation.device.adopt(images, guests, state)) {
    throw new UserError(`${refused}: is not of the machine that the checkpoint holds`);
  }
  return { checkpoint, continues, damage };
}

/** @throws UserError that begins with `refused`, for a state that this system cannot have */
function putBack(system: System, state: Buffer, kept: readonly Part[], refused: string): void {
  try {
    system.restore(decodeState(state, system, kept));
  } catch (error) {
    if (!(error instanceof StateError || error instanceof PartError)) throw error;
    throw new UserError(`${refused}: ${error.message}`);
  }
}
