/** What commands do with breakpoints: a new one, one on or off, one or all removed. */
import { UserError } from "../errors.ts";
import type { Session } from "../session/session.ts";
import type { BreakOrders } from "./command.ts";
import { breaksPanel, chosenBreak } from "./panels/breaks.ts";
import type { ScreenState } from "./screenState.ts";

export interface BreakListener {
  say(text: string, style: "good"): void;
}

export class BreakControls implements BreakOrders {
  readonly #session: Session;
  readonly #seen: () => ScreenState;
  readonly #listener: BreakListener;

  constructor(session: Session, seen: () => ScreenState, listener: BreakListener) {
    this.#session = session;
    this.#seen = seen;
    this.#listener = listener;
  }

  add(text: string): void {
    this.#session.addBreakpoint(text);
    this.#listener.say(`breakpoint: ${text}`, "good");
  }

  toggle(number: string): void {
    const at = this.#numbered("toggle-break", number);
    const { text, on } = this.#at(at);
    this.#session.setBreakpoint(at, !on);
    this.#listener.say(`breakpoint ${on ? "off" : "on"}: ${text}`, "good");
  }

  remove(number: string): void {
    const at = this.#numbered("remove-break", number);
    const { text } = this.#at(at);
    this.#session.removeBreakpoints(at);
    this.#listener.say(`no breakpoint any more: ${text}`, "good");
  }

  removeAll(): void {
    this.#session.removeBreakpoints();
    this.#listener.say("no breakpoints", "good");
  }

  #at(at: number): { readonly text: string; readonly on: boolean } {
    const found = this.#session.breakpointFrames()[at];
    if (found === undefined) throw new UserError("there is no such breakpoint: L lists them");
    return found;
  }

  /** From 0. One that is chosen by a cursor has to be in view. */
  #numbered(command: string, text: string): number {
    if (text !== "") {
      if (!/^\d+$/.test(text)) throw new UserError(`${command}: expected a number of the list (L)`);
      return Number(text) - 1;
    }
    const seen = this.#seen();
    const { fronts } = seen.ui;
    if (!fronts.includes(breaksPanel.name)) {
      throw new UserError(`${command}: L shows the breakpoints; or ${command} NUMBER`);
    }
    return chosenBreak(seen);
  }
}
