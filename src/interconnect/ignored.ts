/**
 * The transition of a state for an event that it ignores on purpose. Whatever else a machine has no
 * transition for is an error (compiledLogic.ts), so that nothing is dropped by oversight.
 */

/** Whether a transition of a definition does nothing: neither moves the machine nor has actions. */
export function isIgnored(transition: unknown): boolean {
  if (typeof transition !== "object" || transition === null || Array.isArray(transition))
    return false;
  const { target, actions }: { readonly target?: unknown; readonly actions?: unknown } = transition;
  return (target ?? actions) === undefined;
}

/** @param reason why nobody is stranded by it: one phrase, for the machine's state table too */
export function ignored(reason: string): { readonly description: string } {
  return { description: reason };
}
