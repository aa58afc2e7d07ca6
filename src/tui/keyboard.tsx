/**
 * What Ink does here: it has the terminal's input, in raw mode, and tells keys from it. It draws nothing; why:
 * docs/decisions/0001-screen.md.
 */
import { type Key, useInput } from "ink";

/** @param onKey what was typed, and which special key it was (Ink's useInput) */
export function Keyboard({ onKey }: { readonly onKey: (input: string, key: Key) => void }): null {
  useInput(onKey);
  return null;
}
