/**
 * What is assumed of PARSEC's twelve programs of 2008. The two working sets are those that TR-811-08
 * finds in the miss rates of its simlarge inputs; reads and writes are its instruction counts, in
 * billions. Both are quoted from memory, and VEE21 says that its estimates agree with that report for
 * all but freqmine. The rest has no published number: it is read off what the programs do, in the
 * coarsest steps that tell them apart.
 */

const KIB = 1 / 1024;

export interface ParsecProgram {
  /** MiB: the small working set, and the large one. */
  readonly hot: number;
  readonly large: number;
  /** Instructions, in billions. */
  readonly reads: number;
  readonly writes: number;
  /**
   * sweep: the large set in order, whole pages at a time, over and over. random: objects of 256
   * bytes anywhere in it.
   */
  readonly order: "sweep" | "random";
  /** Part of the large set that is only read in the region of interest: 0, 0.5 or 0.9. */
  readonly readOnly: number;
}

export const PARSEC_PROGRAMS = {
  /** Passes over arrays of options: nine arrays are read, one is written. */
  blackscholes: {
    hot: 64 * KIB,
    large: 2,
    reads: 0.68,
    writes: 0.19,
    order: "sweep",
    readOnly: 0.9,
  },
  /** Images of a frame are read, edge maps and particles are written. */
  bodytrack: { hot: 512 * KIB, large: 8, reads: 3.63, writes: 0.95, order: "sweep", readOnly: 0.5 },
  /** Elements exchanged at random: places are written, the net lists are read. */
  canneal: { hot: 64 * KIB, large: 256, reads: 1.94, writes: 0.89, order: "random", readOnly: 0.5 },
  /** A stream in, a compressed one out. */
  dedup: { hot: 2, large: 256, reads: 11.71, writes: 3.13, order: "sweep", readOnly: 0.5 },
  /** The mesh is read, positions and forces are written. */
  facesim: {
    hot: 256 * KIB,
    large: 256,
    reads: 10.05,
    writes: 4.29,
    order: "sweep",
    readOnly: 0.5,
  },
  /** Searches in a database of images that does not change. */
  ferret: { hot: 128 * KIB, large: 64, reads: 7.49, writes: 1.18, order: "random", readOnly: 0.9 },
  /** All cells are rewritten for each frame. */
  fluidanimate: {
    hot: 128 * KIB,
    large: 64,
    reads: 4.8,
    writes: 1.15,
    order: "sweep",
    readOnly: 0,
  },
  /** The prefix tree is read, conditional trees are built. */
  freqmine: {
    hot: 256 * KIB,
    large: 128,
    reads: 11.31,
    writes: 5.24,
    order: "random",
    readOnly: 0.5,
  },
  /** Passes over points that do not change. */
  streamcluster: {
    hot: 64 * KIB,
    large: 16,
    reads: 9.42,
    writes: 0.06,
    order: "sweep",
    readOnly: 0.9,
  },
  /** Paths of a simulation, rewritten for each trial; there is one working set. */
  swaptions: {
    hot: 512 * KIB,
    large: 512 * KIB,
    reads: 5.08,
    writes: 1.16,
    order: "sweep",
    readOnly: 0,
  },
  /** An image in, an image out. */
  vips: { hot: 64 * KIB, large: 16, reads: 6.71, writes: 1.63, order: "sweep", readOnly: 0.5 },
  /** Frames are written, and later read as references. */
  x264: { hot: 128 * KIB, large: 16, reads: 9.01, writes: 3.11, order: "sweep", readOnly: 0 },
} as const satisfies Readonly<Record<string, ParsecProgram>>;

export type ParsecName = keyof typeof PARSEC_PROGRAMS;
