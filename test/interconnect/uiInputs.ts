/** Events of the terminal UI's machine, for the contract test. */
import { AT_START } from "../../src/tui/arrangement.ts";
import { uiMachine } from "../../src/tui/uiMachine.ts";
import type { MachineCase, Payload } from "./machineCase.ts";

const none: Payload = () => ({});

export const uiCase: MachineCase = {
  machine: uiMachine,
  input: { panels: ["machine", "stream", "lanes", "pages"], places: ["m", "s", "s", "p"] },
  events: {
    focus: (n) => ({ by: (n % 3) - 1 }),
    turn: (n) => ({ by: (n % 3) - 1 }),
    choosePanel: (n) => ({ panel: n % 4 }),
    fold: none,
    choosePage: (n) => ({ page: n }),
    magnify: (n) => ({ by: (n % 3) - 1, limit: 4 }),
    point: (n) => ({ position: 1 + n }),
    zoom: none,
    openArranging: none,
    arrange: () => ({ arrangements: AT_START }),
    grip: () => ({ grip: null }),
    openHelp: none,
    openPalette: (n) => ({ text: ["", "seek "][n % 2] }),
    openFilter: () => ({ text: "" }),
    openTyping: none,
    openActors: none,
    openChart: (n) => ({ actor: n }),
    chooseBreak: (n) => ({ by: (n % 3) - 1, limit: 1 + (n % 3) }),
    ask: (n) => ({ question: `question ${n % 2}` }),
    openMessage: (n) => ({ position: 1 + n }),
    close: none,
    type: (n) => ({ text: "step"[n % 4] }),
    erase: none,
    submit: none,
    move: (n) => ({ by: (n % 5) - 2, limit: 5 }),
    scroll: (n) => ({ by: (n % 3) - 1 }),
    follow: none,
    chooseVm: (n) => ({ vm: n % 2 }),
  },
};
