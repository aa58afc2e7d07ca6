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

interface Problem {
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
  const path = packagePath("dist", "workloads", "guests", `${script}.js`);
  if (path === null) throw new UserError("the program is not built: npm run build");
  const answered = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  const data: ThreadData<Order> = { order, port: port2, answered };
  const worker = new Worker(path, {
    workerData: data,
    transferList: [port2],
    // Nothing of this process's is the guest's.
    argv: [],
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // It has answered by then.
  worker.on("error", () => {});
  Atomics.wait(new Int32Array(answered), 0, 0);
  const received = receiveMessageOnPort(port1);
  port1.close();
  void worker.terminate();
  const answer: Answer<Reply> | undefined = received?.message;
  if (answer === undefined) throw new UserError(`${name}: the guest's thread has ended`);
  if ("problem" in answer) throw new UserError(`${name}: ${answer.problem}`);
  return answer.reply;
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
  // What a package throws where nobody waits for it, and a thread that a package ends: somebody waits for an answer.
  let last: unknown = "it has ended its thread";
  process.on("uncaughtExceptionMonitor", (error) => {
    last = error;
  });
  process.on("exit", () => answer(problem(last)));
  try {
    answer({ reply: await action(order) });
  } catch (error) {
    answer(problem(error));
  }
}

function problem(error: unknown): Problem {
  if (error instanceof UserError) return { problem: error.message };
  return { problem: `cannot be run: ${error instanceof Error ? error.message : String(error)}` };
}
