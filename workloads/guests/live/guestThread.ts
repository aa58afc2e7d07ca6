/**
 * A live guest in a thread of its own, as its run sees it: block after block, on demand. What it says beside its stream,
 * its states and how it has ended, comes by a port, before the block from which on it holds.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
  workerData,
} from "node:worker_threads";
import { UserError } from "../../../src/errors.ts";
import { PAGE_BYTES } from "../tap/notes.ts";
import { guestThread, type Problem, problem, whenItEnds } from "../thread.ts";
import { BlockWriter } from "./blockWriter.ts";
import { Ask, Channel, type LiveBlock, type TypedText } from "./channel.ts";

/** A guest at the beginning of a block: from there on it can be run again. */
export interface GuestState<State> {
  readonly block: number;
  readonly state: State;
}

/** How a guest has ended. */
export interface GuestEnd {
  /** Undefined if a limit has ended it. */
  readonly exitCode: number | undefined;
}

type Told<State> =
  | { readonly state: GuestState<State> }
  | { readonly suspended: State }
  | { readonly end: GuestEnd }
  | Problem;

interface LiveData<Order> {
  readonly order: Order;
  readonly port: MessagePort;
  readonly buffer: SharedArrayBuffer;
  readonly first: number;
}

/** A guest that nobody asks any more has no use for its thread. No result depends on when that is seen. */
const forgotten = new FinalizationRegistry<Worker>((worker) => void worker.terminate());

/** What a thread is begun with. */
interface ThreadOrder<Order> {
  /** Its module, below workloads/guests, without its ending. */
  readonly script: string;
  /** Of the guest, for messages. */
  readonly name: string;
  readonly order: Order;
  /** The number of the block that it begins with, and what is typed from there on. */
  readonly first: number;
  readonly typed: readonly TypedText[];
}

export class GuestThread<Order, State> {
  readonly #name: string;
  readonly #channel = new Channel();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #onState: (state: GuestState<State>) => void;
  #end: GuestEnd | undefined;
  #suspended: State | undefined;

  /** @param onState takes the states that the guest is in at the beginning of blocks */
  constructor(
    { script, name, order, first, typed }: ThreadOrder<Order>,
    onState: (state: GuestState<State>) => void,
  ) {
    this.#name = name;
    this.#onState = onState;
    this.#channel.beginAt(first);
    for (const text of typed) this.type(text);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { buffer } = this.#channel;
    const data: LiveData<Order> = { order, port: port2, buffer, first };
    this.#worker = guestThread(script, data, port2);
    this.#worker.unref();
    port1.unref();
    forgotten.register(this, this.#worker, this);
  }

  /** How it has ended, once take() has said that it has. */
  get end(): GuestEnd | undefined {
    return this.#end;
  }

  /** Waits for a block; false if the guest has ended before it. @throws UserError, one line: what went wrong */
  take(index: number, into: LiveBlock): boolean {
    const isThere = this.#channel.take(index, into);
    this.#listen();
    if (isThere) return true;
    if (this.#end === undefined) throw new UserError(`${this.#name}: the guest's thread has ended`);
    return false;
  }

  /** The bytes of some pages of its memory, at most ASKED_PAGES, as it waits between two steps; valid until the next call. */
  read(pages: readonly number[]): Uint8Array {
    this.#ask(Ask.pages, pages);
    return this.#channel.answeredBytes.subarray(0, PAGE_BYTES * pages.length);
  }

  /** The state of its machine, without its memory. */
  suspend(): State {
    this.#ask(Ask.state);
    if (this.#suspended === undefined) throw new Error(`${this.#name} has no state`);
    return this.#suspended;
  }

  #ask(what: number, pages: readonly number[] = []): void {
    const isAnswered = this.#channel.ask(what, pages);
    this.#listen();
    if (!isAnswered) throw new UserError(`${this.#name}: the guest's thread has ended`);
  }

  /** @throws UserError if it is too much */
  type(text: TypedText): void {
    if (!this.#channel.type(text)) {
      throw new UserError(`${this.#name}: more has been typed than a console takes`);
    }
  }

  /** It is of no use any more. */
  close(): void {
    forgotten.unregister(this);
    this.#port.close();
    void this.#worker.terminate();
  }

  #listen(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      const told: Told<State> = received.message;
      if ("problem" in told) throw new UserError(`${this.#name}: ${told.problem}`);
      if ("state" in told) this.#onState(told.state);
      else if ("suspended" in told) this.#suspended = told.suspended;
      else this.#end = told.end;
    }
  }
}

/** What a guest in its thread finds around it. */
export interface LiveSurroundings<Order, State> {
  readonly order: Order;
  /** Takes its stream. */
  readonly writer: BlockWriter;
  /** Takes a state that it is in at the beginning of the writer's block. */
  readonly keep: (state: State) => void;
  /** A step of its machine is over: here it waits for the run, which may want to know of it. */
  readonly stepOver: (machine: WholeMachine<State>) => void;
}

/** A machine between two steps. */
export interface WholeMachine<State> {
  /** The bytes of a page of its guest's memory, valid until it goes on. */
  readonly page: (page: number) => Uint8Array;
  /** Its state without that. */
  readonly state: () => State;
}

/** In the thread: runs a guest to its end. */
export async function live<Order, State>(
  run: (around: LiveSurroundings<Order, State>) => Promise<GuestEnd>,
): Promise<void> {
  const { order, port, buffer, first }: LiveData<Order> = workerData;
  const channel = new Channel(buffer);
  const writer = new BlockWriter(channel, first);
  const tell = (told: Told<State>): void => port.postMessage(told);
  const keep = (state: State): void => tell({ state: { block: writer.index, state } });
  let whole: WholeMachine<State> | undefined;
  const answer = (what: number, pages: Int32Array): void => {
    if (whole === undefined) throw new Error("it has not begun");
    if (what === Ask.state) tell({ suspended: whole.state() });
    else {
      for (const [i, page] of pages.entries()) {
        channel.answeredBytes.set(whole.page(page), PAGE_BYTES * i);
      }
    }
  };
  const stepOver = (machine: WholeMachine<State>): void => {
    whole = machine;
    writer.stepOver(answer);
  };
  let isOver = false;
  const failed = (error: unknown): void => {
    if (isOver) return;
    isOver = true;
    tell(problem(error));
    channel.end(channel.filled);
    channel.hangUp();
  };
  whenItEnds(failed);
  try {
    const end = await run({ order, writer, keep, stepOver });
    isOver = true;
    tell({ end });
    writer.finish();
    if (whole !== undefined) writer.remain(answer);
  } catch (error) {
    failed(error);
  }
}
