import { assert, asyncProperty, integer } from "fast-check";
import { expect, it } from "vitest";
import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { listedServices } from "../../src/api/wire.ts";
import { viewOf } from "../../src/commands/views.ts";
import type { EventReader } from "../../src/journal/event-reader.ts";
import { memoryJournal } from "../support/memory-journal.ts";
import { type EventRow, idOf } from "../../src/journal/record.ts";
import { stateJson, stateThen } from "../../src/offline/state.ts";
import type { ServiceRow } from "../../src/projections/services.ts";
import { ENVIRONMENT } from "../../src/runtime/group.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";
import { histories, historyOf } from "../support/histories.ts";
import { groupOf } from "./fixture.ts";

/** The log with a snapshot every few rows of a stream. */
async function readerOf(rows: readonly EventRow[], every: number): Promise<EventReader> {
  const { journal, reader } = memoryJournal(every);
  const result = await journal.append([groupOf(rows)]);
  if (result.outcome !== "committed") throw new Error(JSON.stringify(result));
  return reader;
}

/** What services were after a row, from nothing but a fold of all rows up to it. */
function byFold(rows: readonly EventRow[], seq: number): unknown {
  const fold = new Fold();
  const last = rows.findLast((row) => row.seq <= seq);
  for (const row of rows) if (row.seq <= seq) fold.add(row);
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot.context as
    | EnvironmentContext
    | undefined;
  const services = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => stream !== ENVIRONMENT && snapshot.status === "active")
    .map(({ stream, snapshot }): ServiceRow => ({
      name: idOf(stream),
      phase: stateOf(snapshot),
      context: snapshot.context as ServiceContext,
      seq: 0,
      at: 0,
      quarantined: environment?.quarantined[stream] ?? null,
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const find = (name: string) => services.find((one) => one.name === name);
  const clock = { now: () => last?.at ?? 0, wall: () => last?.wall ?? 0 };
  return listedServices(services.map((row) => viewOf(row, find, clock, "")));
}

it("the state at any moment of any history is what a fold of the log up to then gives", async () => {
  await assert(
    asyncProperty(histories, integer({ min: 1, max: 9 }), async (moves, every) => {
      const rows = await historyOf(moves);
      const reader = await readerOf(rows, every);
      for (const { seq } of [{ seq: 0 }, ...rows]) {
        const told = stateJson(stateThen({ reader }, { at: String(seq), now: 1e15 }));
        const states = told.map(({ as_of: _asOf, last_event: _last, ...service }) => service);

        expect(states).toEqual(byFold(rows, seq));
        for (const one of told) {
          const { name: service, ...request } = { name: one.name, at: String(seq), now: 1e15 };
          expect(stateJson(stateThen({ reader }, { service, ...request }))).toEqual([one]);
        }
        for (const { name, last_event: last } of told)
          expect(last?.seq).toBe(
            rows.findLast((row) => row.seq <= seq && row.stream === `service/${name}`)?.seq,
          );
      }
    }),
    { numRuns: 40 },
  );
});
