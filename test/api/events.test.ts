import { describe, expect, it, onTestFinished } from "vitest";
import type { EventRow } from "../../src/journal/record.ts";
import { fakeApi } from "./fake-services.ts";
import { FakeLog, many, row } from "./fake-log.ts";
import { ask, liveApi, textOf, until } from "./socket-fixture.ts";

/** Sequence numbers of NDJSON; a last line that is not whole yet is left aside. */
const seqs = (body: string): number[] =>
  body
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { seq: number }).seq);

const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function read(rows: EventRow[], query = "", headers = {}) {
  const log = new FakeLog(rows);
  const { app } = fakeApi({}, { events: log });
  const response = await app.inject({ url: `/v1/events${query}`, headers });
  return { log, response, body: response.body };
}

it("sends rows with their columns' names, in order", async () => {
  const { response } = await read([row(1)]);

  expect(response.headers["content-type"]).toBe("application/x-ndjson");
  expect(response.body).toBe(
    '{"seq":1,"id":"ev_1","stream":"service/web","version":1,"type":"service.created","schema":1,' +
      '"data":{"definition":{"cmd":"x"}},"at":1,"wall":1,"boot_id":"bt_1","incarnation":null,"cause":null,' +
      '"correlation":"ev_1","actor":"uid:0","from_state":null,"to_state":"starting","prev_hash":"p","hash":"h"}\n',
  );
});

it("reads a long log page by page, none left out, none twice", async () => {
  const { body, log } = await read(many(1_203), "?from=3");

  expect(seqs(body)).toEqual(upTo(3, 1_203));
  expect(log.reads.map(({ from }) => from)).toEqual([3, ...upTo(1, 9).map((n) => n * 128 + 1)]);
});

it("stops at the limit without reading further pages", async () => {
  const { body, log } = await read(many(1_203), "?limit=100");

  expect(seqs(body)).toHaveLength(100);
  expect(log.reads).toHaveLength(1);
});

it("says where the log begins and ends", async () => {
  const log = new FakeLog(many(7));
  log.cut(4);
  const { app } = fakeApi({}, { events: log });

  expect((await app.inject("/v1/events/head")).json()).toEqual({ seq: 7, hash: "h", first: 4 });
});

describe("filters", () => {
  const rows = [
    row(1),
    row(2, { stream: "service/db", type: "process.spawned" }),
    row(3, { stream: "environment/sprite", type: "environment.booted" }),
    row(4, { type: "process.exited" }),
    row(5, { stream: "service/db", type: "service.created" }),
  ];

  it.each([
    ["service=db", [2, 5]],
    ["kind=environment", [3]],
    ["kind=service", [1, 2, 4, 5]],
    ["type=process.exited", [4]],
    ["type=process.exited,environment.booted", [3, 4]],
    ["type=process.*", [2, 4]],
    ["type=process.*&service=db", [2]],
    ["service=nobody", []],
    ["kind=service&from=2&limit=2", [2, 4]],
  ])("%s", async (query, expected) => {
    expect(seqs((await read(rows, `?${query}`)).body)).toEqual(expected);
  });

  it("of one service read its rows alone, however many others there are", async () => {
    const others = many(3_000).map((one) => ({ ...one, stream: "service/other" }));
    others[1_000] = row(1_001);
    const { body, log } = await read(others, "?service=web");

    expect(seqs(body)).toEqual([1_001]);
    expect(log.reads).toHaveLength(2);
    expect(log.reads.every(({ stream }) => stream === "service/web")).toBe(true);
  });
});

/** A reader on a real socket, and what it has got so far. */
async function following(log: FakeLog, query = "", headers = {}) {
  const live = await liveApi({}, { events: log });
  onTestFinished(live.end);
  const response = await ask(live.socketPath, `/v1/events?follow=true${query}`, { headers });
  let text = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => (text += chunk));
  return { ...live, response, text: () => text, seqs: () => seqs(text) };
}

describe("following", () => {
  it("goes on where the stored rows end, up to the limit", async () => {
    const log = new FakeLog(many(2));
    const { response, seqs: got } = await following(log, "&limit=3");
    await until(() => got().length === 2);
    log.grow(2);

    await until(() => response.complete);
    expect(got()).toEqual([1, 2, 3]);
  });

  it("begins in the future where it is asked to", async () => {
    const log = new FakeLog(many(2));
    const { seqs: got } = await following(log, "&from=5");
    log.grow(2);
    await new Promise((resolve) => setImmediate(resolve));
    log.grow(3);

    await until(() => got().length > 0);
    expect(got()).toEqual([5, 6, 7]);
  });

  it("narrows what comes as it narrows what was", async () => {
    const log = new FakeLog([row(1), row(2, { stream: "service/db" })]);
    const { seqs: got } = await following(log, "&service=db");
    await until(() => got().length === 1);
    log.grow(1);
    log.grow(1, { stream: "service/db" });

    await until(() => got().length === 2);
    expect(got()).toEqual([2, 4]);
  });

  it("neither loses nor repeats what is appended while the past is read", async () => {
    const log = new FakeLog(many(1_000));
    const appending = setInterval(() => log.grow(7), 1);
    onTestFinished(() => clearInterval(appending));
    const { seqs: got } = await following(log);
    await until(() => got().length > 3_000);
    clearInterval(appending);

    const { seq } = log.head();
    await until(() => got().length === seq);
    expect(got()).toEqual(upTo(1, seq));
  });

  it("costs one read of what comes, however many follow", async () => {
    const log = new FakeLog(many(10));
    const live = await liveApi({}, { events: log });
    onTestFinished(live.end);
    const readers = await Promise.all(
      upTo(1, 100).map(() => ask(live.socketPath, "/v1/events?follow=true&limit=210")),
    );
    const texts = readers.map(textOf);
    await until(() => log.reads.length > 0);
    for (let batch = 0; batch < 20; batch++) {
      log.grow(10);
      await new Promise((resolve) => setImmediate(resolve));
    }

    for (const text of await Promise.all(texts)) expect(seqs(text)).toEqual(upTo(1, 210));
    expect(log.reads.length).toBeLessThan(30);
  });

  it("catches a reader up that stood still, without keeping anything for it", async () => {
    const log = new FakeLog(many(1));
    const data = { text: "x".repeat(20_000) };
    const { response, seqs: got } = await following(log);
    await until(() => got().length === 1);
    response.pause();
    for (let batch = 0; batch < 300; batch++) {
      log.grow(1, { data });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const before = log.reads.length;
    response.resume();

    await until(() => got().length === 301);
    expect(got()).toEqual(upTo(1, 301));
    expect(log.reads.length).toBeGreaterThan(before);
  });

  it("gives the log exactly to a client that loses its connection again and again", async () => {
    const log = new FakeLog(many(50));
    const live = await liveApi({}, { events: log });
    onTestFinished(live.end);
    const appending = setInterval(() => log.grow(3), 1);
    onTestFinished(() => clearInterval(appending));
    const got: number[] = [];
    for (let connection = 0; connection < 100; connection++) {
      const response = await ask(
        live.socketPath,
        `/v1/events?follow=true&from=${(got.at(-1) ?? 0) + 1}`,
      );
      const wanted = (connection * 7_919) % 4_000; // bytes until it breaks, wherever in a line that is
      let text = "";
      response.setEncoding("utf8");
      for await (const chunk of response) {
        text += String(chunk);
        if (text.length >= wanted) break; // destroys the connection
      }
      got.push(...seqs(text));
    }

    expect(got.length).toBeGreaterThan(100);
    expect(got).toEqual(upTo(1, got.length));
  });
});

describe("server-sent events", () => {
  const sse = { accept: "text/event-stream" };

  it("carry the seq as id, the type as event, and follow by themselves", async () => {
    const log = new FakeLog([row(1)]);
    const live = await liveApi({}, { events: log });
    onTestFinished(live.end);
    const response = await ask(live.socketPath, "/v1/events?limit=2", { headers: sse });
    const text = textOf(response);
    log.grow(1, { type: "process.exited" });
    const blocks = (await text).split("\n\n");

    expect(response.headers["content-type"]).toBe("text/event-stream");
    expect(response.headers["cache-control"]).toBe("no-cache");
    expect(blocks[0]).toBe("retry: 2000");
    expect(blocks[1]).toMatch(/^id: 1\nevent: service\.created\ndata: \{"seq":1,.*\}$/);
    expect(blocks[2]).toMatch(/^id: 2\nevent: process\.exited\ndata: \{"seq":2,.*\}$/);
  });

  it.each([
    ["4", "?follow=false", [5, 6]],
    ["4", "?follow=false&from=1", [5, 6]],
    ["0", "?follow=false", [1, 2, 3, 4, 5, 6]],
    ["6", "?follow=false", []],
    ["", "?follow=false&from=6", [6]],
  ])("resume after Last-Event-ID %j with %s", async (last, query, expected) => {
    const { body } = await read(many(6), query, { ...sse, "last-event-id": last });

    expect([...body.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq))).toEqual(expected);
  });

  it.each(["x", "-1", "1.5", "99999999999999999999"])("refuse Last-Event-ID %s", async (last) => {
    const { response } = await read(many(1), "", { ...sse, "last-event-id": last });

    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: "invalid_request", field: "Last-Event-ID" });
  });

  it.each([
    ["text/event-stream", "text/event-stream"],
    ["text/html, text/event-stream;q=0.9", "text/event-stream"],
    ["text/event-stream;q=0, */*", "application/x-ndjson"],
    ["*/*", "application/x-ndjson"],
  ])("come where Accept is %s", async (accept, type) => {
    const { response } = await read([], "?follow=false", { accept });

    expect(response.headers["content-type"]).toBe(type);
  });
});

describe("below what is kept", () => {
  const log = () => {
    const made = new FakeLog(many(500));
    made.cut(300);
    return made;
  };

  it.each(["ndjson", "sse"])("%s is gone, with the first seq that is left", async (format) => {
    const { app } = fakeApi({}, { events: log() });
    const headers = format === "sse" ? { accept: "text/event-stream" } : {};
    const response = await app.inject({ url: "/v1/events?from=299", headers });

    expect(response.statusCode).toBe(410);
    expect(response.json()).toMatchObject({ error: "events_gone", first: 300 });
    expect(response.json<{ message: string }>().message).toContain("go on from 300");
  });

  it("nobody is who does not say from where", async () => {
    const { app } = fakeApi({}, { events: log() });

    expect(seqs((await app.inject("/v1/events?limit=2")).body)).toEqual([300, 301]);
  });

  it("a reader that retention overtakes is told, and gets nothing that does not follow", async () => {
    const made = new FakeLog(many(1_000));
    const page = made.page;
    made.page = (from, size) => {
      if (from > 300) made.cut(900);
      return page(from, size);
    };
    const { app } = fakeApi({}, { events: made });
    const lines = (await app.inject("/v1/events")).body.trimEnd().split("\n");
    const last = JSON.parse(lines.at(-1) ?? "") as object;

    expect(last).toMatchObject({ type: "error", data: expect.stringContaining("below 900") });
    expect(seqs(`${lines.slice(0, -1).join("\n")}\n`)).toEqual(upTo(1, lines.length - 1));
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
  "type=exited",
  "type=process.exited,",
  "type=*",
  "kind=task",
])("refuses %s", async (query) => {
  const { response, log } = await read([], `?${query}`);

  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ error: "invalid_request", field: query.split("=")[0] });
  expect(log.reads).toEqual([]);
});
