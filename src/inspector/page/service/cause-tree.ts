import type { ToldEvent } from "../data/wire.ts";

/* Events and what each led to, as a tree. */

export interface Twig {
  event: ToldEvent;
  depth: number;
  /** For each level above: whether the line goes on past this row. */
  rails: readonly boolean[];
  isLast: boolean;
}

/** Rows of the tree, from the first cause on, each above what came of it. */
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
      const isLast = index === all.length - 1;
      rows.push({ event, depth, rails, isLast });
      walk(children.get(event.id) ?? [], depth + 1, [...rails, !isLast]);
    });
  };
  walk(roots, 0, []);
  return rows;
}
