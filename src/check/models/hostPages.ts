/**
 * A VMM that finds what was written by PAGEMAP_SCAN and by soft-dirty bits, while its guest writes, the host swaps, and
 * memory is discarded and mapped anew.
 */
import {
  clearSoftDirty,
  discard,
  type HostArea,
  type HostPageFault,
  hostArea,
  hostWrite,
  mapAgain,
  scanWritten,
  softDirtyPages,
  swapOut,
} from "../../hypervisor/hostPages.ts";
import type { Model } from "../engine/model.ts";
import { type CallState, callModel } from "./calls.ts";

interface State extends CallState {
  readonly area: HostArea;
  /** By page: its contents have changed since the last scan; since the bits were cleared. */
  readonly owedScan: readonly boolean[];
  readonly owedBits: readonly boolean[];
}

type Call =
  | { readonly type: "write" | "swapOut" | "discard"; readonly page: number }
  | { readonly type: "scan" | "readAndClearBits" | "mapAgain" };

export function hostPagesModel(pages: number, faults: readonly HostPageFault[]): Model {
  const all = Array.from({ length: pages }, (_, page) => page);
  const none = all.map(() => false);
  const calls: readonly Call[] = [
    ...all.flatMap((page): Call[] =>
      (["write", "swapOut", "discard"] as const).map((type) => ({ type, page })),
    ),
    { type: "scan" },
    { type: "readAndClearBits" },
    { type: "mapAgain" },
  ];
  const area = hostArea(pages, "WP_ASYNC");
  return callModel<State, Call>({
    name: "host-pages",
    callee: "host",
    initial: { area, owedScan: none, owedBits: none, lost: false },
    calls,
    perform: (state, call) => perform(state, call, faults),
    always: {},
    sometimes: {
      "a page is on the disk, with its mark": ({ area: { pages: now } }) =>
        now.some((one) => one.place === "swap" && one.softDirty),
    },
  });
}

function perform(state: State, call: Call, faults: readonly HostPageFault[]): State {
  const { area, owedScan, owedBits } = state;
  const changed = (next: HostArea, page: number): State => ({
    ...state,
    area: next,
    owedScan: owedScan.with(page, next.registered !== null),
    owedBits: owedBits.with(page, true),
  });
  const none = owedScan.map(() => false);
  switch (call.type) {
    case "write":
      return changed(hostWrite(area, call.page).area, call.page);
    case "discard":
      return changed(discard(area, call.page, faults), call.page);
    case "swapOut":
      return { ...state, area: swapOut(area, call.page, faults) };
    // Of memory that is registered nowhere a scan owes nothing: who maps anew registers anew.
    case "mapAgain":
      return {
        ...state,
        area: mapAgain(area, faults),
        owedScan: none,
        owedBits: none.map(() => true),
      };
    case "scan": {
      const { area: next, pages } = scanWritten(area, false);
      const lost = owedScan.some((owed, page) => owed && !pages.includes(page));
      return { ...state, area: next, owedScan: none, lost: state.lost || lost };
    }
    case "readAndClearBits": {
      const pages = softDirtyPages(area);
      const lost = owedBits.some((owed, page) => owed && !pages.includes(page));
      return { ...state, area: clearSoftDirty(area), owedBits: none, lost: state.lost || lost };
    }
  }
}
