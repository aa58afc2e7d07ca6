/** What the operating system said, for a message: "no such file or directory". */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's messages are "ENOENT: no such file or directory, open 'x'".
  const match = /^[A-Z]+: ([^,]+),/.exec(error.message);
  return match?.[1] ?? error.message;
}
