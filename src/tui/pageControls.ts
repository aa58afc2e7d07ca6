/** What commands do with the cursor of the map of pages. */
import { UserError } from "../errors.ts";
import { parsePage } from "../session/breakpoints.ts";
import type { Session } from "../session/session.ts";
import { PANELS } from "./panels/all.ts";
import { choosePage } from "./panels/pages.ts";
import type { ScreenState } from "./screenState.ts";
import type { Ui } from "./ui.ts";

/** Four to this power are more pages than a VM can have in a cell. */
const MAGNIFIED_MAX = 20;

export class PageControls {
  readonly #session: Session;
  readonly #ui: Ui;
  readonly #seen: () => ScreenState;

  constructor(session: Session, ui: Ui, seen: () => ScreenState) {
    this.#session = session;
    this.#ui = ui;
    this.#seen = seen;
  }

  move(cells: number): void {
    this.#ui.send(choosePage(this.#seen(), cells));
  }

  /** @throws UserError */
  choose(text: string): void {
    const { vm, page } = parsePage("page", text, this.#session.system);
    if (vm !== this.#ui.context.vm) this.#ui.send({ type: "chooseVm", vm });
    this.#ui.send({ type: "choosePage", page });
    this.#ui.focusOn(PANELS.findIndex(({ name }) => name === "page"));
    this.#ui.focusOn(PANELS.findIndex(({ name }) => name === "pages"));
  }

  magnify(by: number): void {
    const { heat } = this.#seen().frame;
    const limit = heat.pagesPerCell === 1 ? this.#ui.context.magnified : MAGNIFIED_MAX;
    this.#ui.send({ type: "magnify", by, limit });
  }

  /** @throws UserError if there is no cursor */
  get chosen(): { readonly vm: number; readonly page: number } {
    const { vm, page } = this.#ui.context;
    if (page < 0) throw new UserError("no page is chosen: P, or 4 and then up, down");
    return { vm, page };
  }
}
