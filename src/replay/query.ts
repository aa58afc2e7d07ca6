/** Finding messages in a log. */
import type { Message } from "../interconnect/messages.ts";
import { roleInLog, vmOf } from "../system/roles.ts";
import type { MessageEntry } from "./decoder.ts";
import type { LogHeader } from "./format.ts";
import type { LogReader } from "./reader.ts";
import { vmsOfVcpus } from "./scenarioOutline.ts";

/** What a message must be like; what is undefined does not matter. */
export interface Query {
  /** Its type. */
  readonly type?: string | undefined;
  /** Its sender or its receiver, by name; "pcpu0" also means "pcpu0/mmu". */
  readonly actor?: string | undefined;
  /** The VM that it concerns, by number. */
  readonly vm?: number | undefined;
  /** The guest-physical page that it speaks of. */
  readonly page?: number | undefined;
  /** Virtual time, in cycles: from the first, up to the second. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

/** A test of messages against a query. */
export function matcher(header: LogHeader, query: Query): (entry: MessageEntry) => boolean {
  const { type, actor, vm, page, after = -Infinity, before = Infinity } = query;
  const names = ["system", ...header.actors.map(({ name }) => name)];
  const vms = vmsOfVcpus(header);
  const isActor = names.map((name) => name === actor || name.startsWith(`${actor}/`));
  const isOfVm = names.map((name) => vmOf(roleInLog(name, vms)) === vm);
  return ({ delivery: { time, from, to, message } }) => {
    if (type !== undefined && message.type !== type) return false;
    if (time < after || time > before) return false;
    if (actor !== undefined && !isActor[from] && !isActor[to]) return false;
    if (page !== undefined && !speaksOf(message, page)) return false;
    if (vm === undefined) return true;
    const named = "vm" in message ? message.vm : "vcpu" in message ? vms[message.vcpu] : undefined;
    return named === vm || isOfVm[from] === true || isOfVm[to] === true;
  };
}

function speaksOf(message: Message, page: number): boolean {
  if ("page" in message && message.page === page) return true;
  return "pages" in message && Array.isArray(message.pages) && message.pages.includes(page);
}

/** The matching messages of a log, in order. */
export function* find(log: LogReader, query: Query): Generator<MessageEntry> {
  const matches = matcher(log.header, query);
  for (let entry = log.next(); entry !== undefined; entry = log.next()) {
    if (entry.kind === "message" && matches(entry)) yield entry;
  }
}

export interface LogStats {
  readonly messages: number;
  readonly interventions: number;
  readonly checkpoints: number;
  /** Cycles. */
  readonly time: number;
  readonly bytes: number;
  readonly complete: boolean;
  readonly byType: Readonly<Record<string, number>>;
  readonly byReceiver: Readonly<Record<string, number>>;
}

/** Counts everything in a log, up to its end or its damage. */
export function statsOf(log: LogReader): LogStats {
  const byType = new Map<string, number>();
  const byReceiver = new Map<string, number>();
  const kinds = { message: 0, intervention: 0, checkpoint: 0 };
  let time = 0;
  const names = ["system", ...log.header.actors.map(({ name }) => name)];
  for (let entry = log.next(); entry !== undefined; entry = log.next()) {
    kinds[entry.kind]++;
    if (entry.kind !== "message") continue;
    const { message, to } = entry.delivery;
    time = entry.delivery.time;
    byType.set(message.type, (byType.get(message.type) ?? 0) + 1);
    const name = names[to] ?? `actor ${to}`;
    byReceiver.set(name, (byReceiver.get(name) ?? 0) + 1);
  }
  return {
    messages: kinds.message,
    interventions: kinds.intervention,
    checkpoints: kinds.checkpoint,
    time,
    bytes: log.source.length,
    complete: log.end?.complete ?? false,
    byType: mostFirst(byType),
    byReceiver: mostFirst(byReceiver),
  };
}

function mostFirst(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
