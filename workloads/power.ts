/**
 * Powers with the same last bit on every engine. Math.pow, Math.exp and Math.log may differ between
 * versions of an engine; addition, multiplication and division may not. Slow: keep it out of loops.
 */

const LN2 = Math.LN2;

/** Natural logarithm of a positive number, to about 1e-15 of relative error near and above 2. */
export function logarithm(x: number): number {
  let exponent = 0;
  let mantissa = x;
  for (; mantissa > Math.SQRT2; mantissa /= 2) exponent++;
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) exponent--;
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return exponent * LN2 + 2 * ratio * sum;
}

/** e to the power x. */
function exponential(x: number): number {
  const halvings = Math.round(x / LN2);
  const rest = x - halvings * LN2;
  let sum = 1;
  for (let k = 20; k >= 1; k--) sum = 1 + (sum * rest) / k;
  return halvings < 0 ? sum / powerOfTwo(-halvings) : sum * powerOfTwo(halvings);
}

function powerOfTwo(exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power *= 2;
  return power;
}

/** base ** exponent for a positive base; about 13 significant digits where the result is normal. */
export function power(base: number, exponent: number): number {
  return exponential(exponent * logarithm(base));
}
