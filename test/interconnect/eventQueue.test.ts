/** The queue against the plainest model: an array sorted by (time, sequence). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue } from "../../src/interconnect/eventQueue.ts";
import type { Delivery, Message } from "../../src/interconnect/messages.ts";

class Model {
  readonly #entries: Delivery[] = [];

  push(delivery: Delivery): void {
    this.#entries.push(delivery);
    this.#entries.sort((a, b) => a.time - b.time || a.sequence - b.sequence);
  }

  pop(): Delivery | undefined {
    return this.#entries.shift();
  }

  list(): readonly Delivery[] {
    return this.#entries;
  }

  nextTimeExcept(type: string): number {
    const first = this.#entries.find(({ message }) => message.type !== type);
    return first?.time ?? Number.POSITIVE_INFINITY;
  }
}

const MESSAGES: readonly Message[] = [{ type: "continueGuest" }, { type: "kick" }];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      delay: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(1_000_000)),
      message: fc.constantFrom(...MESSAGES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pop" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("list" as const, "restore" as const) }) },
);

describe("the event queue", () => {
  it("delivers in order of time, then of posting", () => {
    let pops = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        let queue = new EventQueue();
        const model = new Model();
        let now = 0;
        let sequence = 0;
        for (const action of steps) {
          switch (action.do) {
            case "push": {
              const { message, delay } = action;
              const time = now + delay;
              const delivery = { sequence: ++sequence, time, from: 0, to: 1, message };
              queue.push(delivery, now);
              model.push(delivery);
              break;
            }
            case "pop": {
              const expected = model.pop();
              expect(queue.pop()).toEqual(expected);
              now = expected?.time ?? now;
              pops++;
              break;
            }
            case "list":
              expect(queue.list()).toEqual(model.list());
              break;
            case "restore": {
              // Into a queue that held something else.
              const other = new EventQueue();
              other.push({ sequence: 0, time: 0, from: 0, to: 1, message: MESSAGES[0]! }, 0);
              other.restore(queue.list());
              queue = other;
              break;
            }
          }
          expect(queue.size).toBe(model.list().length);
          expect(queue.nextTimeExcept("continueGuest")).toBe(model.nextTimeExcept("continueGuest"));
          expect(queue.nextTimeExcept("deadline")).toBe(model.nextTimeExcept("deadline"));
        }
        for (let rest = model.pop(); rest !== undefined; rest = model.pop()) {
          expect(queue.pop()).toEqual(rest);
        }
        expect(queue.pop()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    expect(pops).toBeGreaterThan(1000);
  });

  it("keeps the order of a thousand messages without delay", () => {
    const queue = new EventQueue();
    for (let sequence = 1; sequence <= 1000; sequence++) {
      queue.push({ sequence, time: 5, from: 0, to: 1, message: { type: "kick" } }, 5);
      if (sequence % 3 === 0) expect(queue.pop()!.sequence).toBe(sequence / 3);
    }
    for (let sequence = 334; sequence <= 1000; sequence++) {
      expect(queue.pop()!.sequence).toBe(sequence);
    }
  });

  it("hands out a list that is detached from it", () => {
    const queue = new EventQueue();
    queue.push({ sequence: 1, time: 0, from: 0, to: 1, message: { type: "kick" } }, 0);
    const list = queue.list();
    const copy = new EventQueue();
    copy.restore(list);
    copy.pop();
    copy.push({ sequence: 2, time: 0, from: 0, to: 1, message: { type: "kick" } }, 0);
    expect(list).toHaveLength(1);
    expect(queue.size).toBe(1);
  });
});
