/** Whether there is a screen to move about on, and somebody to press keys. */
export function interactive(): boolean {
  if (process.env["TERM"] === "dumb") return false;
  return process.stdout.isTTY === true && process.stdin.isTTY === true;
}
