/** Numbers as people read them. */

/** With commas between thousands. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}
