import { pathText } from "./config/fieldPath.ts";

/**
 * A mistake in what the user gave: an argument, a file, a scenario. The command line prints its
 * message as one line, without a stack, and ends with exit code 2.
 */
export class UserError extends Error {
  static {
    UserError.prototype.name = "UserError";
  }
}

/**
 * A mistake in a field of a scenario that shows only when the whole is put together. Who read the
 * scenario from a file can say in which line the field is.
 */
export class FieldError extends UserError {
  static {
    FieldError.prototype.name = "FieldError";
  }

  readonly path: readonly PropertyKey[];

  /** @param message without the field's name unless the message alone would not be understood */
  constructor(path: readonly PropertyKey[], message: string) {
    super(message);
    this.path = path;
  }
}

/** A mistake in a field, named as the messages for files name it. */
export function fieldError(path: readonly PropertyKey[], message: string): FieldError {
  return new FieldError(path, `${pathText(path)}: ${message}`);
}
