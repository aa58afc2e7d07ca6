/**
 * A blocked LU solver that does the arithmetic and notes which page of the matrix each element access
 * is to. It follows HPL's description and is written without regard to the generator.
 */

const PAGE = 512; // doubles

export interface LoggedSolve {
  /** Pages of the matrix, in order; an access to the same page as the one before is left out. */
  readonly pages: readonly number[];
  /** Largest residual of the solution. */
  readonly residual: number;
}

/** @param pivot the row that is exchanged with the row of a column, instead of the largest element's */
export function loggedSolve(n: number, nb: number, pivot: (column: number) => number): LoggedSolve {
  let seed = 1;
  const draw = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647 - 0.5;
  };
  const original = Float64Array.from({ length: n * (n + 1) }, draw);
  const a = new Float64Array(n * (n + 1));
  const pages: number[] = [];
  const note = (row: number, column: number) => {
    const page = Math.floor((column * n + row) / PAGE);
    if (pages.at(-1) !== page) pages.push(page);
  };
  const get = (row: number, column: number): number => {
    note(row, column);
    return a[column * n + row]!;
  };
  const set = (row: number, column: number, value: number) => {
    note(row, column);
    a[column * n + row] = value;
  };
  const exchange = (one: number, other: number, column: number) => {
    const kept = get(one, column);
    const value = get(other, column);
    // Both are in registers now: writing them back is part of the same two accesses.
    a[column * n + one] = value;
    a[column * n + other] = kept;
  };
  for (let column = 0; column <= n; column++) {
    for (let row = 0; row < n; row++) set(row, column, original[column * n + row]!);
  }

  const narrow = (from: number, to: number, panel: number, panelEnd: number) => {
    for (let j = from; j < to; j++) {
      for (let row = j; row < n; row++) get(row, j);
      for (let column = panel; column < panelEnd; column++) exchange(j, pivot(j), column);
      const factors = new Float64Array(n);
      const diagonal = get(j, j);
      for (let row = j + 1; row < n; row++) {
        factors[row] = get(row, j) / diagonal;
        set(row, j, factors[row]!);
      }
      for (let column = j + 1; column < to; column++) {
        const u = get(j, column);
        for (let row = j + 1; row < n; row++) {
          set(row, column, get(row, column) - factors[row]! * u);
        }
      }
    }
  };
  /** Solves with the unit lower triangle of `left` columns, then subtracts the product below it. */
  const update = (first: number, left: number, right: number) => {
    const l = Array.from({ length: left }, (_, k) =>
      Float64Array.from({ length: n - first }, (_, i) => get(first + i, first + k)),
    );
    for (let column = first + left; column < first + left + right; column++) {
      const u = new Float64Array(left);
      for (let k = 0; k < left; k++) {
        let value = get(first + k, column);
        for (let m = 0; m < k; m++) value -= l[m]![k]! * u[m]!;
        u[k] = value;
        set(first + k, column, value);
      }
      for (let row = first + left; row < n; row++) {
        let value = get(row, column);
        for (let k = 0; k < left; k++) value -= l[k]![row - first]! * u[k]!;
        set(row, column, value);
      }
    }
  };
  const recursive = (first: number, width: number, panel: number, panelEnd: number) => {
    if (width <= 4) {
      narrow(first, first + width, panel, panelEnd);
      return;
    }
    const blocks = Math.ceil(width / 4);
    const left = 4 * Math.ceil(blocks / 2);
    recursive(first, left, panel, panelEnd);
    update(first, left, width - left);
    recursive(first + left, width - left, panel, panelEnd);
  };

  for (let k = 0; k < n; k += nb) {
    const end = Math.min(n, k + nb);
    const width = end - k;
    recursive(k, width, k, end);
    for (let column = end; column <= n; column += 32) {
      for (let j = k; j < end; j++) {
        for (let c = column; c < Math.min(n + 1, column + 32); c++) exchange(j, pivot(j), c);
      }
    }
    const l = (row: number, m: number) => a[(k + m) * n + row]!;
    for (let column = end; column <= n; column++) {
      for (let i = 0; i < width; i++) {
        let value = get(k + i, column);
        for (let m = 0; m < i; m++) value -= l(k + i, m) * a[column * n + k + m]!;
        set(k + i, column, value);
      }
    }
    if (end === n) break;
    const packedU = new Map<number, Float64Array>();
    for (let column = end; column <= n; column++) {
      packedU.set(
        column,
        Float64Array.from({ length: width }, (_, m) => get(k + m, column)),
      );
    }
    for (let row = end; row < n; row += 72) {
      const last = Math.min(n, row + 72);
      const packedL = Array.from({ length: width }, (_, m) =>
        Float64Array.from({ length: last - row }, (_, i) => get(row + i, k + m)),
      );
      for (let column = end; column <= n; column++) {
        const u = packedU.get(column)!;
        for (let i = row; i < last; i++) {
          let value = get(i, column);
          for (let m = 0; m < width; m++) value -= packedL[m]![i - row]! * u[m]!;
          set(i, column, value);
        }
      }
    }
  }
  for (let column = n - 1; column >= 0; column--) {
    const upper = Float64Array.from({ length: column + 1 }, (_, row) => get(row, column));
    const x = a[n * n + column]! / upper[column]!;
    for (let row = 0; row < column; row++) set(row, n, get(row, n) - upper[row]! * x);
    set(column, n, x);
  }

  let residual = 0;
  for (let row = 0; row < n; row++) {
    let sum = -original[n * n + row]!;
    for (let column = 0; column < n; column++) {
      sum += original[column * n + row]! * a[n * n + column]!;
    }
    residual = Math.max(residual, Math.abs(sum));
  }
  return { pages, residual };
}
