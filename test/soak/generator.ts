/**
 * Random scenarios across all workloads, trackers, operations and options of the machine, and what an
 * operator does to them. A scenario is plain data, as a user would write it; the same seed and number
 * give the same one.
 */
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { deriveSeed, Random } from "../../workloads/random.ts";

type Fields = Record<string, unknown>;

/** What the operator asks for (session/operatorCommands.ts) after so many messages. */
export interface Command {
  readonly after: number;
  readonly name: string;
  readonly vm: number;
  readonly argument: string;
}

export interface SoakCase {
  readonly scenario: Fields;
  readonly commands: readonly Command[];
}

const FIND_WRITTEN = ["writeProtect", "accessedDirtyScan", "pml", "dirtyRing"] as const;
const KINDS = ["measure", "migrate", "checkpoint", "estimate", "overcommit", "session"] as const;
/** Of a run at most, in microseconds. */
const LONGEST = 20_000;

/** @param number of the case under this seed, from 0 */
export function caseOf(seed: number, number: number): SoakCase {
  const made = new Draw(new Random(deriveSeed(seed, `soak${number}`))).case(
    `soak ${seed}/${number}`,
  );
  // Drawn apart: all else is the same as before there were pieces.
  const scenario = new Draw(new Random(deriveSeed(seed, `pieces${number}`))).inPieces(
    made.scenario,
  );
  return { ...made, scenario };
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  case(name: string): SoakCase {
    const vms = Array.from({ length: this.#pick([1, 1, 1, 2, 3]) }, () => this.#vm());
    const kind = this.#pick(KINDS);
    const until = this.#between(50, LONGEST);
    const scenario = {
      name,
      seed: this.#random.next(),
      machine: this.#machine(),
      vms,
      tracker: this.#tracker(kind),
      operation: this.#operation(kind, vms, until),
      until: `${until}us`,
    };
    const commands = this.#commands(kind, vms.length);
    return { scenario, commands };
  }

  /** Work in pieces, of VMs that run or stand still, where that means something. */
  inPieces(scenario: Fields): Fields {
    const { tracker, operation } = scenario as {
      readonly tracker: Fields;
      readonly operation: Fields;
    };
    const { technique } = tracker;
    const { kind } = operation;
    const decidesItself = kind === "estimate" || kind === "overcommit";
    const handlesEntries = technique !== "none" && technique !== "prl";
    const piece = this.#pick([1, 2, 3, 7, 64, 512]);
    const isLive = this.#chance(0.4);
    return {
      ...scenario,
      tracker: {
        ...tracker,
        ...(handlesEntries && !decidesItself
          ? this.#sometimes(0.4, () => ({ preemptEvery: piece }))
          : {}),
      },
      operation: {
        ...operation,
        ...(kind === "measure" && technique !== "none" && isLive ? { live: true } : {}),
      },
    };
  }

  #machine(): Fields {
    return {
      cpus: this.#pick([1, 1, 2, 2, 3, 4]),
      pvmCpus: this.#pick([1, 1, 2]),
      compatibility: this.#pick(["sdm", "sdm", "kvm", "bochs"]),
      quantum: this.#pick(["1us", "10us", "100us", "1ms"]),
      timeslice: this.#pick(["150us", "1ms", "30ms"]),
      logEntries: this.#pick([2, 3, 8, 64, 512, 512]),
      ...this.#sometimes(0.6, () => ({ tlb: this.#tlb() })),
      ...this.#sometimes(0.3, () => ({ costs: { hypervisor: this.#costs() } })),
    };
  }

  #tlb(): Fields {
    const level = (): Fields => ({ sets: this.#pick([1, 2, 4, 16]), ways: this.#between(1, 4) });
    return { l1: level(), l1Large: level(), l2: level() };
  }

  #costs(): Fields {
    const names = [
      ...["vmExit", "vmEntry", "violationHandler", "splitHandler", "drainHandler", "drainEntry"],
      ...["interruptHandler", "invept", "protectPage", "ringExit", "ringEntry", "ipi"],
      ...["prlHandler", "prlEntry", "remoteReload", "estimatorWake", "scanEntry", "pageIn"],
    ];
    const chosen = names.filter(() => this.#chance(0.4));
    return Object.fromEntries(chosen.map((name) => [name, this.#pick([0, 1, 50, 700, 9000])]));
  }

  #vm(): Fields {
    const [pages, workload] = this.#workload();
    return {
      ...this.#sometimes(0.5, () => ({ memory: `${4 * (pages + this.#between(0, 200))}KiB` })),
      paging: this.#pick(["off", "pae", "longMode", "longMode"]),
      pageSize: this.#pick(["4K", "4K", "4K", "2M"]),
      contents: this.#chance(0.3),
      vcpus: this.#pick([1, 1, 1, 2, 3]),
      workload,
    };
  }

  /** A workload, and the pages that it has at most. */
  #workload(): [number, Fields] {
    const pages = this.#pick([2, 10, 60, 211, 600, 1500]);
    const gap = this.#pick([0, 0, 20, 300, 1000]);
    const ends = this.#sometimes(0.5, () => ({ accesses: this.#between(1, 60_000) }));
    const writeFraction = this.#pick([0, 0.1, 0.5, 1]);
    const plain = { pages, gap, ...ends };
    switch (this.#between(0, 10)) {
      case 0: {
        const writeIntensity = this.#between(0, 100);
        return [pages, { kind: "arrayParser", ...plain, writeIntensity }];
      }
      case 1: {
        const mode = this.#pick(["RWRW", "RRWW", "WWRR"]);
        const writePasses = this.#between(1, 3);
        return [pages, { kind: "phases", ...plain, mode, writePasses }];
      }
      case 2:
        return [
          pages,
          { kind: "zipf", ...plain, exponent: this.#pick([0, 0.8, 1.2]), writeFraction },
        ];
      case 3: {
        const hotPages = this.#between(1, pages);
        const hot = { hotPages, hotProbability: 0.9, scatter: this.#chance(0.5) };
        return [pages, { kind: "hotCold", ...plain, ...hot, writeFraction }];
      }
      case 4: {
        const phase = (): Fields => {
          const size = this.#between(1, pages);
          const firstPage = this.#between(0, pages - size);
          return { firstPage, pages: size, accesses: this.#between(1, 5000), writeFraction };
        };
        const rounds = this.#pick([1, 3, "endless"]);
        return [pages, { kind: "phaseChange", gap, phases: [phase(), phase()], rounds }];
      }
      case 5: {
        const accessesPerPage = this.#pick([1, 4]);
        return [pages, { kind: "sequential", ...plain, accessesPerPage, writeFraction }];
      }
      case 6: {
        const accesses = ["read", "write", "fetch", "readModifyWrite"];
        const script = Array.from({ length: this.#between(1, 40) }, () => {
          return `${this.#pick(accesses)} ${this.#between(0, Math.min(pages, 40) - 1)}`;
        });
        return [40, { kind: "script", script, gap, passes: this.#pick([1, 50, "endless"]) }];
      }
      case 7: {
        // 8 N (N + 1) bytes.
        const order = this.#between(2, 300);
        return [
          Math.ceil((8 * order * (order + 1)) / 4096) + 8,
          { kind: "hpl", order, blockSize: 8 },
        ];
      }
      case 8: {
        const dataPages = this.#between(1, 150);
        const bufferPages = this.#between(1, Math.min(40, dataPages));
        return [600, { kind: "externalSort", dataPages, bufferPages, gap }];
      }
      case 9: {
        const mode = this.#pick(["read", "write"]);
        const store = { dataPages: this.#between(20, 300), tablePages: 20, heapPages: 16 };
        return [700, { kind: "recordStore", mode, ...store, accessesPerOperation: 40, gap }];
      }
      default:
        return [pages, { kind: "uniform", ...plain, writeFraction }];
    }
  }

  #tracker(kind: (typeof KINDS)[number]): Fields {
    const writes = kind === "migrate" || kind === "checkpoint";
    // Now and then one that cannot do what it should: it must be refused by name.
    const technique = this.#pick(writes && this.#chance(0.97) ? FIND_WRITTEN : TECHNIQUES);
    const set =
      (technique === "pml" || technique === "writeProtect") &&
      (kind === "measure" || kind === "checkpoint");
    return {
      technique,
      ...this.#sometimes(0.1, () => ({ logLimit: this.#between(0, 3) })),
      ...this.#sometimes(0.3, () => ({ largePagesReturn: this.#chance(0.5) })),
      ...(set ? this.#sometimes(0.3, () => ({ initiallySet: true })) : {}),
      ring: { entries: this.#pick([1024, 4096]), source: this.#pick(["writeProtect", "pml"]) },
      prl: {
        variant: this.#pick(["vee21", "dw19"]),
        slotRule: this.#pick(["decrement-then-store", "store-then-decrement", "store-at-zero"]),
        doubleBuffer: this.#chance(0.5),
        filterGuestTables: this.#chance(0.5),
      },
    };
  }

  #operation(kind: (typeof KINDS)[number], vms: readonly Fields[], until: number): Fields {
    switch (kind) {
      case "measure":
        return this.#measure();
      case "migrate":
        return this.#migrate();
      case "checkpoint":
        return this.#checkpoint(until);
      case "estimate":
        return { kind, ...this.#estimation(until) };
      case "overcommit":
        return this.#overcommit(vms, until);
      case "session":
        return {
          kind,
          measure: this.#measure(),
          migration: this.#migrate(),
          checkpoint: { kind: "checkpoint", epoch: "1ms" },
          estimation: { kind: "estimate", ...this.#estimation(until) },
        };
    }
  }

  #measure(): Fields {
    const harvest = `${this.#between(100, 3000)}us`;
    return { kind: "measure", ...this.#sometimes(0.8, () => ({ harvest })) };
  }

  #migrate(): Fields {
    const time = (): string => `${this.#between(1, LONGEST)}us`;
    const qemu = {
      kind: "qemu",
      downtimeLimit: this.#pick(["10us", "1ms", "300ms"]),
      maxRounds: this.#between(1, 12),
      ...this.#sometimes(0.5, () => ({ autoConverge: { period: "500us" } })),
    };
    const libxc = { kind: "libxc", ...this.#sometimes(0.3, () => ({ downtimeLimit: "100us" })) };
    return {
      kind: "migrate",
      ...this.#sometimes(0.4, () => ({ start: `${this.#between(0, 1000)}us` })),
      link: {
        bandwidth: this.#pick(["1Gbit/s", "10Gbit/s", "100Gbit/s"]),
        latency: this.#pick(["0us", "100us"]),
        ...this.#sometimes(0.1, () => ({ failAfter: time() })),
      },
      policy: this.#chance(0.5) ? libxc : qemu,
      batch: this.#pick([1, 16, 1024]),
      ...this.#sometimes(0.1, () => ({ abortAfter: time() })),
      ...this.#sometimes(0.3, () => ({ repeat: { times: this.#between(1, 3), after: "50us" } })),
      ...this.#sometimes(0.3, () => ({ settle: `${this.#between(0, 1000)}us` })),
    };
  }

  #checkpoint(until: number): Fields {
    const stop = this.#chance(0.3);
    const times = [0.2, 0.5, 0.8].map((part) => `${Math.ceil(part * until)}us`);
    return {
      kind: "checkpoint",
      ...(stop ? { mode: "stop", times } : { epoch: this.#pick(["1ms", "3ms"]) }),
      copyCycles: this.#pick([0, 1000]),
      bandwidth: this.#pick(["100Mbit/s", "8Gbit/s"]),
      ...this.#sometimes(0.2, () => ({ state: true })),
      ...this.#sometimes(0.3, () => ({ rewriteAfter: "64KiB" })),
    };
  }

  #estimation(until: number): Fields {
    const interval = `${this.#between(10, Math.max(20, Math.floor(until / 2)))}us`;
    const mu = this.#between(10, Math.max(20, Math.floor(until / 4)));
    const omega = `${mu * this.#between(1, 4)}us`;
    const prl = { kind: "prl", tau: this.#pick([1, 2, 50]), mu: `${mu}us` };
    const follow = this.#pick(["none", "restart", "ageing"]);
    return {
      estimator: this.#pick<Fields>([
        { ...prl, omega, follow },
        { ...prl, omega, continueWhenStable: true },
        { ...prl, loop: "dw19" },
        { kind: "pml", interval, clean: this.#chance(0.5) },
        { kind: "vmware", samples: this.#pick([1, 10, 100]), period: interval },
        { kind: "accessedBits", interval },
        { kind: "truth", interval },
      ]),
      ...this.#sometimes(0.2, () => ({ kernelFootprint: "40KiB" })),
    };
  }

  #overcommit(vms: readonly Fields[], until: number): Fields {
    const memory = vms.length * this.#pick([200, 1000, 4000]);
    return {
      kind: "overcommit",
      memory: `${memory}KiB`,
      ...this.#estimation(until),
      interval: `${this.#between(20, until)}us`,
      policy: this.#pick<Fields>([
        { kind: "idleTax", tax: this.#pick([0, 0.75]) },
        { kind: "workingSet", headroom: this.#pick([0, 0.1]) },
      ]),
      minimum: this.#pick([0.05, 0.1]),
      balloon: { chunk: this.#pick([1, 64, 256]) },
      guest: { victims: "random" },
      swap: {
        victims: this.#pick(["random", "coldest"]),
        batch: this.#pick([1, 32]),
        latency: this.#pick(["0us", "20us", "100us"]),
      },
      reference: false,
    };
  }

  #commands(kind: (typeof KINDS)[number], vms: number): Command[] {
    const count = kind === "session" ? this.#between(1, 8) : this.#pick([0, 0, 0, 1, 3]);
    const list = Array.from({ length: count }, () => this.#command(kind, vms)).flat();
    return list.toSorted((one, other) => one.after - other.after);
  }

  /** One, or two: who pauses lets go again. */
  #command(kind: (typeof KINDS)[number], vms: number): Command[] {
    const after = this.#pick([0, 1, 5]) + this.#between(0, this.#pick([10, 100, 1000]));
    const vm = this.#between(0, vms - 1);
    const one = (name: string, argument = ""): Command[] => [{ after, name, vm, argument }];
    if (kind === "session" && this.#chance(0.5)) {
      const started = this.#pick(["migration", "checkpoint", "estimation"]);
      return this.#chance(0.8) ? one("start", started) : one("abort");
    }
    const later = after + this.#between(0, 60);
    const pause = (what: string, argument: string): Command[] => [
      ...one(`pause${what}`, argument),
      { after: later, name: `resume${what}`, vm, argument },
    ];
    switch (this.#between(0, 5)) {
      case 0:
        return pause("Vm", "");
      case 1:
        return pause("Vcpu", "0");
      case 2:
        return one("tracker", this.#pick(TECHNIQUES));
      case 3:
        return one("writes", this.#pick(["workload", "0", "70", "100"]));
      default:
        return one("harvest");
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)]!;
  }

  #between(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  #chance(probability: number): boolean {
    return this.#random.below(1000) < 1000 * probability;
  }

  #sometimes(probability: number, fields: () => Fields): Fields {
    return this.#chance(probability) ? fields() : {};
  }
}
