/**
 * HPL's factorisation of a panel (HPL_pdrpanrlN: recursive, right-looking, NDIV 2, NBMIN 4) as a list
 * of steps. Columns are counted from the panel's first.
 */

/** Columns of a block that is no longer halved. */
const NBMIN = 4;

export type PanelStep =
  | {
      readonly kind: "column";
      readonly column: number;
      /** End of its narrow block: the columns up to it are updated at once. */
      readonly end: number;
    }
  | {
      readonly kind: "update";
      /** The left columns begin here, and rows of the update, too. */
      readonly left: number;
      readonly leftColumns: number;
      readonly rightColumns: number;
    };

/** The steps for a panel of so many columns, in order. */
export function panelSteps(columns: number): readonly PanelStep[] {
  const steps: PanelStep[] = [];
  const factorise = (first: number, width: number): void => {
    if (width <= NBMIN) {
      const end = first + width;
      for (let column = first; column < end; column++) steps.push({ kind: "column", column, end });
      return;
    }
    // HPL_pdrpanrlN: half of the columns, rounded up to a multiple of NBMIN.
    const left = Math.ceil(Math.ceil(width / NBMIN) / 2) * NBMIN;
    factorise(first, left);
    steps.push({ kind: "update", left: first, leftColumns: left, rightColumns: width - left });
    factorise(first + left, width - left);
  };
  factorise(0, columns);
  return steps;
}

/** What number `counter` of an update does: the left columns are read, then the right ones are updated. */
export function columnUpdate(
  { left, leftColumns, rightColumns }: PanelStep & { kind: "update" },
  counter: number,
): { readonly column: number; readonly reads: boolean } | null {
  if (counter >= leftColumns + rightColumns) return null;
  return { column: left + counter, reads: counter < leftColumns };
}
