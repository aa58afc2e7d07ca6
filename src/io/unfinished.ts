/**
 * What has to be put right if the process ends in the middle of something: by a signal, by process.exit
 * or by a fault. Only SIGKILL and a crash of the machine leave it undone.
 */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

const pending = new Set<() => void>();

/**
 * Has something done when the process ends.
 * @returns undoes this: there is nothing to be put right any more
 */
export function atEndOfProcess(action: () => void): () => void {
  if (pending.size === 0) listen();
  pending.add(action);
  return () => {
    if (pending.delete(action) && pending.size === 0) unlisten();
  };
}

function finishAll(): void {
  for (const action of pending) {
    pending.delete(action);
    try {
      action();
    } catch {
      // The process is ending; what can be put right is, the rest cannot be told to anybody.
    }
  }
  unlisten();
}

/** A signal ends the process, unless somebody else has asked for it: then that one decides. */
function onSignal(signal: Signal): void {
  if (process.listenerCount(signal) > 1) return;
  finishAll();
  process.kill(process.pid, signal);
}

const handlers = SIGNALS.map((signal) => [signal, () => onSignal(signal)] as const);

function listen(): void {
  process.on("exit", finishAll);
  // Before all others: one that listens once is gone from the count when its turn has been.
  for (const [signal, handler] of handlers) process.prependListener(signal, handler);
}

function unlisten(): void {
  process.removeListener("exit", finishAll);
  for (const [signal, handler] of handlers) process.removeListener(signal, handler);
}
