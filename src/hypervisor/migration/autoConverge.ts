/**
 * QEMU's auto-converge (migration/ram.c, migration_trigger_throttle and mig_throttle_guest_down): when
 * the guest dirties memory faster than a share of what is sent, it is made to run less.
 */

export interface AutoConverge {
  /** Percent: of the first step, of each further step, and at most (cpu-throttle-initial, -increment, max-cpu-throttle). */
  readonly initial: number;
  readonly increment: number;
  readonly max: number;
  /** Percent of the bytes sent that may be dirtied (throttle-trigger-threshold). */
  readonly threshold: number;
  /** Smaller steps near the end (cpu-throttle-tailslow). */
  readonly tailslow: boolean;
  /** Cycles between two looks: QEMU looks at most once a second (migration_bitmap_sync). */
  readonly periodCycles: number;
}

export interface ConvergeState {
  /** When this period began, in cycles. */
  readonly since: number;
  readonly dirtiedBytes: number;
  readonly sentBytes: number;
  /** Periods with too much dirtied; back to 0 only when the throttle is turned. */
  readonly highCount: number;
  /** Share of time that the guest does not run. */
  readonly percent: number;
}

export function convergeFrom(now: number): ConvergeState {
  return { since: now, dirtiedBytes: 0, sentBytes: 0, highCount: 0, percent: 0 };
}

/** After a synchronisation: `dirtied` and `sent` bytes since the last one. */
export function convergeAtSync(
  config: AutoConverge,
  state: ConvergeState,
  now: number,
  dirtied: number,
  sent: number,
): ConvergeState {
  const dirtiedBytes = state.dirtiedBytes + dirtied;
  const sentBytes = state.sentBytes + sent;
  if (now - state.since <= config.periodCycles) return { ...state, dirtiedBytes, sentBytes };
  const threshold = (sentBytes * config.threshold) / 100;
  const fresh = { ...convergeFrom(now), percent: state.percent };
  if (dirtiedBytes <= threshold) return { ...fresh, highCount: state.highCount };
  const highCount = state.highCount + 1;
  if (highCount < 2) return { ...fresh, highCount };
  return { ...fresh, percent: nextThrottle(config, state.percent, dirtiedBytes, threshold) };
}

/** mig_throttle_guest_down. */
export function nextThrottle(
  { initial, increment, max, tailslow }: AutoConverge,
  percent: number,
  dirtiedBytes: number,
  thresholdBytes: number,
): number {
  if (percent === 0) return initial;
  const running = 100 - percent;
  const ideal = Math.floor((running * thresholdBytes) / dirtiedBytes);
  const step = tailslow ? Math.min(running - ideal, increment) : increment;
  return Math.min(percent + step, max);
}

/** Cycles of sleep after a slice of run (softmmu/cpu-throttle.c, cpu_throttle_thread); percent from 1 to 99. */
export function throttleSleep(sliceCycles: number, percent: number): number {
  const share = Math.min(99, Math.max(1, percent)) / 100;
  return Math.round((sliceCycles * share) / (1 - share));
}
