/**
 * Random tests look at the same cases in every run, unless another seed is asked for: whoever changes
 * something learns what that change did. `TRACKVISOR_SEED=7 npm test` looks elsewhere.
 */
import fc from "fast-check";

const { TRACKVISOR_SEED: asked } = process.env;
const seed = asked === undefined ? 20261129 : Number(asked);
if (!Number.isSafeInteger(seed)) throw new Error(`TRACKVISOR_SEED: "${asked}" is not an integer`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
