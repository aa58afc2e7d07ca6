/** The accesses of known.S between its marks, in their order. */
import { READ, WRITE } from "../../../../workloads/trace/accesses.ts";

export interface KnownRun {
  readonly linear: number;
  /** Guest-physical. */
  readonly page: number;
  readonly kind: number;
  readonly length: number;
}

const same = (page: number, kind: number, length: number): KnownRun => {
  return { linear: page, page, kind, length };
};

export const KNOWN_RUNS: readonly KnownRun[] = [
  same(0x20, WRITE, 3),
  same(0x20, READ, 1),
  { linear: 0x400, page: 0x30, kind: WRITE, length: 1 },
  same(0x12, WRITE, 1),
  { linear: 0x400, page: 0x31, kind: WRITE, length: 1 },
  same(0x21, WRITE, 1),
  same(0x22, WRITE, 1),
  same(0x20, READ, 1),
  same(0x23, WRITE, 1024),
  same(0x24, WRITE, 512),
  same(0x6, WRITE, 1),
  same(0x6, READ, 1),
  same(0x20, READ, 1),
  same(0x20, WRITE, 1),
];
