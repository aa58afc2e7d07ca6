/** Random questions: calls and accesses as a VMM and its guest might make them, wrong ones among them. */
import { deriveSeed, Random } from "../../../workloads/random.ts";
import { SlotFlag } from "../../hypervisor/slots/memorySlot.ts";
import type { Access, Command, KvmQuestion } from "./question.ts";

const PAGE_BYTES = 4096;
const COMMANDS = 40;
/** Slots that come and go, where they may be, and their sizes: some overlap. */
const SLOTS = 3;
const ADDRESSES = [0x100000, 0x140000, 0x180000, 0x200000, 0x400000];
const PAGES = [64, 100, 128, 200];
const WORD_PAGES = 64;
const RING_BYTES = [4096, 8192, 65536];

/** @param number of the question under this seed, from 0 */
export function randomQuestion(seed: number, number: number): KvmQuestion {
  const name = `random question ${number} of seed ${seed}`;
  const draw = new Draw(new Random(deriveSeed(seed, `kvm${number}`)));
  return { file: name, name, source: "random", commands: draw.commands() };
}

class Draw {
  readonly #random: Random;
  #vcpus = 0;
  #hasRing = false;

  constructor(random: Random) {
    this.#random = random;
  }

  commands(): Command[] {
    const list: Command[] = [];
    if (this.#chance(45)) {
      list.push({ op: "ring", bytes: this.#pick(RING_BYTES) });
      this.#hasRing = true;
    } else if (this.#chance(60)) {
      list.push({ op: "manual", flags: this.#pick([1, 3]) });
    }
    for (let i = 0; i < SLOTS; i++) list.push(this.#region(i, 128, ADDRESSES[i + 2] ?? 0));
    for (let i = this.#below(2); i >= 0; i--, this.#vcpus++) list.push({ op: "vcpu" });
    while (list.length < COMMANDS) list.push(this.#next());
    return list;
  }

  #next(): Command {
    const kind = this.#below(100);
    if (kind < 45) return { op: "run", vcpu: this.#vcpu(), accesses: this.#accesses() };
    if (kind < 52) return { op: "host", id: this.#below(SLOTS), page: this.#below(128) };
    if (kind < 62) return this.#region(this.#below(SLOTS));
    if (!this.#hasRing) return kind < 82 ? { op: "get", id: this.#slot() } : this.#clear();
    if (kind < 66) return { op: "get", id: this.#slot() };
    if (kind < 70) return { op: "resume", vcpu: this.#vcpu() };
    if (kind < 88) {
      return { op: "collect", vcpu: this.#vcpu(), most: this.#pick([1, 3, 50, 1000]) };
    }
    return { op: "reset" };
  }

  #region(id: number, pages = this.#pick(PAGES), address = this.#pick(ADDRESSES)): Command {
    const flags = this.#pick([0, SlotFlag.log, SlotFlag.log, SlotFlag.log, 3]);
    const bytes = this.#chance(15) ? 0 : pages * PAGE_BYTES;
    return { op: "slot", id, flags, address, bytes, user: 0 };
  }

  /** Pages near one another, or a run of them; some are in no slot. */
  #accesses(): Access[] {
    const base = this.#pick(ADDRESSES);
    const first = this.#below(120);
    const count = this.#pick([1, 2, 5, 20, 80]);
    return Array.from({ length: count }, (_, i) => {
      const page = this.#chance(70) ? first + i : this.#below(128);
      return { write: this.#chance(70), address: base + (page % 128) * PAGE_BYTES };
    });
  }

  #clear(): Command {
    const first = this.#chance(90) ? this.#pick([0, WORD_PAGES]) : this.#below(200);
    const count = this.#pick([WORD_PAGES, 2 * WORD_PAGES, 36, 100, this.#below(150)]);
    const pages = Array.from({ length: 200 }, (_, page) => page).filter(() => this.#chance(50));
    return { op: "clear", id: this.#slot(), first, count, pages };
  }

  #slot(): number {
    return this.#below(SLOTS);
  }

  #vcpu(): number {
    return this.#below(this.#vcpus);
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new Error("a choice among nothing");
    return item;
  }
}
