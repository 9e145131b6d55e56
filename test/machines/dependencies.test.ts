import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cycleFrom, dependentsOf, type Needs, stopOrder } from "../../machines/dependencies.ts";

describe("cycleFrom", () => {
  it("finds none where needs end", () => {
    expect(cycleFrom("app", { app: ["db", "cache"], cache: ["db"], db: [] })).toBeUndefined();
  });

  it("names the path that closes a cycle", () => {
    expect(cycleFrom("a", { a: ["b"], b: ["c"], c: ["a"] })).toEqual(["a", "b", "c", "a"]);
  });

  it("names only the cycle, not the way to it", () => {
    expect(cycleFrom("a", { a: ["b"], b: ["c"], c: ["b"] })).toEqual(["b", "c", "b"]);
  });

  it("takes a need of itself for a cycle", () => {
    expect(cycleFrom("a", { a: ["a"] })).toEqual(["a", "a"]);
  });

  it("lets a name that is not there need nothing, even one that every object has", () => {
    expect(cycleFrom("a", { a: ["b", "constructor", "toString"] })).toBeUndefined();
  });
});

it("lists who needs a service directly, sorted", () => {
  expect(dependentsOf("db", { web: ["app"], app: ["db"], admin: ["db"], db: [] })).toEqual([
    "admin",
    "app",
  ]);
});

it("stops first what nobody needs", () => {
  expect(stopOrder("db", { web: ["app"], app: ["db"], admin: ["db"], db: [], other: [] })).toEqual([
    "admin",
    "web",
    "app",
  ]);
});

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "constructor"];
const graphs: fc.Arbitrary<Needs> = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES)), { maxLength: 20 })
  .map((pairs) => needsOf(pairs));
/** Needs only what comes later in the alphabet. */
const acyclic: fc.Arbitrary<Needs> = fc
  .array(
    fc
      .tuple(fc.nat({ max: NAMES.length - 1 }), fc.nat({ max: NAMES.length - 1 }))
      .filter(([from, to]) => from < to),
    { maxLength: 20 },
  )
  .map((pairs) => needsOf(pairs.map(([from, to]) => [NAMES[from] ?? "", NAMES[to] ?? ""])));

function needsOf(pairs: readonly (readonly [string, string])[]): Needs {
  const needs = Object.fromEntries(NAMES.map((name) => [name, new Set<string>()]));
  for (const [from, to] of pairs) needs[from]?.add(to);
  return Object.fromEntries(Object.entries(needs).map(([name, set]) => [name, [...set]]));
}

/** All that a service leads to over needs. */
function reached(from: string, needs: Needs): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    for (const need of needs[name] ?? []) if (!found.has(need)) visit((found.add(need), need));
  };
  visit(from);
  return found;
}

it("finds a cycle exactly where one is, and each step of it is a need", () => {
  fc.assert(
    fc.property(graphs, fc.constantFrom(...NAMES), (needs, start) => {
      const cycle = cycleFrom(start, needs);
      const within = [start, ...reached(start, needs)];

      expect(cycle !== undefined).toBe(within.some((name) => reached(name, needs).has(name)));
      for (const [index, name] of (cycle ?? []).slice(1).entries())
        expect(needs[cycle?.[index] ?? ""]).toContain(name);
      expect(cycle?.[0]).toBe(cycle?.at(-1));
    }),
  );
});

it("stops all that needs a service, each once and before what it needs itself", () => {
  fc.assert(
    fc.property(acyclic, fc.constantFrom(...NAMES), (needs, name) => {
      const order = stopOrder(name, needs);
      const dependents = NAMES.filter((other) => reached(other, needs).has(name));

      expect(order.toSorted()).toEqual(dependents.toSorted());
      for (const [index, stopped] of order.entries())
        for (const before of order.slice(0, index))
          expect(reached(stopped, needs).has(before)).toBe(false);
    }),
  );
});
