/** How far two sets of pages agree: what somebody found, and what the guests really did. */

/** Numbers of pages. */
export interface Overlap {
  /** That were found, and that there were; and those in both. */
  readonly found: number;
  readonly owed: number;
  readonly right: number;
}

/** Shares; 1 where there is nothing to be wrong about. */
export interface Agreement {
  /** Of what was found, what was right. */
  readonly precision: number;
  /** Of what there was, what was found. */
  readonly recall: number;
  /** What is in both, of what is in either (Jaccard 1901). */
  readonly jaccard: number;
}

export function agreementOf({ found, owed, right }: Overlap): Agreement {
  return {
    precision: shareOf(right, found),
    recall: shareOf(right, owed),
    jaccard: shareOf(right, found + owed - right),
  };
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

/** "precision 1.000, recall 0.984, Jaccard 0.984". */
export function agreementText({ precision, recall, jaccard }: Agreement): string {
  const [p, r, j] = [precision, recall, jaccard].map((share) => share.toFixed(3));
  return `precision ${p}, recall ${r}, Jaccard ${j}`;
}
