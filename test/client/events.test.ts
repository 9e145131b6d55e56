import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { Client, type EventRecord } from "../../src/client/client.ts";
import { json, onSocket, type Asked } from "./fixture.ts";

/** A row of a log; only what following looks at is real. */
const row = (seq: number, log = "a") =>
  ({ seq, hash: `${log}${seq}`, type: "process.exited", stream: "service/web" }) as EventRecord;

const line = (seq: number, log = "a"): string => `${JSON.stringify(row(seq, log))}\n`;

const query = ({ url }: Asked): URLSearchParams => new URL(url, "http://x").searchParams;

const isHead = ({ url }: Asked): boolean => url.startsWith("/v1/events/head");

/** Answers the head, and each connection for rows by its turn. */
function daemon(
  head: number,
  turns: readonly ((asked: Asked, response: ServerResponse) => void)[],
) {
  let turn = 0;
  return onSocket((asked, response) => {
    if (isHead(asked)) return json(response, { seq: head, hash: "x" });
    turns[Math.min(turn++, turns.length - 1)]?.(asked, response);
  });
}

const write = (text: string) => (_asked: Asked, response: ServerResponse) =>
  void response.write(text);

/** Writes, and breaks off when it is on its way. */
const writeAndCut = (text: string) => (_asked: Asked, response: ServerResponse) =>
  void response.write(text, () => setTimeout(() => response.destroy(), 20));

async function take(events: AsyncIterable<EventRecord>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of events) {
    seqs.push(seq);
    if (seqs.length === count) break;
  }
  return seqs;
}

it("goes on after a lost connection with the row after the last, without loss or repeat", async () => {
  const { socket, asked } = await daemon(9, [
    writeAndCut(line(3) + line(4)),
    write(line(4) + line(5) + line(6)),
  ]);
  const told: string[] = [];
  const events = new Client({ socket }).events({
    from: 3,
    follow: true,
    onLost: ({ code }) => told.push(code),
    onFound: () => told.push("found"),
  });

  expect(await take(events, 4)).toEqual([3, 4, 5, 6]);

  expect(told).toEqual(["daemon_unreachable", "found"]);
  const froms = asked.filter((one) => !isHead(one)).map((one) => query(one).get("from"));
  expect(froms).toEqual(["3", "4"]);
});

it("a row that was cut off in its middle is not given twice or in part", async () => {
  const { socket } = await daemon(9, [
    writeAndCut(line(1) + line(2).slice(0, 20)),
    write(line(1) + line(2)),
  ]);

  expect(await take(new Client({ socket }).events({ follow: true }), 2)).toEqual([1, 2]);
});

it("asks anew for the same where nothing was seen yet", async () => {
  const { socket, asked } = await daemon(0, [writeAndCut("\n"), write(line(1))]);

  expect(await take(new Client({ socket }).events({ follow: true }), 1)).toEqual([1]);
  expect(asked.map((one) => query(one).get("from"))).toEqual([null, null]);
});

it("another log in the place of the one that was followed is an error, not a silent jump", async () => {
  const { socket } = await daemon(9, [writeAndCut(line(3)), write(line(3, "b") + line(4, "b"))]);

  const following = take(new Client({ socket }).events({ follow: true }), 2);

  await expect(following).rejects.toMatchObject({
    code: "events_gone",
    message: expect.stringContaining("another event log: event 3") as string,
  });
});

it("a shorter log is another one, too", async () => {
  const { socket } = await daemon(2, [writeAndCut(line(3)), write("")]);

  const following = take(new Client({ socket }).events({ follow: true }), 2);

  await expect(following).rejects.toMatchObject({ code: "events_gone" });
});

const GONE = { error: "events_gone", message: "the first that is left is 4" };

it("where retention took the last row that was seen, and no later one, it goes on", async () => {
  const { socket } = await daemon(9, [
    writeAndCut(line(3)),
    (_asked, response) => json(response, GONE, 410),
    write(line(4)),
  ]);

  expect(await take(new Client({ socket }).events({ follow: true }), 2)).toEqual([3, 4]);
});

it("where retention took rows that were not seen, it says so", async () => {
  const { socket } = await daemon(9, [
    writeAndCut(line(1)),
    (_asked, response) => json(response, GONE, 410),
  ]);

  const following = take(new Client({ socket }).events({ follow: true }), 2);

  await expect(following).rejects.toMatchObject({ code: "events_gone", message: GONE.message });
});

it("a daemon that was never there is not waited for", async () => {
  const events = new Client({ socket: "/nonexistent/socket" }).events({ follow: true });

  await expect(events.next()).rejects.toMatchObject({ code: "daemon_unreachable" });
});

it("with reconnect off a lost connection is an error", async () => {
  const { socket } = await daemon(9, [writeAndCut(line(1))]);

  const following = take(new Client({ socket }).events({ follow: true, reconnect: false }), 2);

  await expect(following).rejects.toMatchObject({ code: "daemon_unreachable" });
});

it("a signal ends the wait for a daemon", async () => {
  const ending = new AbortController();
  const { socket, server } = await daemon(9, [writeAndCut(line(1))]);
  const events = new Client({ socket }).events({
    follow: true,
    signal: ending.signal,
    onLost: () => {
      server.close();
      ending.abort(new Error("enough"));
    },
  });

  await expect(take(events, 2)).rejects.toThrow("enough");
});

it("a limit counts over connections", async () => {
  const { socket } = await daemon(9, [
    writeAndCut(line(1) + line(2)),
    write(line(2) + line(3) + line(4)),
  ]);

  expect(await take(new Client({ socket }).events({ follow: true, limit: 3 }), 9)).toEqual([
    1, 2, 3,
  ]);
});

it("sends what it is asked for, and without follow ends with the log", async () => {
  const { socket, asked } = await daemon(9, [
    (_asked, response) => void response.end(line(7) + line(8)),
  ]);
  const options = { from: 7, limit: 5, service: "web", types: ["process.*", "timer.fired"] };

  expect(await take(new Client({ socket }).events(options), 9)).toEqual([7, 8]);
  expect(asked[0]?.url).toBe("/v1/events?service=web&type=process.*%2Ctimer.fired&from=7&limit=5");
});

it("a stream that breaks off inside the daemon is no end of the log", async () => {
  const broken = '{"type":"error","data":"the disk failed","timestamp":1}\n';
  const { socket } = await daemon(9, [
    (_asked, response) => void response.end(line(1) + broken),
    write(line(1) + line(2)),
  ]);
  const client = new Client({ socket });

  await expect(take(client.events(), 9)).rejects.toMatchObject({
    message: expect.stringContaining("the disk failed") as string,
  });
  expect(await take(client.events({ follow: true }), 2)).toEqual([1, 2]);
});
