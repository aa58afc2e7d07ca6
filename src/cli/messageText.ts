/** Messages of a log as lines for people. */
import { formatCycles } from "../config/units.ts";
import type { Delivery } from "../interconnect/messages.ts";
import { jsonText, visible } from "../io/visible.ts";
import type { LogHeader } from "../replay/format.ts";

const POSITION = 9;
const TIME = 14;

/** Names behind addresses, as a log's header has them. */
export function namesOf({ actors }: LogHeader): (id: number) => string {
  return (id) => (id === 0 ? "system" : (actors[id - 1]?.name ?? `actor ${id}`));
}

/** "  1,234    12.500 us  vcpu0 -> pcpu0/dispatcher  vmExit vcpu=0 reason=62". */
export function messageLine(
  position: number,
  { time, from, to, message }: Delivery,
  nameOf: (id: number) => string,
): string {
  const where = position.toLocaleString("en-US").padStart(POSITION);
  const route = visible(`${nameOf(from)} -> ${nameOf(to)}`);
  return `${where} ${formatCycles(time).padStart(TIME)}  ${route}  ${payloadText(message)}`;
}

/** The message's type and fields in one line. */
export function payloadText({ type, ...fields }: Delivery["message"]): string {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${valueText(value)}`);
  return visible([type, ...words].join(" "));
}

/** A value in one line, without what a terminal would obey. */
export function valueText(value: unknown): string {
  if (value === undefined) return "(none)";
  const text = typeof value === "string" ? value : jsonText(value);
  return visible(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
