/** Which services a service needs, by name. A name that is not there needs nothing. */
export type Needs = { readonly [name: string]: readonly string[] };

/**
 * The first cycle reached from a service, as the path that closes it: `["a", "b", "a"]`.
 *
 * @returns undefined where its needs, and theirs, end
 */
export function cycleFrom(start: string, needs: Needs): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of Object.hasOwn(needs, name) ? (needs[name] ?? []) : []) {
      const cycle = walk(need, [...path, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  return walk(start, []);
}

/** Names of the services that need this one directly, sorted. */
export const dependentsOf = (name: string, needs: Needs): string[] =>
  Object.keys(needs)
    .filter((other) => needs[other]?.includes(name))
    .toSorted();

/** All that needs this one, directly or not, in the order in which to stop: who is needed by nobody comes first. */
export function stopOrder(name: string, needs: Needs): string[] {
  const order: string[] = [];
  const visit = (current: string): void => {
    for (const dependent of dependentsOf(current, needs)) {
      if (!order.includes(dependent)) visit(dependent);
    }
    if (current !== name && !order.includes(current)) order.push(current);
  };
  visit(name);
  return order;
}
