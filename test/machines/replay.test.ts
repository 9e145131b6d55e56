import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { ServiceDefinition } from "../../machines/definition.ts";
import { serviceMachine } from "../../machines/service.ts";
import { given } from "../support/given.ts";
import * as life from "./life.ts";

const probe = { kind: "tcp", port: 8080 } as const;
const definitions: fc.Arbitrary<ServiceDefinition> = fc.record(
  {
    cmd: fc.constant("web"),
    restart: fc.constantFrom("always", "on-failure", "never"),
    oneshot: fc.boolean(),
    ready: fc.constant(probe),
    health: fc.constant({ probe }),
    maxFailures: fc.integer({ min: 1, max: 3 }),
    backoff: fc.record({ firstMs: fc.constantFrom(0, 200) }),
  },
  { requiredKeys: ["cmd"] },
);

const ids = fc.constantFrom("in_1", "in_2");
const jitter = fc.double({ min: 0, max: 1, noNaN: true });
const timers = fc.constantFrom("backoff", "healthy", "ready");
const events = fc.oneof(
  fc.constantFrom(life.start, life.stop, life.restart, life.remove, life.drain),
  fc.boolean().map((begin) => life.changed(begin)),
  ids.map(life.asked),
  ids.map((id) => life.spawned(id)),
  ids.map((id) => life.notSpawned(id)),
  ids.map(life.ready),
  ids.map(life.lost),
  ids.map(life.unhealthy),
  fc.tuple(fc.constantFrom(0, 1, "KILL"), ids, jitter).map((args) => life.exited(...args)),
  fc.tuple(ids, jitter).map((args) => life.emptied(...args)),
  fc.tuple(timers, fc.nat({ max: 30 })).map(([timer, n]) => life.fired(timer, `ev_${n}`)),
  fc
    .tuple(fc.constantFrom("none", "proven", "unproven"), fc.boolean())
    .map((args) => life.booted(...args)),
);
const histories = fc.array(
  fc.tuple(events, fc.nat({ max: 40_000 })).map(([event, after]) => ({ event, after })),
  { maxLength: 30 },
);
type History = readonly {
  event: Parameters<ReturnType<typeof life.service>["when"]>[0];
  after: number;
}[];

/** All that a fold of these events gives, as it would be stored. */
function folded(definition: ServiceDefinition, history: History): string {
  let at = 0;
  const stamped = history.map(({ event, after }) => ({ ...event, at: (at += after) }));
  const { state, context } = given(serviceMachine, { definition, version: 1 }).when(...stamped);
  return JSON.stringify({ state, context });
}

it("gives identical bytes when a history is folded twice (I3)", () => {
  fc.assert(
    fc.property(definitions, histories, (definition, history) => {
      const stored = JSON.parse(JSON.stringify({ definition, history })) as {
        definition: ServiceDefinition;
        history: History;
      };

      expect(folded(stored.definition, stored.history)).toBe(folded(definition, history));
    }),
  );
});

it("keeps nothing in its context that JSON cannot store: no NaN, no function, no date", () => {
  fc.assert(
    fc.property(definitions, histories, (definition, history) => {
      let at = 0;
      const stamped = history.map(({ event, after }) => ({ ...event, at: (at += after) }));
      const { context } = given(serviceMachine, { definition, version: 1 }).when(...stamped);

      expect(JSON.parse(JSON.stringify(context))).toEqual(context);
    }),
  );
});

it("does not change an event, nor the state before it", () => {
  fc.assert(
    fc.property(definitions, histories, (definition, history) => {
      let now = given(serviceMachine, { definition, version: 1 });
      for (const { event } of history) {
        const before = JSON.stringify([now.state, now.context, event]);
        const next = now.when(event);
        expect(JSON.stringify([now.state, now.context, event])).toBe(before);
        now = next;
      }
    }),
    { numRuns: 30 },
  );
});
