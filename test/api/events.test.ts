import { describe, expect, it, onTestFinished } from "vitest";
import type { EventQueries } from "../../src/api/routes/events.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { fakeApi } from "./fake-services.ts";
import { ask, liveApi, textOf, until } from "./socket-fixture.ts";

const row = (seq: number, service = "web"): EventRow => ({
  seq,
  id: `ev_${seq}`,
  stream: `service/${service}`,
  version: seq,
  type: "service.created",
  schema: 1,
  data: { definition: { cmd: "x" } },
  at: seq,
  wall: seq,
  bootId: "bt_1",
  incarnation: null,
  cause: null,
  correlation: `ev_${seq}`,
  actor: "uid:0",
  fromState: null,
  toState: "starting",
  prevHash: "p",
  hash: "h",
});

/** A log in memory, and live rows that are pushed. */
function fakeEvents(rows: EventRow[]) {
  const pages: { from: number; limit: number; service: string | undefined }[] = [];
  const live = { waiting: 0, ended: 0, push: (_: EventRow): void => {} };
  const events: EventQueries = {
    page: (from, limit, service) => {
      pages.push({ from, limit, service });
      return rows
        .filter((one) => one.seq >= from && (!service || one.stream === `service/${service}`))
        .slice(0, limit);
    },
    follow: async function* (from, service, left) {
      pages.push({ from, limit: 0, service });
      try {
        for (;;) {
          const next = Promise.withResolvers<EventRow | undefined>();
          live.push = next.resolve;
          left.addEventListener("abort", () => next.resolve(undefined));
          live.waiting += 1;
          const one = await next.promise;
          if (!one) return;
          yield one;
        }
      } finally {
        live.ended += 1;
      }
    },
    head: () => ({ seq: rows.length, hash: "h" }),
  };
  return { events, pages, live };
}

const seqs = (body: string): number[] =>
  body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { seq: number }).seq);

const many = (count: number) => Array.from({ length: count }, (_, index) => row(index + 1));

it("sends rows with their columns' names, in order", async () => {
  const { events } = fakeEvents([row(1)]);
  const response = await fakeApi({}, { events }).app.inject("/v1/events");

  expect(response.headers["content-type"]).toBe("application/x-ndjson");
  expect(response.body).toBe(
    '{"seq":1,"id":"ev_1","stream":"service/web","version":1,"type":"service.created","schema":1,' +
      '"data":{"definition":{"cmd":"x"}},"at":1,"wall":1,"boot_id":"bt_1","incarnation":null,"cause":null,' +
      '"correlation":"ev_1","actor":"uid:0","from_state":null,"to_state":"starting","prev_hash":"p","hash":"h"}\n',
  );
});

it("reads a long log page by page, none left out, none twice", async () => {
  const { events, pages } = fakeEvents(many(1_203));
  const { body } = await fakeApi({}, { events }).app.inject("/v1/events?from=3");

  expect(seqs(body)).toEqual(
    many(1_203)
      .slice(2)
      .map(({ seq }) => seq),
  );
  expect(pages.map(({ from }) => from)).toEqual([3, 503, 1_003, 1_204]);
});

it("sends those of one service", async () => {
  const { events } = fakeEvents([row(1), row(2, "db"), row(3)]);
  const { body } = await fakeApi({}, { events }).app.inject("/v1/events?service=web");

  expect(seqs(body)).toEqual([1, 3]);
});

it("stops at the limit without reading further pages", async () => {
  const { events, pages } = fakeEvents(many(1_203));
  const { body } = await fakeApi({}, { events }).app.inject("/v1/events?limit=500");

  expect(seqs(body)).toHaveLength(500);
  expect(pages).toHaveLength(1);
});

it("has the head", async () => {
  const { events } = fakeEvents([row(1)]);

  expect((await fakeApi({}, { events }).app.inject("/v1/events/head")).json()).toEqual({
    seq: 1,
    hash: "h",
  });
});

async function follow(query: string) {
  const { events, pages, live } = fakeEvents(many(2));
  const { socketPath, end } = await liveApi({}, { events });
  onTestFinished(end);
  const response = await ask(socketPath, `/v1/events?follow=true${query}`);
  await until(() => live.waiting === 1);
  return { response, pages, live };
}

describe("following", () => {
  it("goes on where the stored rows end, up to the limit", async () => {
    const { response, pages, live } = await follow("&limit=3");
    expect(pages.at(-1)).toMatchObject({ from: 3 });
    live.push(row(3));

    expect(seqs(await textOf(response))).toEqual([1, 2, 3]);
    expect(live.ended).toBe(1);
  });

  it("begins in the future where it is asked to", async () => {
    const { response, pages } = await follow("&from=10&service=db");

    expect(pages.at(-1)).toEqual({ from: 10, limit: 0, service: "db" });
    response.destroy();
  });

  it("ends its source when the reader leaves while nothing comes", async () => {
    const { response, live } = await follow("");
    response.destroy();

    await until(() => live.ended === 1);
  });
});

it.each([
  "from=0",
  "from=-1",
  "from=x",
  "limit=0",
  "limit=1.5",
  "service=a%2Fb",
  "follow=maybe",
  "form=1",
])("refuses %s", async (query) => {
  const { events, pages } = fakeEvents([]);
  const response = await fakeApi({}, { events }).app.inject(`/v1/events?${query}`);

  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ error: "invalid_request", field: query.split("=")[0] });
  expect(pages).toEqual([]);
});
