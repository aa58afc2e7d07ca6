/** What commands do with the message under the cursor: it is opened, followed to its cause or effect, and drawn as a chart. */
import { UserError } from "../errors.ts";
import type { Session } from "../session/session.ts";
import type { ScreenState } from "./screenState.ts";
import type { Ui } from "./ui.ts";

export class MessageControls {
  readonly #session: Session;
  readonly #ui: Ui;
  readonly #seen: () => ScreenState;
  readonly #warn: (text: string) => void;

  /** @param warn is told in a sentence why there is nothing to go to */
  constructor(session: Session, ui: Ui, seen: () => ScreenState, warn: (text: string) => void) {
    this.#session = session;
    this.#ui = ui;
    this.#seen = seen;
    this.#warn = warn;
  }

  /** @throws UserError if there is none */
  open(): void {
    if (this.#ui.mode !== "panels") return;
    const entry = this.#seen().frame.stream.at(-1);
    if (entry === undefined) throw new UserError("there is no message yet (space runs)");
    this.#ui.send({ type: "openMessage", position: entry.position });
  }

  /** Of who gets it, or of the actor that is chosen. @throws UserError if there is none */
  openChart(): void {
    if (this.#ui.mode === "actors") this.#ui.send({ type: "openChart" });
    else this.#openChartOf(this.#selected());
  }

  follow(way: "cause" | "effect"): void {
    const { ring, position } = this.#session;
    const { cursor } = this.#ui.context;
    const from = cursor < 0 ? position : cursor;
    const to = way === "cause" ? ring.causeOf(from) : ring.effectsOf(from, position)[0];
    if (typeof to === "number") {
      this.#ui.send({ type: "point", position: to });
      if (this.#ui.mode === "chart") this.#openChartOf(to);
    } else if (way === "cause") this.#warn("it came from outside, or its cause is no longer kept");
    else this.#warn("nothing that it caused has been delivered yet");
  }

  #openChartOf(position: number): void {
    const delivery = this.#session.ring.delivery(position);
    if (delivery === undefined)
      throw new UserError("there is no message under the cursor (space runs)");
    this.#ui.send({ type: "openChart", actor: delivery.to - 1 });
  }

  /** Position of the message under the cursor. */
  #selected(): number {
    const { cursor } = this.#ui.context;
    return cursor < 0 ? (this.#seen().frame.stream.at(-1)?.position ?? 0) : cursor;
  }
}
