/** What of a model's description can be wrong, found before anything is explored. */
import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import { fieldOf, isRecord } from "../../lookup.ts";
import { canonical } from "../engine/encoding.ts";
import { isEvent, OWN_STEP } from "../engine/model.ts";
import type { Predicate, Property } from "../properties/property.ts";
import { notInvoked, notPerformed, notToOthers } from "./interpretedMachine.ts";
import type { MachineShape } from "./machineShape.ts";
import type { ActorModelSpec, ActorSpec, Wire } from "./spec.ts";

const SPEC_KEYS = ["name", "actors", "wires", "properties", "observer", "symmetry", "isFinal"];
const ACTOR_KEYS = [
  "machine",
  "input",
  "choices",
  "fairness",
  "timers",
  "invoked",
  "crash",
  "rests",
  "outside",
  "ignoredActions",
];
const WIRE_KEYS = [
  "from",
  "event",
  "to",
  "kind",
  "lossy",
  "duplicating",
  "capacity",
  "whenFull",
  "fair",
  "sender",
  "address",
];
const KINDS = ["fifo", "bag", "shared"];
const FAIRNESS = ["weak", "strong"];
/** Of each kind of property: the fields that it must have, and may have. */
const PROPERTIES: Readonly<
  Record<Property["kind"], readonly [readonly string[], readonly string[]]>
> = {
  always: [["that"], ["when"]],
  step: [["that"], ["seen"]],
  sometimes: [["that"], []],
  eventually: [["that"], []],
  leadsTo: [["when", "that"], []],
  noDeadlock: [[], []],
};

/** The choices of an actor that do not depend on its state. */
export function fixedChoices({ choices = [] }: ActorSpec) {
  return typeof choices === "function" ? [] : choices;
}

/** @throws UserError for what is misspelt, missing or contradictory */
export function validateSpec(
  spec: ActorModelSpec,
  shapes: Readonly<Record<string, MachineShape>>,
): void {
  const where = `model ${String(spec.name)}`;
  refuseUnknown(spec, SPEC_KEYS, where);
  const names = Object.keys(spec.actors);
  for (const name of names) {
    if (name === "" || name === "all" || / -> |,|^ | $/.test(name)) {
      throw new UserError(
        `${where}: "${name}" cannot be an actor's name (no "all", comma or " -> ")`,
      );
    }
    validateActor(`${where}: actor "${name}"`, fieldOf(spec.actors, name), fieldOf(shapes, name));
  }
  for (const wire of spec.wires) validateWire(where, wire, names);
  validateProperties(spec, shapes, where);
  const { symmetry } = spec;
  for (const member of symmetry?.members ?? []) refuseUnlisted(member, names, `${where}: symmetry`);
}

function validateActor(where: string, spec: ActorSpec, shape: MachineShape): void {
  refuseUnknown(spec, ACTOR_KEYS, where);
  const states = [...shape.states.keys()];
  for (const name of spec.rests ?? [])
    refuseUnlisted(name, states, `${where}: rests: no state is called`);
  if (spec.timers !== undefined)
    refuseUnlisted(spec.timers, ["ordered", "any"], `${where}: timers`);
  for (const choice of fixedChoices(spec)) validateEvent(choice, `${where}: a choice`);
  canonical(spec.input, `${where}: input`);
  validateActions(where, spec, shape);
  const owed = Object.entries(spec.fairness ?? {});
  const types = [...fixedChoices(spec).map(({ type }) => type), "crash", "restart"];
  for (const [type, fairness] of owed) {
    refuseUnlisted(fairness, FAIRNESS, `${where}: fairness of "${type}"`);
    const isOpen = typeof spec.choices === "function" || type.startsWith("xstate.");
    if (!isOpen) refuseUnlisted(type, types, `${where}: fairness: it has no choice`);
  }
}

function validateActions(where: string, spec: ActorSpec, shape: MachineShape): void {
  const { ignoredActions = [], invoked = {} } = spec;
  for (const { state, name, builtin, action } of shape.actions) {
    const place = `${where}: `;
    if (builtin === null) {
      if (!ignoredActions.includes(name)) throw prefixed(place, notPerformed(name, state));
      continue;
    }
    const to = action["to"];
    if (builtin === "xstate.sendTo" && typeof to === "string" && to !== "#_internal") {
      throw prefixed(place, notToOthers(to === "#_parent" ? "its parent" : `"${to}"`, state));
    }
  }
  for (const { state, src, id, hasSnapshots } of shape.invokes) {
    if (invoked[src] === undefined && invoked[id] === undefined) {
      throw prefixed(`${where}: `, notInvoked(src, id, state));
    }
    if (hasSnapshots) {
      throw new UserError(`${where}: in state "${state}": onSnapshot of "${src}" is not explored`);
    }
  }
  const isOpen = shape.actions.some(({ builtin }) => builtin === "xstate.enqueueActions");
  const custom = shape.actions.filter(({ builtin }) => builtin === null).map(({ name }) => name);
  for (const name of ignoredActions) {
    if (!isOpen) refuseUnlisted(name, custom, `${where}: ignoredActions: it has no custom action`);
  }
}

function prefixed(place: string, error: UserError): UserError {
  return new UserError(`${place}${error.message}`);
}

function validateWire(model: string, wire: Wire, actors: readonly string[]): void {
  const where = `${model}: the wire for "${wire.event}" from "${wire.from}"`;
  refuseUnknown(wire, WIRE_KEYS, where);
  for (const name of [wire.from, ...wire.to]) {
    refuseUnlisted(name, actors, `${where}: no actor is called`);
  }
  if (wire.to.length === 0 || new Set(wire.to).size < wire.to.length) {
    throw new UserError(`${where}: expected at least one receiver, each once`);
  }
  const { kind = "fifo", fair, whenFull, capacity } = wire;
  refuseUnlisted(kind, KINDS, `${where}: kind`);
  if (fair !== undefined && fair !== false) refuseUnlisted(fair, FAIRNESS, `${where}: fair`);
  if (whenFull !== undefined) refuseUnlisted(whenFull, ["block", "lose"], `${where}: whenFull`);
  if (capacity !== undefined && !(Number.isInteger(capacity) && capacity > 0)) {
    throw new UserError(`${where}: capacity: expected a whole number from 1`);
  }
  if (whenFull !== undefined && capacity === undefined) {
    throw new UserError(`${where}: whenFull goes with a capacity`);
  }
  if (kind === "shared" && wire.address !== undefined) {
    throw new UserError(`${where}: what is on a board is for all, so it has no address`);
  }
  if (kind === "shared" && (wire.lossy || wire.duplicating || capacity !== undefined)) {
    throw new UserError(
      `${where}: a board keeps every message, so it cannot be lossy, duplicating or bounded`,
    );
  }
}

/** @throws UserError if it is no event, or has what cannot be compared */
export function validateEvent(event: unknown, where: string): void {
  if (!isEvent(event)) {
    throw new UserError(`${where}: expected an event, an object with a type`);
  }
  if (OWN_STEP in event) {
    throw new UserError(`${where}: the field "${OWN_STEP}" of "${event.type}" is reserved`);
  }
  canonical(event, `${where}: "${event.type}"`);
}

function validateProperties(
  { properties, name: model }: ActorModelSpec,
  shapes: Readonly<Record<string, MachineShape>>,
  where: string,
): void {
  const names = new Set<string>();
  for (const property of properties) {
    const { kind, name } = property;
    if (typeof name !== "string" || name === "") {
      throw new UserError(`${where}: a property without a name`);
    }
    const at = `${where}: property "${name}"`;
    if (names.has(name)) throw new UserError(`${at}: there are two of this name`);
    names.add(name);
    refuseUnlisted(kind, Object.keys(PROPERTIES), `${at}: kind`);
    const [needed, further] = PROPERTIES[kind];
    refuseUnknown(property, ["kind", "name", ...needed, ...further], at);
    const fields: Readonly<Record<string, unknown>> = { ...property };
    for (const field of needed) {
      if (fields[field] === undefined) throw new UserError(`${at}: it has no "${field}"`);
    }
    for (const field of [...needed, ...further]) {
      const predicate = fields[field];
      if (predicate === undefined || (kind === "step" && field === "that")) continue;
      if (!isPredicate(predicate)) {
        throw new UserError(
          `${at}: "${field}": expected a predicate, as over() and inState() make it`,
        );
      }
      for (const { actor, state } of predicate.states ?? []) {
        refuseUnlisted(actor, Object.keys(shapes), `${at}: no actor is called`);
        const all = [...fieldOf(shapes, actor).states.keys()];
        refuseUnlisted(state, all, `${at}: ${actor} of model ${model} has no state`);
      }
    }
    if (kind === "step" && typeof fields["that"] !== "function") {
      throw new UserError(`${at}: "that": expected a function of a step`);
    }
  }
}

function isPredicate(value: unknown): value is Predicate {
  return isRecord(value) && typeof value["holds"] === "function" && Array.isArray(value["over"]);
}

/** @throws UserError for a key that is not known, with the nearest that is */
export function refuseUnknown(object: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(object)) {
    if (known.includes(key)) continue;
    throw new UserError(
      `${where}: "${key}" is not known${nearest(key, known)}; expected ${known.join(", ")}`,
    );
  }
}

function refuseUnlisted(name: string, names: readonly string[], where: string): void {
  if (names.includes(name)) return;
  const near = nearest(String(name), names);
  const expected = near === "" && names.length <= 12 ? `; expected ${names.join(", ")}` : near;
  throw new UserError(`${where} "${String(name)}"${expected}`);
}
