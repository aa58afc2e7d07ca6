/** Calls functions of users: what they give may follow from what they are given alone. */
import { UserError } from "../errors.ts";

/** What differs from run to run. */
const CHANCES: readonly (readonly [owner: object, name: string, what: string])[] = [
  [Math, "random", "Math.random"],
  [Date, "now", "Date.now"],
  [performance, "now", "performance.now"],
];

/**
 * Calls a function of a user. Chance and clocks refuse to answer meanwhile.
 * @param what whose it is, for messages: 'tracker "mine": arm'
 * @throws UserError with its name, whatever it throws; also if it returns a promise
 */
export function callOwn<Result>(what: string, call: () => Result): Result {
  const before = CHANCES.map(([owner, name]): unknown => Reflect.get(owner, name));
  for (const [owner, name, chance] of CHANCES) {
    Reflect.set(owner, name, () => {
      throw new UserError(`${what}: ${chance} is not the same in each run`);
    });
  }
  try {
    const result = call();
    if (result instanceof Promise) throw new UserError(`${what}: expected no promise`);
    return result;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    for (const [i, [owner, name]] of CHANCES.entries()) Reflect.set(owner, name, before[i]);
  }
}
