/**
 * What a log keeps of the state behind each message: a digest of the receiver's state and context after
 * it has handled the message, and of the few words that tell what its device has done to memory. It is
 * a function of the present state alone: equal states have equal digests, however they came about.
 *
 * Memory as a whole is digested at checkpoints (recorder.ts); to do it at each message would take longer
 * than the run.
 */
import { itemAt, wordAt } from "../lookup.ts";
import type { SystemActor } from "../system/actors.ts";
import type { ActorRole } from "../system/roles.ts";
import type { System } from "../system/system.ts";
import { type FieldsDigest, fieldsDigest, type SeenObjects } from "./compiledReaders.ts";

const PRIME = 0x01000193;

/** Digests the state of one actor and its device. */
class ActorDigest {
  readonly #actor: SystemActor;
  readonly #witnesses: () => readonly Int32Array[];
  readonly #fields: FieldsDigest;
  readonly #seen: SeenObjects = { objects: [], digests: [] };
  #value = "";
  #valueDigest = 0;

  constructor(actor: SystemActor, witnesses: () => readonly Int32Array[]) {
    this.#actor = actor;
    this.#witnesses = witnesses;
    const fields = Object.keys(actor.live.context);
    const changing = fields.filter((name) => !actor.inputFields.includes(name));
    this.#fields = fieldsDigest(changing);
  }

  digest(): number {
    const { value, context } = this.#actor.live;
    if (value !== this.#value) {
      this.#value = value;
      this.#valueDigest = digestText(value);
    }
    let hash = this.#fields(context, this.#valueDigest, this.#seen, digestValue);
    const witnesses = this.#witnesses();
    for (const words of witnesses) hash = digestWords(words, hash);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}

/** Digests of the receivers of a system, by address. */
export class StateDigests {
  readonly #actors: readonly ActorDigest[];

  constructor(system: System) {
    this.#actors = system.actors.map(
      (actor) => new ActorDigest(actor, witnessesOf(system, actor.role)),
    );
  }

  /** 32 bits, of the actor with this address. */
  of(id: number): number {
    return itemAt(this.#actors, id - 1).digest();
  }
}

/**
 * The words beside an actor's state that change whenever its device changes memory: of an MMU the
 * counters and the position in the workload of the vCPU it has loaded, and the digest of the
 * processor's own stores; of a tracker the sizes of its bitmaps; of a pVM CPU those of the cumulative
 * buffers.
 */
function witnessesOf({ world }: System, role: ActorRole): () => readonly Int32Array[] {
  if (role.kind === "mmu") {
    const { pcpu } = role;
    const { state } = world.memory;
    const idle = [state];
    const loaded = world.vcpus.map(({ counters, stream }) => {
      return [state, stream.state, wordsOf(counters.values)];
    });
    return () => loaded[wordAt(world.loaded.vcpus, pcpu) - 1] ?? idle;
  }
  if (role.kind === "tracker") {
    const { tracked, reportedWritten, reportedTouched } = itemAt(world.vms, role.vm);
    const bitmaps = [tracked.dirty, tracked.touched, reportedWritten, reportedTouched];
    const words = [...bitmaps.map(({ state }) => state), tracked.buffer.state];
    return () => words;
  }
  const words = role.kind === "pvmCpu" ? world.vms.map(({ tracked }) => tracked.buffer.state) : [];
  return () => words;
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

function wordsOf({ buffer, byteOffset, byteLength }: Float64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

function digestWords(words: Int32Array, start: number): number {
  let hash = start;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ wordAt(words, i), PRIME);
  return hash ^ (hash >>> 15);
}

function digestNumber(value: number): number {
  double[0] = value;
  return Math.imul(wordAt(halves, 0) ^ 0x9747b28c, PRIME) ^ wordAt(halves, 1);
}

/** The names that machines use are few. */
const textDigests = new Map<string, number>();

function digestText(text: string): number {
  const known = textDigests.get(text);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  if (text.length < 40) textDigests.set(text, hash);
  return hash;
}

/** Any value that a context may hold: plain data. */
function digestValue(value: unknown): number {
  switch (typeof value) {
    case "number":
      return digestNumber(value);
    case "string":
      return digestText(value);
    case "boolean":
      return value ? 1 : 2;
    case "object":
      if (value === null) return 3;
      return Array.isArray(value) && value.length >= LONG ? keptDigest(value) : digestObject(value);
    default:
      return 6;
  }
}

/** From so many items on the digest of a list, and those of its items, are kept. */
const LONG = 16;
/**
 * Of objects in contexts, which never change: a new value is a new object. A list that grows by an item is a new list of the
 * old items: without this each would be digested as often as the list has grown.
 */
const keptDigests = new WeakMap<object, number>();

function digestList(list: readonly unknown[]): number {
  let hash = 4;
  if (list.length < LONG) {
    for (let i = 0; i < list.length; i++) hash = Math.imul(hash ^ digestValue(list[i]), PRIME);
    return hash;
  }
  for (let i = 0; i < list.length; i++) hash = Math.imul(hash ^ keptDigest(list[i]), PRIME);
  return hash;
}

function keptDigest(value: unknown): number {
  if (typeof value !== "object" || value === null) return digestValue(value);
  const kept = keptDigests.get(value);
  if (kept !== undefined) return kept;
  const digest = digestObject(value);
  keptDigests.set(value, digest);
  return digest;
}

function digestObject(object: object): number {
  if (Array.isArray(object)) return digestList(object);
  const fields = object as Readonly<Record<string, unknown>>;
  let hash = 5;
  for (const key in fields) {
    hash = Math.imul(hash ^ digestText(key), PRIME);
    hash = Math.imul(hash ^ digestValue(fields[key]), PRIME);
  }
  return hash;
}
