/** What a console shows, line by line. */
export function guestConsole(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString("utf8").split("\n");
}
