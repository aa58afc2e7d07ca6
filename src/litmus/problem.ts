/** A mistake in a litmus test that only shows when the machine is built or a step is taken. */
export class LitmusProblem extends Error {
  /** The part of the test it is about. */
  readonly path: readonly PropertyKey[];

  constructor(path: readonly PropertyKey[], message: string) {
    super(message);
    this.path = path;
  }
}
