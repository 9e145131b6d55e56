import type { ToldEvent } from "../data/wire.ts";

/* Events and what each led to, as a tree. */

export interface Twig {
  event: ToldEvent;
  depth: number;
  /** For each level it is set in by: whether the line goes on past this row. */
  rails: readonly boolean[];
}

/**
 * Rows of the tree, from the first cause on, each above what came of it. What came last goes straight on below; what came besides is set in, so that a long chain stays
 * where it can be read.
 */
export function treeOf(events: readonly ToldEvent[]): Twig[] {
  const known = new Set(events.map(({ id }) => id));
  const children = new Map<string, ToldEvent[]>();
  const roots: ToldEvent[] = [];
  for (const event of events) {
    if (event.cause === null || !known.has(event.cause)) roots.push(event);
    else children.set(event.cause, [...(children.get(event.cause) ?? []), event]);
  }
  const rows: Twig[] = [];
  const walk = (all: readonly ToldEvent[], depth: number, rails: readonly boolean[]): void => {
    all.forEach((event, index) => {
      const isAside = index < all.length - 1;
      const own = isAside ? depth + 1 : depth;
      const ownRails = isAside ? [...rails, true] : rails;
      rows.push({ event, depth: own, rails: ownRails });
      walk(children.get(event.id) ?? [], own, ownRails);
    });
  };
  walk(roots, 0, []);
  return rows;
}
