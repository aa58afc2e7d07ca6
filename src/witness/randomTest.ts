/**
 * Random litmus tests: EPTs, guest tables, controls and steps, as a person would write them. The same seed and number
 * give the same test. What Bochs does differently is chosen: its mode.
 */
import { deriveSeed, Random } from "../../workloads/random.ts";
import type { CompatibilityName } from "../hardware/mmu.ts";

type Fields = { readonly [name: string]: unknown };

/** A test whose parts can be left out one by one. */
export interface RandomTest {
  readonly name: string;
  readonly machine: Fields;
  readonly controls: Fields;
  readonly vmcs: Fields;
  readonly guest: Fields & { readonly map: readonly Fields[] };
  readonly ept: readonly Fields[];
  readonly steps: readonly Fields[];
}

/** Pages that tests touch: 4 KiB ones that share tables with few others, and those of one large page. */
const PAGES = [0x5000, 0x6000, 0x7000, 0x8000, 0x205000, 0x206000, 0x40005000, 0x41003000];
const LARGE = 0x800000;
const LINEAR = [0x401000, 0x402000, 0x5ff000, 0x600000, 0x40001000, 0x80400000];
const PERMISSIONS = ["rwx", "rwx", "rwx", "rwx", "r-x", "rw-", "r--", "--x", "-w-", "-wx", '"-"'];
const RIGHTS = ["rwxu", "rwxu", "rwxu", "rwx", "r-xu", "rw-u", "r-x"];
const FLAGS = ["clean", "clean", "clean", "dirty", "accessed"];
/** Bits that make an entry wrong, or mean nothing. */
const BITS = [0x8, 0x10, 0x80, 0x200, 0x800, 0x8000000000000, 0x10000000000];
const STEPS = 12;
const LOG_FULL = 511;

/** @param number of the test under this seed, from 0 */
export function randomTest(seed: number, number: number, mode: CompatibilityName): RandomTest {
  return new Draw(new Random(deriveSeed(seed, `witness${number}`))).test(
    `random test ${number} of seed ${seed}`,
    mode,
  );
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  test(name: string, mode: CompatibilityName): RandomTest {
    const paging = this.#pick(["off", "off", "longMode", "longMode", "pae"]);
    const map = paging === "off" ? [] : this.#some(6, () => this.#guestItem());
    const ept = this.#ept();
    return {
      name,
      machine: { compatibility: mode },
      controls: { accessedDirty: this.#chance(85), pml: this.#chance(85) },
      // Near its end, in the middle, or new.
      vmcs: { pmlIndex: this.#pick([LOG_FULL, LOG_FULL, 100, this.#below(8)]) },
      guest: {
        paging,
        user: this.#chance(20),
        writeProtect: this.#chance(80),
        noExecute: this.#chance(80),
        map,
      },
      ept,
      steps: Array.from({ length: STEPS }, () => this.#step(paging)),
    };
  }

  #ept(): Fields[] {
    const items: Fields[] = PAGES.filter(() => this.#chance(85)).map((gpa) => ({
      gpa,
      permissions: this.#pick(PERMISSIONS),
      flags: this.#pick(FLAGS),
      ...(this.#chance(10) ? { memoryType: this.#below(8) } : {}),
    }));
    if (this.#chance(50)) {
      const set = this.#chance(20) ? { set: 2 ** (13 + this.#below(8)) } : {};
      items.push({ gpa: LARGE, size: "2M", permissions: this.#pick(PERMISSIONS), ...set });
    }
    if (items.length > 0 && this.#chance(25)) items.push(this.#eptChange(items));
    return items;
  }

  #eptChange(items: readonly Fields[]): Fields {
    const gpa = this.#pick(items)["gpa"];
    const level = gpa === LARGE ? this.#pick([2, 3, 4]) : this.#pick([1, 1, 2, 3, 4]);
    if (this.#chance(50)) return { gpa, level, permissions: this.#pick(PERMISSIONS) };
    return { gpa, level, set: this.#pick(BITS) };
  }

  #guestItem(): Fields {
    const linear = this.#pick(LINEAR);
    const gpa = this.#pick([...PAGES, LARGE + 4096 * this.#below(4)]);
    return { linear, gpa, rights: this.#pick(RIGHTS), flags: this.#pick(FLAGS) };
  }

  #step(paging: string): Fields {
    const kind = this.#below(100);
    if (kind < 62) return this.#access(paging);
    if (kind < 70) return { run: [this.#burst(paging)] };
    if (kind < 76) return { drain: true };
    if (kind < 84) {
      const clear = this.#pick(PAGES);
      return { clear, flags: this.#pick(["A", "D", "AD"]), levels: this.#pick(["leaf", "all"]) };
    }
    if (kind < 92) {
      const gpa = this.#pick(PAGES);
      return { ept: [{ gpa, permissions: this.#pick(PERMISSIONS), flags: this.#pick(FLAGS) }] };
    }
    if (kind < 95) return { vmexit: this.#pick(["hlt", "vmcall"]) };
    if (kind < 98 || paging === "off") return { invlpg: this.#linear(paging) };
    if (kind < 99 || paging === "pae") return { movToCr3: 0x10000 };
    const linear = this.#pick(LINEAR);
    return { guest: [{ linear, gpa: this.#pick(PAGES), rights: this.#pick(RIGHTS) }] };
  }

  #linear(paging: string): number {
    if (paging !== "off") return this.#pick(LINEAR);
    return this.#pick([...PAGES, LARGE, LARGE + 0x5000]);
  }

  #access(paging: string): Fields {
    const verb = this.#pick([
      "read",
      "read",
      "write",
      "write",
      "write",
      "fetch",
      "readModifyWrite",
    ]);
    const crosses = verb !== "fetch" && this.#chance(8);
    const offset = crosses ? 0xffe : 4 * this.#below(512);
    const size = crosses ? 4 : this.#pick([1, 2, 4]);
    const options = verb === "fetch" ? {} : { size };
    return { [verb]: this.#linear(paging) + offset, ...options };
  }

  #burst(paging: string): Fields {
    const verb = this.#pick(["read", "write", "readModifyWrite"]);
    const count = 1 + this.#below(40);
    const stride = this.#pick([8, 64, 4096]);
    return { [verb]: this.#linear(paging), count, stride };
  }

  #some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.#below(most) }, make);
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #pick<T>(list: readonly T[]): T {
    const found = list[this.#below(list.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }
}

/** The test as the text of a litmus file. */
export function testText(test: RandomTest): string {
  const lines = [`name: ${test.name}`];
  for (const part of ["machine", "controls", "vmcs", "guest"] as const) {
    lines.push(`${part}: ${flow(test[part])}`);
  }
  for (const part of ["ept", "steps"] as const) {
    lines.push(`${part}:${test[part].length === 0 ? " []" : ""}`);
    for (const item of test[part]) lines.push(`  - ${flow(item)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** YAML in one line; larger numbers are addresses. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, one]) => `${name}: ${flow(one)}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  return typeof value === "number" && value >= 512 ? `0x${value.toString(16)}` : String(value);
}

/** The tests that are like this one without some of its parts, those with the fewest first. */
export function smaller(test: RandomTest): RandomTest[] {
  const { steps, ept, guest } = test;
  const found = [
    ...shorter(steps).map((fewer) => ({ ...test, steps: fewer })),
    ...shorter(ept).map((fewer) => ({ ...test, ept: fewer })),
    ...shorter(guest.map).map((map) => ({ ...test, guest: { ...guest, map } })),
  ];
  return found.filter((one) => one.steps.length > 0).sort((a, b) => parts(a) - parts(b));
}

function parts({ steps, ept, guest }: RandomTest): number {
  return steps.length + ept.length + guest.map.length;
}

/** A list without each of its halves, quarters, and so on down to its items. */
function shorter<T>(list: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < list.length; at += size) {
      found.push(list.filter((_, i) => i < at || i >= at + size));
    }
  }
  return found;
}

/** Accesses that a test asks for. */
export function accessesOf({ steps }: RandomTest): number {
  return steps.reduce((sum, step) => {
    const { run } = step;
    if (!Array.isArray(run)) return sum + ("drain" in step || "ept" in step ? 0 : 1);
    return sum + run.reduce((all: number, { count }: { count?: number }) => all + (count ?? 1), 0);
  }, 0);
}
