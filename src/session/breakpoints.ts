/** Where a run stops by itself: at a message, at a state of an actor, at a page, at a broken property, at a number. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { Counter } from "../hardware/counters.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { System } from "../system/system.ts";
import { saysLogIsFull } from "../units/messages.ts";
import { hasCrashed } from "./machineFrame.ts";
import { PAGE_ASPECTS, pageAspect } from "./pageFrame.ts";
import { COMPARISONS, QUANTITIES, quantityOf } from "./quantities.ts";
import { PROPERTIES, type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** Either a question about each message, or a value that must not change. */
export type Breakpoint =
  | {
      readonly text: string;
      readonly holds: (delivery: Delivery, system: System) => boolean;
    }
  | {
      readonly text: string;
      readonly watch: (system: System) => string | number;
      /** Only when it becomes this. */
      readonly becomes?: string;
      /** What there is to see of it, where that is more than what is watched. */
      readonly shown?: (system: System) => string;
    };

/** The first word of one. */
export const KINDS = ["message", "actor", "page", "property", "when"] as const;

const HELP =
  'expected "message TYPE", "actor NAME STATE", "page [VM:]NUMBER [written|marked|buffered]", "property missed|crashed" or "when pages-lost > 0"';

/** What the next word of a breakpoint may be, behind those before. */
export function breakpointWords(
  { messages, states, vms }: Vocabulary,
  before: readonly string[],
): readonly string[] {
  const [kind, name] = before;
  if (kind === undefined) return KINDS;
  if (kind === "actor" && name !== undefined) {
    return before.length === 2 ? (states.get(name) ?? []) : [];
  }
  if (kind === "page" && before.length === 2) return PAGE_ASPECTS;
  if (kind === "when" && before.length === 2) return Object.keys(COMPARISONS);
  if (before.length > 1) return [];
  switch (kind) {
    case "message":
      return messages;
    case "actor":
      return [...states.keys()];
    case "page":
      return vms.map((vm) => `${vm}:`);
    case "property":
      return PROPERTIES;
    case "when":
      return QUANTITIES;
    default:
      return [];
  }
}

/** What `step to the next ...` looks for. */
export const LANDMARKS: Readonly<Record<"exit" | "ipi" | "full", (one: Delivery) => boolean>> = {
  exit: ({ message }) => message.type === "vmExit",
  ipi: ({ message }) => message.type === "ipi",
  full: ({ message }) => message.type === "logFullExit" || saysLogIsFull(message.type),
};

/** @throws UserError */
export function parseBreakpoint(text: string, system: System): Breakpoint {
  const words = text.trim().split(/\s+/);
  const [kind, ...rest] = words;
  const normal = words.join(" ");
  switch (kind) {
    case "message":
      return messageBreakpoint(normal, rest, system);
    case "actor":
      return actorBreakpoint(normal, rest, system);
    case "page":
      return { text: normal, watch: pageWatch(rest, system) };
    case "property":
      return { text: normal, watch: propertyWatch(rest) };
    case "when":
      return conditionBreakpoint(rest.join(" "), system);
    default:
      throw new UserError(`break: ${HELP}${nearest(kind ?? "", KINDS)}`);
  }
}

function messageBreakpoint(text: string, [type = ""]: string[], system: System): Breakpoint {
  const { messages } = vocabularyOf(system);
  if (!messages.includes(type)) {
    throw new UserError(`break: ${unknown("message", type, messages)}`);
  }
  return { text, holds: ({ message }) => message.type === type };
}

function actorBreakpoint(text: string, rest: string[], system: System): Breakpoint {
  const [name = "", state = ""] = rest;
  const { states } = vocabularyOf(system);
  const own = states.get(name);
  if (own === undefined) {
    throw new UserError(`break: ${unknown("actor", name, [...states.keys()])}`);
  }
  const actor = system.actor(name);
  if (!own.includes(state)) {
    throw new UserError(`break: ${unknown(`state of ${name}`, state, own)}`);
  }
  return { text, watch: () => actor.value, becomes: state };
}

/** Stops when the condition becomes true, and again when it has been false meanwhile. */
function conditionBreakpoint(condition: string, system: System): Breakpoint {
  const match = /^(.*?)\s*(>=|<=|>|<|=)\s*(\d[\d,]*)$/.exec(condition);
  const [, name = "", sign = "", number = ""] = match ?? [];
  const compare = Object.entries(COMPARISONS).find(([one]) => one === sign)?.[1];
  if (compare === undefined) {
    throw new UserError('break: expected "when NUMBER > 0", such as "when pages-lost > 0"');
  }
  const limit = Number(number.replaceAll(",", ""));
  const read = quantityOf("break", name, system);
  return {
    text: `when ${name.replaceAll(" ", "-")} ${sign} ${limit}`,
    watch: (at) => String(compare(read(at), limit)),
    becomes: "true",
    shown: (at) => read(at).toLocaleString("en"),
  };
}

/** What there is to see of what it watches; null: it waits for messages. */
export function watchedText(point: Breakpoint, system: System): string | null {
  if ("holds" in point) return null;
  return point.shown?.(system) ?? String(point.watch(system));
}

function pageWatch(
  [which = "", aspect = "entry"]: string[],
  { world }: System,
): (system: System) => string {
  const { vm, page } = parsePage("break", which, { world });
  const named = PAGE_ASPECTS.find((one) => one === aspect);
  if (named === undefined) {
    throw new UserError(`break: ${unknown("aspect of a page", aspect, PAGE_ASPECTS)}`);
  }
  return pageAspect(vm, page, named);
}

/** "12", "0x1f", "one:12". @throws UserError, which begins with the name of the command */
export function parsePage(
  command: string,
  text: string,
  { world }: Pick<System, "world">,
): { readonly vm: number; readonly page: number } {
  const match = /^(?:(.+):)?(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (match === null) {
    throw new UserError(`${command}: ${command === "break" ? HELP : 'expected "[VM:]NUMBER"'}`);
  }
  const names = world.vms.map(({ config }) => config.name);
  const vm = match[1] === undefined ? 0 : names.indexOf(match[1]);
  const config = world.vms[vm]?.config;
  if (config === undefined) {
    throw new UserError(`${command}: ${unknown("VM", match[1] ?? "", names)}`);
  }
  const page = Number(match[2]);
  if (page >= config.pages) {
    throw new UserError(`${command}: ${config.name} has pages 0 to ${config.pages - 1}`);
  }
  return { vm, page };
}

function propertyWatch([name = ""]: string[]): (system: System) => number {
  switch (name) {
    case "missed":
      return ({ world }) =>
        world.vcpus.reduce((sum, { counters }) => sum + counters.values[Counter.missedGpas]!, 0);
    case "crashed":
      return (system) => system.world.vcpus.filter((_, vcpu) => hasCrashed(system, vcpu)).length;
    default:
      throw new UserError(`break: ${unknown("property", name, PROPERTIES)}`);
  }
}

export function unknown(what: string, name: string, names: readonly string[]): string {
  if (names.length === 0) return `there is no ${what}`;
  return `no ${what} is called "${name}"${nearest(name, names)}`;
}
