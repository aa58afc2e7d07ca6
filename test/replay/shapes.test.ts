/** What a message is written by in a log: none may be taken for another that has fields more. */
import { expect, it } from "vitest";
import {
  type Delivery,
  MESSAGES,
  type Message,
  messages,
} from "../../src/interconnect/messages.ts";
import { ShapeTable } from "../../src/replay/messageShapes.ts";

const NUMBERS = new Float64Array(100);

function delivery(type: string, fields: readonly string[]): Delivery {
  const message = Object.fromEntries([
    ["type", type],
    ...fields.map((name) => [name, 1]),
  ]) as Message;
  return { sequence: 1, time: 1, from: 2, to: 3, message };
}

/** Every choice among the optional fields. */
function choices(names: readonly string[]): string[][] {
  const [first, ...rest] = names;
  if (first === undefined) return [[]];
  return choices(rest).flatMap((some) => [some, [first, ...some]]);
}

const TYPES = Object.keys(MESSAGES).filter((type) => messages.optionalOf(type).length > 0);

it("some messages have fields that they may lack", () => {
  expect(TYPES).toContain("harvest");
  expect(messages.optionalOf("harvest")).toEqual(expect.arrayContaining(["live"]));
});

it.each(TYPES)(
  "%s is of another shape with each choice of its optional fields, whichever came first",
  (type) => {
    const optional = messages.optionalOf(type);
    const names = Object.keys(messages.fieldsOf(type)!);
    const needed = names.filter((name) => !optional.includes(name));
    const all = choices(optional).map((some) => [...needed, ...some]);
    for (const order of [all, all.toReversed()]) {
      const table = new ShapeTable();
      const shapes = order.map((fields) => table.find(delivery(type, fields), NUMBERS));
      expect(new Set(shapes).size).toBe(all.length);
      // And each is found again.
      expect(order.map((fields) => table.find(delivery(type, fields), NUMBERS))).toEqual(shapes);
    }
  },
);
