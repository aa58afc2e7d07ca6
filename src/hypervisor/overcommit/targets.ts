/** How large each VM of an overcommitted host shall be, given how much of its memory each one uses. */

import { itemAt } from "../../lookup.ts";

export type TargetRule =
  /** What each uses and a reserve on top; the rest stays free. If that is too much, in proportion to it. */
  | { readonly kind: "workingSet"; readonly headroom: number }
  /** All memory by shares, idle pages cost k = 1 / (1 - tax) times as much (OSDI'02 5.1, 5.2). */
  | { readonly kind: "idleTax"; readonly tax: number; readonly shares: readonly number[] };

export interface Demand {
  /** Memory that the VM is configured with; it never gets more, and never less than the minimum. */
  readonly pages: number;
  readonly minimum: number;
  /** Pages that it uses, as far as is known. */
  readonly used: number;
}

/** Halvings of the interval in which the price lies: more than a double has bits. */
const HALVINGS = 64;

/** Sizes in whole pages; together at most `host`, which is at least the sum of the minimums. */
export function targetsOf(rule: TargetRule, host: number, demands: readonly Demand[]): number[] {
  if (rule.kind === "idleTax") {
    const { tax, shares } = rule;
    return divide(host, demands, (vm, price) =>
      sizeAtPrice(itemAt(demands, vm), tax, itemAt(shares, vm) * price),
    );
  }
  const wanted = demands.map((demand) =>
    clamp(demand, Math.round(demand.used * (1 + rule.headroom))),
  );
  if (sum(wanted) <= host) return wanted;
  return divide(host, demands, (vm, price) => itemAt(wanted, vm) * price);
}

/**
 * Min-funding revocation takes pages from the VM with the least adjusted shares per page, S / (P (f + k
 * (1 - f))), f the active part, until all have as much. With W = P f active pages P (f + k (1 - f)) is
 * W + k (P - W): at the balance each VM has bought that with its shares.
 */
function sizeAtPrice({ used }: Demand, tax: number, funds: number): number {
  return funds <= used ? funds : used + (funds - used) * (1 - tax);
}

/** The sizes at the price at which they fill the host, each within its bounds. */
function divide(
  host: number,
  demands: readonly Demand[],
  sizeAt: (vm: number, price: number) => number,
): number[] {
  const sizes = (price: number): number[] =>
    demands.map((demand, vm) => clamp(demand, sizeAt(vm, price)));
  let low = 0;
  let high = 1;
  const most = Math.min(host, sum(demands.map(({ pages }) => pages)));
  while (sum(sizes(high)) < most) high *= 2;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (sum(sizes(middle)) <= host) low = middle;
    else high = middle;
  }
  const whole = sizes(low).map(Math.floor);
  // What rounding left over goes to the first that may have it.
  let left = most - sum(whole);
  for (let vm = 0; vm < whole.length && left > 0; vm++) {
    const room = Math.min(left, 1, itemAt(demands, vm).pages - itemAt(whole, vm));
    whole[vm] = itemAt(whole, vm) + room;
    left -= room;
  }
  return whole;
}

function clamp({ minimum, pages }: Demand, size: number): number {
  return Math.max(minimum, Math.min(pages, size));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
