/** Words for states in errors and traces. */
import { canonical } from "../engine/encoding.ts";

/** The beginning of a sentence about a state; empty if it is not of one. */
export function stateName(state: string): string {
  return state === "" ? "" : `in state "${state}" `;
}

/** The name of a state value, for people: "a", or "a.b" for nested states. */
export function valueName(value: unknown): string {
  if (typeof value === "string") return value;
  const parts = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const [first] = parts;
  if (first === undefined || parts.length !== 1) return canonical(value);
  return `${first[0]}.${valueName(first[1])}`;
}
