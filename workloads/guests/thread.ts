/**
 * A thread of a guest: does one thing, answers, and is ended. Whoever asks waits for the answer: guests are run where a
 * system is built, and that waits for nobody.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from "node:worker_threads";
import { UserError } from "../../src/errors.ts";
import { packagePath } from "../../src/io/packageFiles.ts";

interface ThreadData<Order> {
  readonly order: Order;
  readonly port: MessagePort;
  /** One word: 0 until the answer is there. */
  readonly answered: SharedArrayBuffer;
}

export interface Problem {
  readonly problem: string;
}
/** What a thread sends back: what it was asked for, or why there is none. */
type Answer<Reply> = { readonly reply: Reply } | Problem;

/**
 * @param script the thread's module, below workloads/guests, without its ending
 * @param name of the guest, for messages
 * @throws UserError, one line: what the thread found wrong, or that it ended without an answer
 */
export function askThread<Order, Reply>(script: string, name: string, order: Order): Reply {
  const answered = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  const data: ThreadData<Order> = { order, port: port2, answered };
  const worker = guestThread(script, data, port2);
  Atomics.wait(new Int32Array(answered), 0, 0);
  const received = receiveMessageOnPort(port1);
  port1.close();
  void worker.terminate();
  const answer: Answer<Reply> | undefined = received?.message;
  if (answer === undefined) throw new UserError(`${name}: the guest's thread has ended`);
  if ("problem" in answer) throw new UserError(`${name}: ${answer.problem}`);
  return answer.reply;
}

/**
 * A thread of a guest, in which nothing is of this process.
 * @param script its module, below workloads/guests, without its ending
 * @throws UserError if there is none
 */
export function guestThread(script: string, data: unknown, port: MessagePort): Worker {
  const path = packagePath("dist", "workloads", "guests", `${script}.js`);
  if (path === null) throw new UserError("the program is not built: npm run build");
  const worker = new Worker(path, {
    workerData: data,
    transferList: [port],
    argv: [],
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // It has said so by then.
  worker.on("error", () => {});
  return worker;
}

/** In the thread: does what was asked for, and answers. */
export async function answerOnce<Order, Reply>(
  action: (order: Order) => Promise<Reply>,
): Promise<void> {
  const { order, port, answered }: ThreadData<Order> = workerData;
  const flag = new Int32Array(answered);
  const answer = (given: Answer<Reply>): void => {
    if (Atomics.load(flag, 0) !== 0) return;
    port.postMessage(given);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  whenItEnds((error) => answer(problem(error)));
  try {
    answer({ reply: await action(order) });
  } catch (error) {
    answer(problem(error));
  }
}

/** In the thread: somebody waits, so that he is told of what a package throws where nobody waits for it, or ends the thread. */
export function whenItEnds(tell: (why: unknown) => void): void {
  let last: unknown = "it has ended its thread";
  process.on("uncaughtExceptionMonitor", (error) => {
    last = error;
  });
  process.on("exit", () => tell(last));
}

/** What is told of a guest that cannot go on. */
export function problem(error: unknown): Problem {
  if (error instanceof UserError) return { problem: error.message };
  return { problem: `cannot be run: ${error instanceof Error ? error.message : String(error)}` };
}
