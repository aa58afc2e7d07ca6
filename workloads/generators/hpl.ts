/**
 * HPL, the Linpack benchmark: LU factorisation with partial pivoting of a random matrix, and the
 * solution of the system, over and over. The order of accesses is that of HPL 2.x with one process
 * (HPL_pdgesv0: no look-ahead; right-looking) on a BLAS of Goto's kind. docs/workloads.md has the
 * sources and what is assumed.
 *
 *   HPL_pdmatgen    the matrix and the right-hand side are written, column by column
 *   for each panel of blockSize columns:
 *     HPL_pdfact      factorises the panel by recursion (hplPanel.ts)
 *     HPL_dlaswp00N   exchanges rows of the trailing columns, 32 columns at a time
 *     HPL_dtrsm       solves for the panel's rows of U, column by column
 *     HPL_dgemm       updates the trailing matrix: U packed (4080 columns at a time), L packed (72
 *                     rows at a time), then strips of 8 columns
 *   HPL_pdtrsv      back substitution: the upper triangle is read from the last column block
 */

import { z } from "zod";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import { numbers } from "../../src/lookup.ts";
import { deriveSeed } from "../random.ts";
import { columnUpdate, type PanelStep, panelSteps } from "./hplPanel.ts";
import { LINE_BYTES, PAGE_BYTES, Program, programFields } from "./program.ts";

/** Doubles. */
const ELEMENT = 8;
/** Blocking of BLIS for Haswell: rows of a packed L, columns of a packed U, columns of a strip. */
const MC = 72;
const NC = 4080;
const NR = 8;
/** HPL_LASWP00N_DEPTH: columns whose rows are exchanged together. */
const SWAP_COLUMNS = 32;

export const hplSchema = z
  .strictObject({
    kind: z.literal("hpl"),
    order: z
      .int()
      .min(2)
      .max(200_000)
      .describe("N: rows and columns of the matrix; it has 8 N (N + 1) bytes"),
    blockSize: z.int().min(1).max(256).default(192).describe("NB: columns of a panel"),
    flopsPerAccess: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(800)
      .describe("arithmetic done in the time of an access: 8 a cycle in 100 cycles"),
    ...programFields,
  })
  .describe("HPL: blocked LU factorisation with row exchanges");

export type HplConfig = z.infer<typeof hplSchema>;

export interface HplLayout {
  readonly matrixPages: number;
  /** First bytes of the packed L and U. */
  readonly packedL: number;
  readonly packedU: number;
  readonly pages: number;
}

export function hplLayout(order: number, blockSize: number): HplLayout {
  const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES);
  const matrixPages = pagesOf(order * (order + 1) * ELEMENT);
  const packedLPages = pagesOf(MC * blockSize * ELEMENT);
  const packedUPages = pagesOf(Math.min(NC, order + 1) * blockSize * ELEMENT);
  return {
    matrixPages,
    packedL: matrixPages * PAGE_BYTES,
    packedU: (matrixPages + packedLPages) * PAGE_BYTES,
    pages: matrixPages + packedLPages + packedUPages,
  };
}

/**
 * The row that is exchanged with row `column`: in a random matrix every row from the diagonal on is
 * as likely to hold the largest element.
 */
export function pivotRow(seed: number, solve: number, column: number, order: number): number {
  return column + (deriveSeed(seed, `${solve}/${column}`) % (order - column));
}

const Phase = {
  generate: 0,
  panel: 1,
  swap: 2,
  solve: 3,
  packU: 4,
  packL: 5,
  strip: 6,
  back: 7,
} as const;

/** Places in `at`. */
const PHASE = 0;
const SOLVE = 1;
/** First column of the panel. */
const PANEL = 2;
/** Step of the panel, and counters within a phase, outermost first. */
const STEP = 3;
const I = 4;
const J = 5;
const K = 6;
/** First column of the packed U, first row of the packed L. */
const JC = 7;
const IC = 8;
const COUNTERS = 9;

export class Hpl extends Program {
  protected override readonly at = numbers(COUNTERS);
  private readonly order: number;
  private readonly blockSize: number;
  private readonly flopsPerAccess: number;
  private readonly seed: number;
  private readonly layout: HplLayout;
  private readonly steps: readonly PanelStep[];
  private readonly lastSteps: readonly PanelStep[];

  constructor(name: string, config: HplConfig, seed: number) {
    const { order } = config;
    const blockSize = Math.min(config.blockSize, order);
    const layout = hplLayout(order, blockSize);
    super(name, layout.pages, config, seed);
    this.order = order;
    this.blockSize = blockSize;
    this.flopsPerAccess = config.flopsPerAccess;
    this.seed = seed;
    this.layout = layout;
    this.steps = panelSteps(blockSize);
    this.lastSteps = panelSteps(order % blockSize === 0 ? blockSize : order % blockSize);
  }

  protected override step(): void {
    switch (this.at[PHASE]) {
      case Phase.generate:
        this.use(0, this.order * (this.order + 1) * ELEMENT, AccessKind.write);
        this.go(Phase.panel);
        break;
      case Phase.panel:
        this.panel();
        break;
      case Phase.swap:
        this.swap();
        break;
      case Phase.solve:
        this.solve();
        break;
      case Phase.packU:
        this.packU();
        break;
      case Phase.packL:
        this.packL();
        break;
      case Phase.strip:
        this.strip();
        break;
      default:
        this.back();
    }
  }

  private go(phase: number): void {
    const { at } = this;
    at[PHASE] = phase;
    at[I] = 0;
    at[J] = 0;
    at[K] = 0;
  }

  /** Columns of the present panel. */
  private width(): number {
    return Math.min(this.blockSize, this.order - this.at[PANEL]);
  }

  /** Rows `row` to `row + rows - 1` of a column. */
  private column(row: number, column: number, rows: number, kind: number, flopsPerElement = 0) {
    const flops = (flopsPerElement * LINE_BYTES) / ELEMENT;
    const bytesPerAccess = LINE_BYTES * Math.min(1, this.flopsPerAccess / Math.max(flops, 1));
    this.use((column * this.order + row) * ELEMENT, rows * ELEMENT, kind, bytesPerAccess);
  }

  private panel(): void {
    const { at, order } = this;
    const width = this.width();
    const steps = width === this.blockSize ? this.steps : this.lastSteps;
    const step = steps[at[STEP]];
    const first = at[PANEL];
    if (step === undefined) {
      at[STEP] = 0;
      this.go(Phase.swap);
      return;
    }
    const counter = at[I];
    at[I] = counter + 1;
    if (step.kind === "update") {
      const rows = order - first - step.left;
      const access = columnUpdate(step, counter);
      if (access === null) this.endStep();
      else if (access.reads) this.column(first + step.left, first + access.column, rows, 0);
      else {
        this.column(first + step.left, first + access.column, rows, 3, 2 * step.leftColumns);
      }
      return;
    }
    // One column: the pivot is looked for, rows are exchanged in the whole panel, the column is
    // scaled, and the rest of its narrow block is updated.
    const column = first + step.column;
    const rows = order - column;
    if (counter === 0) this.column(column, column, rows, AccessKind.read);
    else if (counter <= 2 * width) {
      const row = (counter & 1) === 1 ? column : pivotRow(this.seed, at[SOLVE], column, order);
      this.column(row, first + ((counter - 1) >> 1), 1, AccessKind.readModifyWrite);
    } else {
      const target = column + counter - 2 * width - 1;
      if (target >= first + step.end) this.endStep();
      else this.column(column, target, rows, AccessKind.readModifyWrite, 2);
    }
  }

  private endStep(): void {
    this.at[STEP] += 1;
    this.at[I] = 0;
  }

  /** I: first of 32 columns, counted from the trailing matrix; J: pivot; K: twice the column among them. */
  private swap(): void {
    const { at, order } = this;
    const width = this.width();
    const left = at[PANEL] + width;
    const columns = Math.min(SWAP_COLUMNS, order + 1 - left - at[I]);
    if (columns <= 0) {
      this.go(Phase.solve);
      return;
    }
    const pivot = at[PANEL] + at[J];
    const row = (at[K] & 1) === 0 ? pivot : pivotRow(this.seed, at[SOLVE], pivot, order);
    this.column(row, left + at[I] + (at[K] >> 1), 1, AccessKind.readModifyWrite);
    at[K] += 1;
    if (at[K] < 2 * columns) return;
    at[K] = 0;
    at[J] += 1;
    if (at[J] < width) return;
    at[J] = 0;
    at[I] += SWAP_COLUMNS;
  }

  private solve(): void {
    const { at, order } = this;
    const width = this.width();
    const column = at[PANEL] + width + at[I];
    if (column > order) {
      at[JC] = at[PANEL] + width;
      // Below the last panel there is nothing to update.
      if (at[JC] < order) this.go(Phase.packU);
      else this.go(Phase.back);
      return;
    }
    this.column(at[PANEL], column, width, AccessKind.readModifyWrite, width);
    at[I] += 1;
  }

  private packU(): void {
    const { at, order, layout } = this;
    const width = this.width();
    if (at[JC] > order) {
      at[PANEL] += width;
      this.go(Phase.panel);
      return;
    }
    const columns = Math.min(NC, order + 1 - at[JC]);
    const column = at[I] >> 1;
    if (column >= columns) {
      at[IC] = at[PANEL] + width;
      this.go(Phase.packL);
      return;
    }
    if ((at[I] & 1) === 0) {
      this.column(at[PANEL], at[JC] + column, width, AccessKind.read);
    } else {
      this.use(layout.packedU + column * width * ELEMENT, width * ELEMENT, AccessKind.write);
    }
    at[I] += 1;
  }

  private packL(): void {
    const { at, order, layout } = this;
    const width = this.width();
    const rows = Math.min(MC, order - at[IC]);
    if (rows <= 0) {
      at[JC] += NC;
      this.go(Phase.packU);
      return;
    }
    const column = at[I] >> 1;
    if (column >= width) {
      this.go(Phase.strip);
      return;
    }
    if ((at[I] & 1) === 0) this.column(at[IC], at[PANEL] + column, rows, AccessKind.read);
    else this.use(layout.packedL + column * rows * ELEMENT, rows * ELEMENT, AccessKind.write);
    at[I] += 1;
  }

  /** I: first column of the strip within the packed U; J: 0 packed U, 1 packed L, then its columns. */
  private strip(): void {
    const { at, order, layout } = this;
    const width = this.width();
    const columns = Math.min(NR, order + 1 - at[JC] - at[I], NC - at[I]);
    if (columns <= 0) {
      at[IC] += MC;
      this.go(Phase.packL);
      return;
    }
    const rows = Math.min(MC, order - at[IC]);
    const turn = at[J];
    at[J] = turn + 1;
    if (turn >= 2) {
      this.column(at[IC], at[JC] + at[I] + turn - 2, rows, AccessKind.readModifyWrite);
      if (turn - 1 < columns) return;
      at[J] = 0;
      at[I] += NR;
      return;
    }
    // The packed parts come from the processor's caches: what is left of the strip's arithmetic is
    // spread over their pages.
    const bytesL = rows * width * ELEMENT;
    const bytesU = columns * width * ELEMENT;
    const lines = (rows * columns * ELEMENT) / LINE_BYTES;
    const accesses = Math.max(1, (2 * rows * columns * width) / this.flopsPerAccess - lines);
    const bytesPerAccess = Math.min(PAGE_BYTES, (bytesL + bytesU) / accesses);
    const start = at[I] * width * ELEMENT;
    if (turn === 0) this.use(layout.packedU + start, bytesU, AccessKind.read, bytesPerAccess);
    else this.use(layout.packedL, bytesL, AccessKind.read, bytesPerAccess);
  }

  /** I: columns done, from the last; K: 1 when the right-hand side's part is due. */
  private back(): void {
    const { at, order } = this;
    const column = order - 1 - at[I];
    if (column < 0) {
      at[SOLVE] += 1;
      at[PANEL] = 0;
      this.go(Phase.generate);
      return;
    }
    if (at[K] === 0) this.column(0, column, column + 1, AccessKind.read, 2);
    else {
      this.column(0, order, column + 1, AccessKind.readModifyWrite);
      at[I] += 1;
    }
    at[K] = 1 - at[K];
  }
}
