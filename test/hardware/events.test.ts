import { expect, it } from "vitest";
import { describeEvent, eventInformation } from "../../src/hardware/eventInformation.ts";
import { takeInterruptedEvent } from "../../src/hardware/events.ts";
import { BLOCKING_BY_NMI, Field, readField, Vmcs, writeField } from "../../src/hardware/vmcs.ts";

it("encodes and names interruption information", () => {
  expect(eventInformation("externalInterrupt", 0x31) >>> 0).toBe(0x80000031);
  expect(eventInformation("nmi", 2) >>> 0).toBe(0x80000202);
  expect(eventInformation("exception", 14, true) >>> 0).toBe(0x80000b0e);
  expect(describeEvent(eventInformation("exception", 14, true))).toEqual({
    type: "exception",
    vector: 14,
  });
  expect(describeEvent(0x31)).toBeNull();
  expect(describeEvent(0x80000431 | 0)).toEqual({ type: null, vector: 0x31 });
});

it("takes an interrupted event once, and undoes the blocking of an NMI only", () => {
  const vmcs = new Vmcs("v");
  for (const [type, left] of [
    ["nmi", 0],
    ["externalInterrupt", BLOCKING_BY_NMI],
  ] as const) {
    const information = eventInformation(type, 2);
    writeField(vmcs, Field.guestInterruptibility, BLOCKING_BY_NMI);
    writeField(vmcs, Field.idtVectoringInformation, information, 0);
    expect(takeInterruptedEvent(vmcs)).toBe(information);
    expect(takeInterruptedEvent(vmcs)).toBe(0);
    expect(readField(vmcs, Field.guestInterruptibility)).toBe(left);
  }
});
