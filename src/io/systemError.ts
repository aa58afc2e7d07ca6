/** What the operating system said, for a message: "no such file or directory". */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's messages are "ENOENT: no such file or directory, open 'x'".
  const match = /^[A-Z]+: ([^,]+)(?:,|$)/.exec(error.message);
  return match?.[1] ?? error.message;
}

/** Its short name, such as "ENOENT"; empty if the error is not the operating system's. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
