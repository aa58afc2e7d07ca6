/** Tries ways to migrate: the policies with all seeds, the others with one, and those that are chosen with all. */
import {
  cheapestOf,
  fasterLinks,
  linkOf,
  type MigrationTerms,
  planBases,
  planWay,
  resultOfWay,
  termsOf,
  throttles,
  type Way,
  type WayResult,
} from "./migration.ts";
import { type MigrationAnswer, migrationAnswer } from "./migrationAnswer.ts";
import type { RunBook } from "./runBook.ts";
import type { Subject } from "./subject.ts";

/** Three policies, two throttles, four links: each a migration, the guests alone as long, and up to its start. */
export const MIGRATIONS_MOST = 9 * 3;

export async function askMigration(subject: Subject, book: RunBook): Promise<MigrationAnswer> {
  const terms = termsOf(subject);
  const policies = await tryWays([terms.standard, ...terms.otherPolicies], subject.seeds);
  const [standard] = policies;
  if (standard === undefined || !asksForMore(standard)) return migrationAnswer(terms, policies);
  const enough = standard.results[0]?.remedy?.throttle ?? null;
  const first = subject.seeds.slice(0, 1);
  const more = [
    ...(await tryWays(throttles(subject, enough), first)),
    ...(await linksUpTo(terms, first)),
  ];
  return migrationAnswer(terms, await confirmed([...policies, ...more]));

  async function tryWays(ways: readonly Way[], seeds: readonly number[]): Promise<WayResult[]> {
    const planned = ways.map((way) => ({ way, runs: planWay(subject, terms, way, seeds) }));
    const all = planned.flatMap(({ runs }) => runs);
    await book.do("migrations", all);
    await book.do("runs without migration", planBases(all, book));
    return planned.map(({ way, runs }) => resultOfWay(way, runs, terms, book));
  }

  /** One after the other, until one is enough. */
  async function linksUpTo(of: MigrationTerms, seeds: readonly number[]): Promise<WayResult[]> {
    const tried: WayResult[] = [];
    for (const link of fasterLinks(of)) {
      if (linkOf(tried) === null) tried.push(...(await tryWays([link], seeds)));
    }
    return tried;
  }

  /** What is chosen was done with all seeds: another seed may make another choice. */
  async function confirmed(results: readonly WayResult[]): Promise<readonly WayResult[]> {
    const open = [cheapestOf(results), linkOf(results)].find(
      (one) => one !== null && one.runs.length < subject.seeds.length,
    );
    if (open === null || open === undefined) return results;
    const [whole] = await tryWays([open.way], subject.seeds);
    if (whole === undefined) throw new Error("a way that was tried has no result");
    return confirmed(results.map((one) => (one === open ? whole : one)));
  }
}

/** Whether other ways are worth a try: not where all is well, and not where runs do not tell. */
function asksForMore({ verdict }: WayResult): boolean {
  return verdict !== "meets" && verdict !== "unknown";
}
