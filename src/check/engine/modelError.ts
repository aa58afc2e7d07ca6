/**
 * What a model says of its steps is not so: a step touches memory that it does not declare, depends on what is
 * said to be no state, or never ends. Nothing that a search of such a model finds can be relied on, so it
 * ends the search.
 */
export class ModelError extends Error {
  static {
    ModelError.prototype.name = "ModelError";
  }
}
