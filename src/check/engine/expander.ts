/**
 * All next states of a state, in a fixed order: channels by number, then what components do by themselves.
 *
 * Transitions of one receiver from one channel (or of one component by itself) are a group. Which of them
 * a state has depends on the channel's state, the receiver's, and a footprint of further slots; each
 * combination is worked out once, as a list of transitions, and looked up ever after.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import { channelAt } from "./channel.ts";
import { grown } from "./growable.ts";
import type { Layout } from "./layout.ts";
import { LocalSteps, NOT_TAKEN } from "./localSteps.ts";
import type { Model } from "./model.ts";
import { StateHash } from "./stateHash.ts";
import { StepRules } from "./stepRules.ts";
import {
  BY_ITSELF,
  DROPPED,
  isWithoutStep,
  LOST,
  type Transition,
  Transitions,
} from "./transitions.ts";
import { TupleTable } from "./tupleTable.ts";

/** In place of a list: it depends on a footprint. Sites are -1, -2... */
const UNKNOWN = 0;

/** Numbers of a group, in one array. */
const GROUP_WORDS = 6;
const COMPONENT = 0;
const OWN_SLOT = 1;
/** BY_ITSELF, or the slot of the channel. */
const CHANNEL = 2;
/** Where in the entries it begins, and for how many states of the channel and of the component it has room. */
const FIRST = 3;
const STATES = 4;
const OWNS = 5;

/** Lists of one group and one pair of states, by the values of a footprint. */
interface Site {
  readonly footprint: Int32Array;
  readonly lists: TupleTable;
}

export class Expander {
  readonly model: Model;
  readonly steps: LocalSteps;
  readonly transitions: Transitions;
  readonly rules: StepRules;
  /** Says what thread a state belongs to. */
  readonly stateHash: StateHash;
  /** The state that is expanded: numbers of all slots. */
  ids: Int32Array;
  /** Steps of the last expansion, and the transition of each. */
  count = 0;
  step = new Int32Array(64);
  /** Where `hash` is wanted: that of the state packed last. */
  isHashing = false;
  hash = 0;
  /** That of the state that is expanded. */
  #base = 0;
  /** A wire without latency is busy: what else could happen was held back. */
  isImmediate = false;
  /** Lists of transitions looked up. */
  lookups = 0;
  /** Nothing new may be worked out: what would have to be is left out, and `missed` set. */
  isFrozen = false;
  missed = false;
  /** Lists of transitions: their number, then each. */
  #lists = new Int32Array(1024);
  #listsUsed = 1;
  readonly #sites: Site[] = [];
  #groups = new Int32Array(64 * GROUP_WORDS);
  #groupCount = 0;
  /** By group, state of the channel (0 for BY_ITSELF) and of the component: a list, a site, or UNKNOWN. */
  #entries = new Int32Array(1024);
  #entriesUsed = 0;
  /** By channel slot: the first group of its receivers; kept when channels come to be. */
  readonly #known = new Map<number, number>();
  #channelSlots = new Int32Array(0);
  /** By channel: its first group, and the end of them. */
  #firstGroup = new Int32Array(0);
  #endGroup = new Int32Array(0);
  /** The first of them, which have no latency. */
  #immediate = 0;
  readonly #deciders: number;
  /** Some channel has a capacity, for which steps wait. */
  #blocks = false;

  constructor(model: Model) {
    this.model = model;
    this.steps = new LocalSteps(model);
    this.rules = new StepRules(model, this.steps);
    this.stateHash = new StateHash(model);
    this.transitions = new Transitions(this.stateHash);
    this.ids = model.initial.slice();
    model.components.forEach((_, component) => {
      this.#addGroup(component, BY_ITSELF);
    });
    this.#deciders = this.#groupCount;
    this.adapt();
  }

  /** Notes the channels that the model has by now. */
  adapt(): void {
    const { slots, channels } = this.model;
    const ids = new Int32Array(slots.length);
    ids.set(this.ids);
    this.ids = ids;
    const all = channels.flatMap((channel, slot) => (channel === null ? [] : [slot]));
    const immediate = all.filter((slot) => channelAt(channels, slot).immediate);
    this.#blocks = all.some((slot) => {
      return (
        channelAt(channels, slot).whenFull === "block" &&
        Number.isFinite(channelAt(channels, slot).capacity)
      );
    });
    const numbers = [...immediate, ...all.filter((slot) => !channelAt(channels, slot).immediate)];
    this.#immediate = immediate.length;
    this.#channelSlots = Int32Array.from(numbers);
    this.#firstGroup = Int32Array.from(numbers, (slot) => this.#groupsOf(slot));
    this.#endGroup = Int32Array.from(numbers, (slot, i) => {
      return wordAt(this.#firstGroup, i) + channelAt(channels, slot).receivers.length;
    });
  }

  #groupsOf(slot: number): number {
    const known = this.#known.get(slot);
    if (known !== undefined) return known;
    const first = this.#groupCount;
    for (const receiver of channelAt(this.model.channels, slot).receivers)
      this.#addGroup(receiver, slot);
    this.#known.set(slot, first);
    return first;
  }

  #addGroup(component: number, channel: number): void {
    const at = this.#groupCount++ * GROUP_WORDS;
    if (at === this.#groups.length) this.#groups = grown(this.#groups, at + GROUP_WORDS);
    this.#groups[at + COMPONENT] = component;
    this.#groups[at + OWN_SLOT] = itemAt(this.model.components, component).slot;
    this.#groups[at + CHANNEL] = channel;
  }

  /** Whether the model has more slots than this knows of: then the last expansion does not count. */
  get isOutdated(): boolean {
    return this.ids.length !== this.model.slots.length;
  }

  /** Finds the steps of the state in `ids`. */
  expand(): void {
    this.count = 0;
    this.isImmediate = true;
    const { ids } = this;
    if (this.isHashing) this.#base = this.stateHash.of(ids);
    const slots = this.#channelSlots;
    for (let i = 0; i < this.#immediate; i++) {
      const state = wordAt(ids, wordAt(slots, i));
      if (state === 0) continue;
      this.#collect(wordAt(this.#firstGroup, i), wordAt(this.#endGroup, i), state);
      return;
    }
    this.isImmediate = false;
    for (let i = this.#immediate; i < slots.length; i++) {
      const state = wordAt(ids, wordAt(slots, i));
      if (state !== 0) this.#collect(wordAt(this.#firstGroup, i), wordAt(this.#endGroup, i), state);
    }
    this.#collect(0, this.#deciders, 0);
    if (this.#blocks) this.#withhold();
  }

  /** Takes away the steps that send into a channel that has no room. */
  #withhold(): void {
    const { step } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i++)
      if (this.#hasRoom(wordAt(step, i))) step[kept++] = wordAt(step, i);
    this.count = kept;
  }

  #hasRoom(transition: number): boolean {
    const { pool } = this.steps;
    const { channel, rest, sends } = this.transitions;
    let at = wordAt(sends, transition);
    if (at === 0) return true;
    for (let left = wordAt(pool, at++); left > 0; left--) {
      const slot = wordAt(pool, at);
      const end = at + 2 + wordAt(pool, at + 1);
      const to = channelAt(this.model.channels, slot);
      // Its own message has made room.
      let state = slot === channel[transition] ? wordAt(rest, transition) : wordAt(this.ids, slot);
      for (at += 2; at < end; at++) {
        if (to.blocks(state, wordAt(pool, at))) return false;
        const known = to.known(state, wordAt(pool, at));
        if (known < 0 && this.isFrozen) {
          this.missed = true;
          return false;
        }
        state = known < 0 ? to.append(state, wordAt(pool, at)) : known;
      }
    }
    return true;
  }

  /** Takes the lists of some groups that share a channel. */
  #collect(first: number, end: number, state: number): void {
    const { ids } = this;
    const groups = this.#groups;
    this.lookups += end - first;
    for (let group = first * GROUP_WORDS; group < end * GROUP_WORDS; group += GROUP_WORDS) {
      const own = wordAt(ids, wordAt(groups, group + OWN_SLOT));
      const owns = wordAt(groups, group + OWNS);
      let list = UNKNOWN;
      if (own < owns && state < wordAt(groups, group + STATES)) {
        list = wordAt(this.#entries, wordAt(groups, group + FIRST) + state * owns + own);
      }
      if (list <= UNKNOWN) list = this.#findList(group, state, own, list);
      this.#take(list);
    }
  }

  #take(from: number): void {
    const lists = this.#lists;
    let list = from;
    let at = this.count;
    const end = at + wordAt(lists, list);
    if (end > this.step.length) this.step = grown(this.step, end);
    const { step } = this;
    while (at < end) step[at++] = wordAt(lists, ++list);
    this.count = end;
  }

  #findList(group: number, state: number, own: number, known: number): number {
    let site = this.#sites[-known - 1];
    if (site === undefined) {
      if (this.isFrozen) return this.#miss();
      const messages = this.#messagesOf(group, state);
      const footprint = this.#footprintOf(group, own, messages);
      if (footprint.length === 0) {
        const list = this.#makeList(group, state, messages);
        this.#note(group, state, own, list);
        return list;
      }
      site = { footprint, lists: new TupleTable(footprint.length) };
      this.#sites.push(site);
      this.#note(group, state, own, -this.#sites.length);
    }
    const found = site.lists.find(this.ids, site.footprint);
    if (found >= 0) return found;
    if (this.isFrozen) return this.#miss();
    const list = this.#makeList(group, state, this.#messagesOf(group, state));
    site.lists.add(this.ids, site.footprint, list);
    return list;
  }

  /** The empty list. */
  #miss(): number {
    this.missed = true;
    return 0;
  }

  /** Pairs: a message that the component may take, and what is left in the channel. */
  #messagesOf(group: number, state: number): Int32Array {
    const component = wordAt(this.#groups, group + COMPONENT);
    const channel = wordAt(this.#groups, group + CHANNEL);
    if (channel !== BY_ITSELF) return channelAt(this.model.channels, channel).deliverable(state);
    const choices = this.steps.choicesOf(component, this.ids);
    return choices.length === 0
      ? choices
      : Int32Array.from({ length: 2 * choices.length }, (_, i) =>
          i & 1 ? 0 : wordAt(choices, i >> 1),
        );
  }

  #footprintOf(group: number, own: number, messages: Int32Array): Int32Array {
    const component = wordAt(this.#groups, group + COMPONENT);
    const slots = new Set<number>();
    for (let pair = 0; pair < messages.length; pair += 2) {
      const event = itemAt(this.model.messages.values, wordAt(messages, pair));
      for (const slot of itemAt(this.model.components, component).footprint(own, event))
        slots.add(slot);
    }
    return Int32Array.from(slots);
  }

  #note(group: number, state: number, own: number, what: number): void {
    const groups = this.#groups;
    if (state >= wordAt(groups, group + STATES) || own >= wordAt(groups, group + OWNS)) {
      this.#widen(group, state, own);
    }
    this.#entries[wordAt(groups, group + FIRST) + state * wordAt(groups, group + OWNS) + own] =
      what;
  }

  /** Gives a group a new place, with room for these states. */
  #widen(group: number, state: number, own: number): void {
    const groups = this.#groups;
    const [first, states, owns] = [FIRST, STATES, OWNS].map((field) =>
      wordAt(groups, group + field),
    );
    const moreStates = state < states! ? states! : Math.max(state + 1, 2 * states!);
    const moreOwns = own < owns! ? owns! : Math.max(own + 1, 2 * owns!);
    const place = this.#entriesUsed;
    this.#entriesUsed += moreStates * moreOwns;
    if (this.#entriesUsed > this.#entries.length) {
      this.#entries = grown(this.#entries, this.#entriesUsed);
    }
    for (let row = 0; row < states!; row++) {
      const from = first! + row * owns!;
      this.#entries.copyWithin(place + row * moreOwns, from, from + owns!);
    }
    groups.set([place, moreStates, moreOwns], group + FIRST);
  }

  #makeList(group: number, state: number, messages: Int32Array): number {
    const numbers: number[] = [];
    const component = wordAt(this.#groups, group + COMPONENT);
    const channel = wordAt(this.#groups, group + CHANNEL);
    for (let pair = 0; pair < messages.length; pair += 2) {
      const [message, rest] = [wordAt(messages, pair), wordAt(messages, pair + 1)];
      const result = this.steps.find(component, this.ids, message);
      if (result !== NOT_TAKEN) {
        const { pool } = this.steps;
        let outcome = result + 1;
        for (let left = wordAt(pool, result); left > 0; left--) {
          numbers.push(this.#addTransition({ component, channel, rest, message, outcome }, state));
          outcome += wordAt(pool, outcome);
        }
      } else if (channel !== BY_ITSELF && rest !== state) {
        numbers.push(
          this.#addTransition({ component, channel, rest, message, outcome: DROPPED }, state),
        );
      }
      // It has one receiver, so each loss is listed once.
      if (this.model.channels[channel]?.lossy === true && rest !== state) {
        numbers.push(
          this.#addTransition({ component, channel, rest, message, outcome: LOST }, state),
        );
      }
    }
    const list = this.#listsUsed;
    this.#listsUsed += 1 + numbers.length;
    if (this.#listsUsed > this.#lists.length) this.#lists = grown(this.#lists, this.#listsUsed);
    this.#lists.set([numbers.length, ...numbers], list);
    return list;
  }

  #addTransition(transition: Transition, state: number): number {
    const { component, channel, rest, outcome } = transition;
    const taken = channel === BY_ITSELF ? [] : [[channel, state, rest] as const];
    const { pool } = this.steps;
    const before = wordAt(this.ids, itemAt(this.model.components, component).slot);
    const rules = this.rules.bits(transition, before);
    if (isWithoutStep(outcome)) {
      return this.transitions.add(transition, { moves: taken, sends: 0, broken: rules });
    }
    const writes = wordAt(pool, outcome + 2);
    const moves = Array.from({ length: writes }, (_, i) => {
      const [slot, id] = [wordAt(pool, outcome + 3 + 2 * i), wordAt(pool, outcome + 4 + 2 * i)];
      return [slot, wordAt(this.ids, slot), id] as const;
    });
    const channels = outcome + 3 + 2 * writes;
    const sends = pool[channels] === 0 ? 0 : channels;
    const broken = wordAt(pool, outcome + 1) | rules;
    return this.transitions.add(transition, { moves: [...taken, ...moves], sends, broken });
  }

  /** Bits of the step properties that a step breaks. */
  brokenBits(step: number): number {
    return wordAt(this.transitions.broken, wordAt(this.step, step));
  }

  /** Writes the state after a step, as numbers of all slots. */
  apply(step: number, next: Int32Array): void {
    const transition = wordAt(this.step, step);
    const { channel, rest, outcome } = this.transitions;
    next.set(this.ids);
    if (channel[transition] !== BY_ITSELF)
      next[wordAt(channel, transition)] = wordAt(rest, transition);
    if (isWithoutStep(wordAt(outcome, transition))) return;
    const { pool } = this.steps;
    const { channels } = this.model;
    let at = wordAt(outcome, transition) + 2;
    for (let writes = wordAt(pool, at++); writes > 0; writes--) {
      next[wordAt(pool, at)] = wordAt(pool, at + 1);
      at += 2;
    }
    for (let left = wordAt(pool, at++); left > 0; left--) {
      const slot = wordAt(pool, at);
      const messages = wordAt(pool, at + 1);
      at += 2;
      let state = wordAt(next, slot);
      for (let i = 0; i < messages; i++)
        state = channelAt(channels, slot).append(state, wordAt(pool, at++));
      next[slot] = state;
    }
  }

  /**
   * The same, packed: `base` holds the packed state that is expanded. Returns whether the step changes
   * anything, and can be worked out. The layout is the one that the transitions use.
   */
  applyPacked(
    step: number,
    layout: Layout,
    base: Int32Array,
    from: number,
    packed: Int32Array,
    to: number,
  ): boolean {
    const transition = wordAt(this.step, step);
    const { delta, sends } = this.transitions;
    const { words } = layout;
    const change = transition * words;
    for (let i = 0; i < words; i++)
      packed[to + i] = wordAt(base, from + i) ^ wordAt(delta, change + i);
    this.hash = this.#base ^ wordAt(this.transitions.hash, transition);
    if (sends[transition] === 0) return this.transitions.isLoop[transition] === 0;
    if (!this.#send(wordAt(sends, transition), layout, packed, to)) return false;
    for (let i = 0; i < words; i++) if (packed[to + i] !== base[from + i]) return true;
    return false;
  }

  #send(sends: number, { word, shift, mask }: Layout, packed: Int32Array, to: number): boolean {
    const { pool } = this.steps;
    const { channels } = this.model;
    let at = sends;
    for (let left = wordAt(pool, at++); left > 0; left--) {
      const slot = wordAt(pool, at);
      const messages = wordAt(pool, at + 1);
      const channel = channelAt(channels, slot);
      const target = to + wordAt(word, slot);
      const field = wordAt(shift, slot);
      const before = (wordAt(packed, target) >>> field) & wordAt(mask, slot);
      let state = before;
      at += 2;
      for (let i = 0; i < messages; i++) {
        const message = wordAt(pool, at++);
        const known = channel.known(state, message);
        if (known < 0 && this.isFrozen) {
          this.missed = true;
          return false;
        }
        state = known < 0 ? channel.append(state, message) : known;
      }
      // It would run over into its neighbours, which may be read next; the layout is outgrown.
      if ((state & wordAt(mask, slot)) !== state) return false;
      packed[target] = wordAt(packed, target) ^ ((before ^ state) << field);
    }
    return true;
  }
}
