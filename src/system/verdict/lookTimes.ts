/**
 * When to look whether a run can go further. By messages and virtual time, not by the clock, so that a run that is given up
 * ends at the same place each time.
 */

/** Messages between two looks. */
const LOOK_MESSAGES = 4096;

export class LookTimes {
  #noted = 0;
  /** Of the last look, in cycles. */
  #looked = 0;

  /**
   * A message was delivered. @param now virtual time, in cycles
   * @returns whether it is time: after so many messages; or time has doubled, as where a timer waits longer each time
   */
  isDue(now: number): boolean {
    const isTime = ++this.#noted % LOOK_MESSAGES === 0 || now > 2 * this.#looked;
    // Somebody may have gone back.
    if (isTime || now < this.#looked) this.#looked = now;
    return isTime;
  }
}
