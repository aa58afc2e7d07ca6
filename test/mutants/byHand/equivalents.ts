/** Mutants that do the same as the program, by name, with the argument. */
export const EQUIVALENTS: Readonly<Record<string, string>> = {};
