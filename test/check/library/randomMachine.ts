/** Random XState machines of all the features that are explored, and XState's own interpreter beside them. */
import fc from "fast-check";
import {
  type AnyEventObject,
  type AnyStateMachine,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  raise,
  sendTo,
} from "xstate";

interface Context {
  readonly n: number;
  /** Messages that it may still send to itself: else it might do so for ever. */
  readonly left: number;
}

/** A state; targets are numbers of states, in the order of a walk through all of them. */
interface RandomState {
  readonly type: "atomic" | "final" | "shallow" | "deep" | "compound" | "parallel";
  readonly on: readonly RandomTransition[];
  readonly always: readonly RandomTransition[];
  readonly after: readonly RandomTransition[];
  readonly entry: readonly number[];
  readonly exit: readonly number[];
  readonly onDone: number;
  readonly states: readonly RandomState[];
}

interface RandomTransition {
  readonly event: number;
  /** None: -1. */
  readonly target: number;
  readonly guard: number;
  readonly reenter: boolean;
  readonly actions: readonly number[];
}

export const EVENTS = ["e", "e.f", "g", "raised", "own", "late"] as const;
const DESCRIPTORS = ["e", "e.f", "g", "raised", "own", "late", "e.*", "*"];
const DELAYS = [10, 20, 20, 30];
const GUARDS = [undefined, undefined, "even", "small", "never"];

const ACTIONS = [
  assign(({ context }: { context: Context }) => ({ n: (context.n + 1) % 5 })),
  assign({ n: ({ context }: { context: Context }) => (2 * context.n + 1) % 5 }),
  emit(({ context }: { context: Context }) => ({ type: "told", n: context.n })),
  emit({ type: "said" }),
  raise({ type: "raised" }),
  raise({ type: "late" }, { delay: 15, id: "timer" }),
  raise({ type: "g" }, { delay: 25 }),
  raise({ type: "late" }, { delay: 5, id: "timer" }),
  cancel("timer"),
  enqueueActions(({ enqueue, context }) => {
    const { left } = context as Context;
    if (left === 0) return;
    enqueue.assign({ left: left - 1 });
    enqueue.sendTo(({ self }) => self, { type: "own" });
  }),
  sendTo(({ self }) => self, { type: "own" }, { delay: 12, id: "timer" }),
  enqueueActions(({ enqueue, context }) => {
    enqueue.assign({ n: (context as Context).n === 2 ? 0 : 2 });
    if ((context as Context).n > 1) enqueue.emit({ type: "queued" });
    else enqueue.raise({ type: "raised" });
  }),
];

const transition: fc.Arbitrary<RandomTransition> = fc.record({
  event: fc.nat(DESCRIPTORS.length - 1),
  target: fc.integer({ min: -1, max: 9 }),
  guard: fc.nat(GUARDS.length - 1),
  reenter: fc.boolean(),
  actions: fc.array(fc.nat(ACTIONS.length - 1), { maxLength: 2 }),
});

function stateOf(depth: number): fc.Arbitrary<RandomState> {
  const inner = depth > 0;
  const leaf = fc.constantFrom("atomic", "atomic", "atomic", "final", "shallow", "deep");
  const type = inner
    ? fc.constantFrom("atomic", "final", "compound", "compound", "parallel")
    : leaf;
  const few = (most: number) => fc.array(transition, { maxLength: most });
  return fc.record({
    type: type as fc.Arbitrary<RandomState["type"]>,
    on: few(3),
    always: fc.nat(5).chain((one) => few(one === 0 ? 1 : 0)),
    after: fc.nat(2).chain((one) => few(one === 0 ? 2 : 0)),
    entry: fc.array(fc.nat(ACTIONS.length - 1), { maxLength: 1 }),
    exit: fc.array(fc.nat(ACTIONS.length - 1), { maxLength: 1 }),
    onDone: fc.integer({ min: -1, max: 9 }),
    states: inner ? fc.array(stateOf(depth - 1), { minLength: 1, maxLength: 3 }) : fc.constant([]),
  });
}

export const randomMachines: fc.Arbitrary<RandomState> = fc
  .tuple(stateOf(2), fc.constantFrom("compound", "compound", "parallel"))
  .map(([state, type]) => ({ ...state, type: type as RandomState["type"] }))
  .filter(({ states }) => states.length > 0);

type Config = Record<string, unknown>;

export function machineOf(random: RandomState): AnyStateMachine {
  const ids: string[] = [];
  /** Numbers of states that a transition may lead to, in the order of a walk. */
  const number = (state: RandomState, name: string): void => {
    childrenOf(state).forEach((child, i) => {
      ids.push(`${name}${i}`);
      number(child, `${name}${i}`);
    });
  };
  number(random, "s");
  const config = configOf(random, "s", ids);
  delete config["id"];
  return createMachine(
    {
      ...config,
      id: "random",
      context: { n: 0, left: 3 },
      options: { maxIterations: 100 },
    } as never,
    {
      guards: {
        even: ({ context }: { context: Context }) => context.n % 2 === 0,
        small: ({ context }: { context: Context }) => context.n < 3,
        never: () => false,
      },
    } as never,
  );
}

function configOf(state: RandomState, id: string, ids: readonly string[]): Config {
  const isHistory = state.type === "shallow" || state.type === "deep";
  if (isHistory) return { id, type: "history", history: state.type };
  if (state.type === "final") return { id, type: "final", entry: actionsOf(state.entry) };
  const transitionOf = ({ target, guard, reenter, actions }: RandomTransition): Config => ({
    ...(target < 0 ? {} : { target: `#${ids[target % ids.length]}`, reenter }),
    ...(GUARDS[guard] === undefined ? {} : { guard: GUARDS[guard] }),
    actions: actionsOf(actions),
  });
  const by = (list: readonly RandomTransition[], names: readonly (string | number)[]): Config => {
    const grouped: Record<string, Config[]> = {};
    for (const one of list) {
      const key = String(names[one.event % names.length]);
      grouped[key] = [...(grouped[key] ?? []), transitionOf(one)];
    }
    return grouped;
  };
  const isWhole = state.type === "compound" || state.type === "parallel";
  const children = childrenOf(state);
  const real = children.findIndex(({ type }) => type !== "shallow" && type !== "deep");
  return {
    id,
    on: by(state.on, DESCRIPTORS),
    always: state.always.map(transitionOf),
    after: by(state.after, DELAYS),
    entry: actionsOf(state.entry),
    exit: actionsOf(state.exit),
    ...(isWhole
      ? {
          ...(state.type === "parallel" ? { type: "parallel" } : { initial: `c${real}` }),
          ...(state.onDone < 0 ? {} : { onDone: `#${ids[state.onDone % ids.length]}` }),
          states: Object.fromEntries(
            children.map((child, i) => [`c${i}`, configOf(child, `${id}${i}`, ids)]),
          ),
        }
      : {}),
  };
}

/** A compound state has a child that is real; the children of a parallel one all are, and none is final. */
function childrenOf({ type, states }: RandomState): readonly RandomState[] {
  if (type !== "compound" && type !== "parallel") return [];
  const atomic = (child: RandomState): RandomState => ({ ...child, type: "atomic" });
  const isReal = (child: RandomState) => ["atomic", "compound", "parallel"].includes(child.type);
  if (type === "parallel") return states.map((child) => (isReal(child) ? child : atomic(child)));
  return states.some(isReal) ? states : [atomic(states[0]!), ...states.slice(1)];
}

function actionsOf(numbers: readonly number[]) {
  return numbers.map((one) => ACTIONS[one]!);
}

interface Waiting {
  readonly step: number;
  readonly delay: number;
  readonly end: () => void;
}

/** What can be seen of an actor. */
export interface Seen {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly emitted: readonly AnyEventObject[];
  /** Delays of the timers that run: by start, and of one step by end. */
  readonly timers: readonly number[];
}

/** XState's own interpreter, with a clock whose timers end when they are told to. */
export class Reference {
  readonly #actor;
  #emitted: AnyEventObject[] = [];
  #waiting: Waiting[] = [];
  #step = 0;

  constructor(machine: AnyStateMachine) {
    const clock = {
      setTimeout: (end: () => void, delay: number): Waiting => {
        const waiting = { step: this.#step, delay, end };
        this.#waiting.push(waiting);
        return waiting;
      },
      clearTimeout: (id: Waiting) => {
        this.#waiting = this.#waiting.filter((one) => one !== id);
      },
    };
    this.#actor = createActor(machine, {
      clock: clock as never,
      // What it sends to itself is a step of its own.
      inspect: ({ type }) => {
        if (type === "@xstate.snapshot") this.#step++;
      },
    });
    this.#actor.on("*", (event) => this.#emitted.push(event as AnyEventObject));
    this.#actor.subscribe({ error: () => {} });
    this.#actor.start();
  }

  send(event: AnyEventObject): void {
    if (this.#actor.getSnapshot().status === "active") this.#actor.send(event);
  }

  #timers(): Waiting[] {
    return this.#waiting.toSorted((a, b) => a.step - b.step || a.delay - b.delay);
  }

  endTimer(position: number): void {
    const waiting = this.#timers()[position]!;
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    waiting.end();
  }

  get seen(): Seen {
    const { value, context, status } = this.#actor.getSnapshot();
    const emitted = this.#emitted;
    this.#emitted = [];
    // A machine that is done has no timers: XState cancels those that it can still find.
    const timers = status === "active" ? this.#timers().map(({ delay }) => delay) : [];
    return { value, context, status, emitted, timers };
  }
}
