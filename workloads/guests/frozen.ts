/**
 * Takes from a thread what differs from run to run: clocks, time zones, randomness, paths and the process's numbers. Programs that come with
 * JavaScript of their own ask for them there. To be called before anything of theirs is loaded.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const NANOSECONDS = 1_000_000n;
const LOCAL = [
  "Date",
  "Day",
  "FullYear",
  "Hours",
  "Milliseconds",
  "Minutes",
  "Month",
  "Seconds",
] as const;

/** What is given instead, nanoseconds for times. */
export interface TimeAndChance {
  /** Since 1970. */
  now(): bigint;
  /** Since the guest began. */
  elapsed(): bigint;
  randomBytes(count: number): Uint8Array;
  /** From 0 to 1. */
  randomFraction(): number;
}

export function freeze(host: TimeAndChance): void {
  // Emscripten tells a program its own name, which would be a path of this machine, in the guest's memory.
  process.argv.splice(0, process.argv.length, "node", "guest");
  process.execArgv.splice(0);
  // All but argv0, which Node.js does not let be redefined.
  const place = {
    execPath: "/node",
    title: "node",
    pid: 1,
    ppid: 0,
    cwd: () => "/",
  };
  for (const [name, value] of Object.entries(place)) {
    // Given a value in place of a getter, ppid stays as it is, without an error.
    Object.defineProperty(process, name, { get: () => value });
  }
  const milliseconds = (time: bigint): number => Number(time / NANOSECONDS);
  const fill = <T extends ArrayBufferView>(target: T): T => {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    bytes.set(host.randomBytes(bytes.length));
    return target;
  };
  const now = (): number => milliseconds(host.now());
  const RealDate = Date;
  const { prototype } = RealDate;
  for (const field of LOCAL) {
    Object.defineProperty(prototype, `get${field}`, { value: prototype[`getUTC${field}`] });
  }
  Object.defineProperty(prototype, "getTimezoneOffset", { value: () => 0 });
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toUTCString(),
    get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
  Math.random = () => host.randomFraction();
  Object.defineProperty(globalThis.performance, "now", {
    value: () => Number(host.elapsed()) / Number(NANOSECONDS),
  });
  Object.defineProperty(globalThis.crypto, "getRandomValues", { value: fill });
  // Programs ask Node.js, too, where it is there.
  Object.assign(crypto, {
    randomFillSync: fill,
    randomBytes: (count: number) => Buffer.from(host.randomBytes(count)),
  });
  syncBuiltinESMExports();
  const time = (): bigint => host.elapsed();
  Object.defineProperty(process, "hrtime", {
    value: Object.assign(() => [Number(time() / 10n ** 9n), Number(time() % 10n ** 9n)], {
      bigint: time,
    }),
  });
}
