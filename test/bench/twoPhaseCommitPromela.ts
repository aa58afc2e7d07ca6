/** Two-phase commit for SPIN: the model of src/check/models/twoPhaseCommit.ts, one option for each of its actions. */
export function twoPhaseCommitPromela(managers: number): string {
  const each = Array.from({ length: managers }, (_, manager) => manager);
  const options = each.flatMap((i) => [
    `:: d_step { transaction == WORKING && said[${i}] -> if :: !heard[${i}] -> heard[${i}] = true; noted++ :: else fi }`,
    `:: d_step { manager[${i}] == WORKING -> manager[${i}] = PREPARED; said[${i}] = true }`,
    `:: d_step { manager[${i}] == WORKING -> manager[${i}] = ABORTED }`,
    `:: d_step { commit -> manager[${i}] = COMMITTED }`,
    `:: d_step { abort_ -> manager[${i}] = ABORTED }`,
  ]);
  return `
#define WORKING 0
#define PREPARED 1
#define COMMITTED 2
#define ABORTED 3
byte transaction = WORKING;
byte manager[${managers}];
bool said[${managers}];
bool heard[${managers}];
bool commit, abort_;
byte noted;
active proctype everything() {
  do
  :: d_step { transaction == WORKING && noted == ${managers} -> transaction = COMMITTED; commit = true }
  :: d_step { transaction == WORKING -> transaction = ABORTED; abort_ = true }
  ${options.join("\n  ")}
  od
}
`;
}
