import { type FieldPath, pathText } from "./config/fieldPath.ts";

/**
 * A mistake in what the user gave: an argument, a file, a scenario. The command line prints its
 * message as one line, without a stack, and ends with exit code 2.
 */
export class UserError extends Error {
  static {
    UserError.prototype.name = "UserError";
  }

  /** What is printed, a line each: several where several mistakes were found at once. */
  readonly lines: readonly string[];

  constructor(message: string | readonly string[], options?: ErrorOptions) {
    const lines = typeof message === "string" ? [message] : message;
    super(lines.join("\n"), options);
    this.lines = lines;
  }
}

/** A mistake in a field. */
export interface Problem {
  readonly path: FieldPath;
  /** Without the field's name if the message alone is understood. */
  readonly message: string;
}

/**
 * Mistakes in fields of a scenario that show only when the whole is put together. Who read the scenario from a file can
 * say in which line each field is.
 */
export class FieldError extends UserError {
  static {
    FieldError.prototype.name = "FieldError";
  }

  readonly path: FieldPath;
  /** All of them: the first is the one of `path`. */
  readonly problems: readonly Problem[];

  /** @param message without the field's name unless the message alone would not be understood */
  constructor(
    path: FieldPath,
    message: string,
    problems: readonly Problem[] = [{ path, message }],
  ) {
    super(problems.map((problem) => problem.message));
    this.path = path;
    this.problems = problems;
  }
}

/** All that is wrong, in the order in which it was found. */
export class Problems {
  readonly #found: Problem[];
  readonly #placed: (path: FieldPath) => FieldPath;

  constructor(found: Problem[] = [], placed: (path: FieldPath) => FieldPath = (path) => path) {
    this.#found = found;
    this.#placed = placed;
  }

  get found(): readonly Problem[] {
    return this.#found;
  }

  /** The field is named as messages for files name it. */
  add(path: FieldPath, message: string): void {
    this.addWhole(path, `${pathText(this.#placed(path))}: ${message}`);
  }

  /** @param message says by itself what it is about */
  addWhole(path: FieldPath, message: string): void {
    this.#found.push({ path: this.#placed(path), message });
  }

  /** The same list, for somebody whose fields lie one level deeper: in `field` of `section`, and not in `section`. */
  within(section: string, field: string): Problems {
    const placed = this.#placed;
    return new Problems(this.#found, ([first, ...rest]) =>
      placed(
        first === section ? [section, field, ...rest] : first === undefined ? [] : [first, ...rest],
      ),
    );
  }

  /** @throws FieldError if something is wrong */
  refuse(): void {
    const [first] = this.#found;
    if (first !== undefined) throw new FieldError(first.path, first.message, this.#found);
  }
}
