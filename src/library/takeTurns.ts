/** What the library takes of the process around it: turns with the rest of the program, and the time for reports. */

/** Lets the rest of the program go on: timers, signals, other promises. */
export function takeTurns(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Milliseconds. For how long a check has taken, and for nothing in a run. */
export function clock(): number {
  return performance.now();
}
