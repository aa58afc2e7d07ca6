/**
 * A mistake in what the user gave: an argument, a file, a scenario. The command line prints its
 * message as one line, without a stack, and ends with exit code 2.
 */
export class UserError extends Error {}
