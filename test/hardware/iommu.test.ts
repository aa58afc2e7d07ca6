/** Dirty flags of an IOMMU (VT-d SSADS, AMD HDSup), as iommufd has them: what is noted, read, cleared and flushed. */
import { expect, it } from "vitest";
import {
  dmaWalk,
  flushIotlb,
  IommuDomain,
  mapForDma,
  startNoting,
  takeDirty,
} from "../../src/hardware/iommu.ts";

const P = 5;

function domainWith(...pages: readonly number[]): IommuDomain {
  const domain = new IommuDomain("domain", 64);
  for (const page of pages) mapForDma(domain, page);
  return domain;
}

function taken(domain: IommuDomain): number[] {
  const pages: number[] = [];
  takeDirty(domain, (page) => pages.push(page));
  return pages;
}

it("nothing from before tracking began is reported", () => {
  const domain = domainWith(P);
  dmaWalk(domain, P);
  startNoting(domain);
  expect(taken(domain)).toEqual([]);
});

it("a write is reported once, and again when it is done again after a flush", () => {
  const domain = domainWith(P, 40);
  startNoting(domain);
  dmaWalk(domain, P);
  dmaWalk(domain, 40);
  expect(taken(domain)).toEqual([P, 40]);
  flushIotlb(domain);
  expect(taken(domain)).toEqual([]);
  dmaWalk(domain, P);
  expect(taken(domain)).toEqual([P]);
});

it("flags that are cleared without a flush stay clear: the IOTLB has them set", () => {
  const domain = domainWith(P);
  startNoting(domain);
  dmaWalk(domain, P);
  expect(taken(domain)).toEqual([P]);
  dmaWalk(domain, P);
  expect(taken(domain)).toEqual([]);
  flushIotlb(domain);
  dmaWalk(domain, P);
  expect(taken(domain)).toEqual([P]);
});

it("what is mapped while tracking is on is noted", () => {
  const domain = domainWith();
  startNoting(domain);
  mapForDma(domain, P);
  dmaWalk(domain, P);
  expect(taken(domain)).toEqual([P]);
});
