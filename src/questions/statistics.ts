/** Means of samples, and how far they can be trusted. */

/** Student's t, two-sided 95 %, by degrees of freedom from 1; beyond the last the normal distribution's. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];
const NORMAL95 = 1.96;

/** Mean, and standard deviation of a sample. */
export function moments(values: readonly number[]): { readonly mean: number; readonly sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** Half the width of the 95 % interval of a mean; 0 of a single value. */
export function halfWidth(values: readonly number[]): number {
  const count = values.length;
  if (count < 2) return 0;
  return ((T95[count - 2] ?? NORMAL95) * moments(values).sd) / Math.sqrt(count);
}
