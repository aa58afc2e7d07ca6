/** The tour, for somebody who has never heard of page logging: what is done, and what is said of it. */
import type { Script } from "./record.ts";

function times(count: number, key: string): readonly string[] {
  return Array<string>(count).fill(key);
}

export const TOUR: Script = {
  title: "trackvisor: what happens when a log of written pages is full",
  scenario: "sort-pml",
  columns: 100,
  rows: 25,
  scenes: [
    {
      caption: [
        "To move a virtual machine to another computer while it runs, its memory is copied, page by page;",
        "then, once more, every page that it has written meanwhile. So somebody has to know which pages",
        "were written. The processor can help. This is how, step by step.",
      ],
      hold: 15.5,
    },
    {
      keys: ["4"],
      caption: [
        "This is the machine's memory. Each sign stands for a few of its 940 pages.",
        "A dot: nobody has written them yet.",
      ],
      hold: 7.5,
    },
    {
      // The hypervisor has switched the log on.
      keys: [":seek #11", "2"],
      caption: [
        "And this is the log, in which the processor will note what is written. It has 512 entries.",
        "The index says which one is next: 511, then 510, and so on, down to 0.",
      ],
      hold: 10,
    },
    {
      keys: times(18, "n"),
      every: 0.5,
      caption: [
        "The machine runs. When it writes a page for the first time, the processor puts the page's address",
        "into the log. In the map: ◆. Nobody has to stop for that. The index goes down.",
      ],
      hold: 3.5,
    },
    {
      keys: ["f"],
      still: true,
      caption: [
        "512 pages have been written (five of them hold the machine's own page tables). The log is full.",
        "Now the machine wants to write another page. Where is that to be noted?",
      ],
      hold: 10.5,
    },
    {
      keys: ["7"],
      caption: [
        "On the left are now those who take part: gu is the machine's processor, lo the log, di and tr the",
        "hypervisor. Time goes down, arrows are messages. The last one says: there is no room in the log.",
      ],
      hold: 12,
    },
    {
      keys: ["n"],
      caption: [
        "So the page is not written, for nothing could be noted of it: the machine is stopped just before.",
      ],
      hold: 7,
    },
    {
      keys: ["n"],
      caption: [
        "The processor leaves the machine, and goes to the hypervisor. This is called a VM exit, and this is",
        "what a full log costs.",
      ],
      hold: 7.5,
    },
    {
      keys: ["n"],
      caption: [
        "The hypervisor copies the 512 addresses into a list of its own. In the map, ◆ has become ■.",
        "It sets the index back to 511: the log is empty again.",
      ],
      hold: 9.5,
    },
    {
      keys: ["n", "n"],
      every: 1.5,
      caption: [
        "All this has taken a quarter of a millisecond of the machine's time, as the clock above says.",
        "Everybody hears that it is done.",
      ],
      hold: 7,
    },
    {
      keys: ["n", "n"],
      every: 1.5,
      caption: [
        "The machine goes on, with the very write that was stopped. Now it can be noted: ◆ appears again.",
      ],
      hold: 6,
    },
    {
      keys: times(12, "n"),
      every: 0.5,
      caption: ["And so it goes on, until the log is full again."],
      hold: 2,
    },
    {
      caption: [
        "So, when a log fills: the machine is stopped before the write, the hypervisor empties the log, and",
        "the machine goes on. No page is lost. It costs one stop for 512 pages. How much is that? Try it:",
        "npx trackvisor tui",
      ],
      hold: 14,
    },
  ],
};
