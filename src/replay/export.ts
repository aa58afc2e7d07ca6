/** Logs in the formats of other tools. Each function gives lines or objects in order. */

import { withUnit } from "../config/figures.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import type { Delivery, Message } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { Intervention } from "../system/intervention.ts";
import type { ToldChart } from "../system/operations/telling.ts";
import { type ActorRole, roleInLog } from "../system/roles.ts";
import { CauseFinder } from "./causality.ts";
import type { LogEntry, MessageEntry } from "./decoder.ts";
import type { LogHeader } from "./format.ts";

type Names = (id: number) => string;

/** An entry as a line of JSON has it. `position`: messages delivered before it. */
export type LogLine =
  | {
      readonly kind: "message";
      readonly position: number;
      /** Its number in the order of posts. */
      readonly sequence: number;
      /** Virtual time of delivery, in cycles. */
      readonly time: number;
      /** Names of actors. */
      readonly from: string;
      readonly to: string;
      readonly message: Message;
      /** Of the receiver's state after it, in hexadecimal. */
      readonly digest: string;
    }
  | {
      readonly kind: "intervention";
      readonly position: number;
      readonly intervention: Intervention;
    }
  | Extract<LogEntry, { kind: "checkpoint" }>;

/** Every entry, with names in place of the addresses. */
export function logLine(entry: LogEntry, nameOf: Names): LogLine {
  if (entry.kind === "checkpoint") return entry;
  if (entry.kind === "intervention") {
    const { kind, position, intervention } = entry;
    return { kind, position, intervention };
  }
  const { kind, position, delivery, digest } = entry;
  const { sequence, time, from, to, message } = delivery;
  return {
    kind,
    position,
    sequence,
    time,
    from: nameOf(from),
    to: nameOf(to),
    message,
    digest: digest.toString(16).padStart(8, "0"),
  };
}

/** A sequence diagram for Mermaid: the actors that take part, from left to right by address. */
export function mermaidLines(messages: readonly MessageEntry[], nameOf: Names): string[] {
  const ids = new Set(messages.flatMap(({ delivery: { from, to } }) => [from, to]));
  const participants = [...ids].sort((a, b) => a - b);
  return [
    "sequenceDiagram",
    ...participants.map((id) => `  participant a${id} as ${mermaidText(nameOf(id))}`),
    ...messages.map(({ delivery }) => {
      const { from, to, message, time } = delivery;
      const { type, ...fields } = message;
      const words = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
      const at = `${microseconds(time)} us`;
      return `  a${from}->>a${to}: ${mermaidText([at, type, ...words].join(" "))}`;
    }),
  ];
}

/** ";" ends a statement, "#" begins an entity, ":" and "%%" mean something in places. */
function mermaidText(text: string): string {
  return text.replace(/[^\w \-/.,=()[\]]/g, "_").slice(0, 200);
}

function microseconds(cycles: number): number {
  return (cycles * 1e6) / CYCLES_PER_SECOND;
}

/** An event of the Trace Event Format (Chrome's, which Perfetto reads). Times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M" | "s" | "f" | "C";
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly cat?: string;
  readonly bp?: "e";
  readonly args?: Readonly<Record<string, unknown>>;
}

const CPUS = 1;
const ACTORS = 2;
const COURSES = 3;
/** Actors handle a message in no virtual time; a slice must have some to be seen. */
const HANDLING_US = 0.001;

/** A track for each series over time: "working set of vm0, MiB: truth". */
export function counterEvents(charts: readonly ToldChart[]): TraceEvent[] {
  const name = {
    name: "process_name",
    ph: "M",
    pid: COURSES,
    tid: 0,
    args: { name: "courses" },
  } as const;
  const events = charts.flatMap(({ x, series, ...chart }) =>
    series.flatMap(({ name, values }) =>
      values.flatMap((value, i): TraceEvent[] => {
        if (value === null || x.unit !== "cycles") return [];
        const track = `${withUnit(chart)}: ${name}`;
        const ts = microseconds(itemAt(x.values, i));
        return [{ name: track, ph: "C", pid: COURSES, tid: 0, ts, args: { [name]: value } }];
      }),
    ),
  );
  return [name, ...events];
}

/**
 * One track for each physical CPU, with slices for the guest, for root mode, and for handlers within it;
 * one for each actor, with a slice for each message it receives, and arrows from the message that caused it.
 */
export class PerfettoExport {
  readonly #nameOf: Names;
  /** By address; null for who gives commands. */
  readonly #roles: readonly (ActorRole | null)[];
  readonly #cpus: readonly string[];
  readonly #causes = new CauseFinder();
  readonly #deliveries: Delivery[] = [];
  readonly #slices: TraceEvent[] = [];
  /** By CPU: what it does since when. */
  readonly #mode: ("guest" | "root" | null)[];
  readonly #since: number[];
  readonly #handlingSince: (number | null)[];
  /** The CPU of each vCPU. */
  readonly #cpuOf = new Map<number, number>();

  constructor({ actors }: LogHeader, nameOf: Names) {
    this.#nameOf = nameOf;
    // Of vCPUs nothing is asked but their numbers.
    this.#roles = [null, ...actors.map(({ name }) => roleInLog(name, []))];
    this.#cpus = this.#roles.flatMap((role) => (role?.kind === "mmu" ? [`pcpu${role.pcpu}`] : []));
    this.#mode = this.#cpus.map(() => null);
    this.#since = this.#cpus.map(() => 0);
    this.#handlingSince = this.#cpus.map(() => null);
  }

  /** Takes the messages of a log in order. */
  add(entry: MessageEntry): void {
    this.#causes.add(entry);
    this.#deliveries.push(entry.delivery);
    const { delivery } = entry;
    const { message, time } = delivery;
    const to = this.#roles[delivery.to];
    const isToVcpu = to?.kind === "vcpu";
    switch (message.type) {
      case "schedule":
        if (isToVcpu) this.#cpuOf.set(to.vcpu, message.pcpu);
        break;
      case "enterGuest":
        this.#change(this.#cpuBeside(to), "guest", time);
        break;
      case "guestStopped":
      case "entryFailed":
        if (isToVcpu) this.#change(this.#cpuOf.get(to.vcpu), "root", time);
        break;
      case "logFullExit":
      case "eptViolation":
      case "eptMisconfiguration":
        this.#handling(this.#cpuBeside(this.#roles[delivery.from]), time);
        break;
      case "handled":
        this.#handled(this.#cpuBeside(to), time);
        break;
      case "deschedule":
        if (isToVcpu) this.#change(this.#cpuOf.get(to.vcpu), null, time);
        break;
      default:
    }
  }

  /** The CPU that an MMU or a dispatcher belongs to; -1: neither. */
  #cpuBeside(role: ActorRole | null | undefined): number {
    return role != null && "pcpu" in role && role.pcpu < this.#cpus.length ? role.pcpu : -1;
  }

  /** Everything, as the events of a trace. */
  events(): readonly TraceEvent[] {
    const end = this.#deliveries.at(-1)?.time ?? 0;
    this.#cpus.forEach((_, cpu) => {
      this.#handled(cpu, end);
      this.#change(cpu, null, end);
    });
    return [...this.#names(), ...this.#slices, ...this.#messages()];
  }

  #names(): TraceEvent[] {
    const named = (pid: number, tid: number, what: string, name: string): TraceEvent => {
      return { name: what, ph: "M", pid, tid, args: { name } };
    };
    const ids = new Set(this.#deliveries.map(({ to }) => to));
    return [
      named(CPUS, 0, "process_name", "physical CPUs"),
      ...this.#cpus.map((name, cpu) => named(CPUS, cpu + 1, "thread_name", name)),
      named(ACTORS, 0, "process_name", "actors"),
      ...[...ids]
        .sort((a, b) => a - b)
        .map((id) => named(ACTORS, id, "thread_name", this.#nameOf(id))),
    ];
  }

  *#messages(): Generator<TraceEvent> {
    for (const { sequence, from, to, time, message } of this.#deliveries) {
      const { type, ...args } = message;
      const ts = microseconds(time);
      const common = { pid: ACTORS, cat: "message" } as const;
      yield { name: type, ph: "X", ...common, tid: to, ts, dur: HANDLING_US, args };
      const cause = this.#causes.causeOf(sequence, from);
      if (cause === null) continue;
      const posted = microseconds(itemAt(this.#deliveries, cause).time);
      yield { name: type, ph: "s", ...common, tid: from, ts: posted, id: sequence };
      yield { name: type, ph: "f", bp: "e", ...common, tid: to, ts, id: sequence };
    }
  }

  #change(cpu: number | undefined, mode: "guest" | "root" | null, time: number): void {
    if (cpu === undefined || cpu < 0) return;
    const before = this.#mode[cpu];
    if (before != null) this.#slice(cpu, before, itemAt(this.#since, cpu), time);
    this.#mode[cpu] = mode;
    this.#since[cpu] = time;
  }

  #handling(cpu: number, time: number): void {
    if (cpu >= 0) this.#handlingSince[cpu] = time;
  }

  #handled(cpu: number, time: number): void {
    const since = this.#handlingSince[cpu];
    if (since == null) return;
    this.#slice(cpu, "handler", since, time);
    this.#handlingSince[cpu] = null;
  }

  #slice(cpu: number, name: string, from: number, to: number): void {
    const [ts, end] = [microseconds(from), microseconds(to)];
    this.#slices.push({ name, ph: "X", pid: CPUS, tid: cpu + 1, ts, dur: end - ts, cat: "cpu" });
  }
}
