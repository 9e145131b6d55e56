import { once } from "node:events";
import { json } from "node:stream/consumers";
import { request, type IncomingMessage } from "node:http";
import { type Daemon, startDaemon } from "./daemon.ts";
import { inDirectory, processorSeconds } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtMost, type Result } from "./result.ts";

/*
 * What clients that follow the event log cost the daemon: its processor time for the same work, watched by a hundred, by one and by none.
 * Each event is read, encoded and, for those who want everything, put into bytes once; what is left is one write a client and turn.
 */

const FOLLOWERS = 100;
/** Commands at once, so that some share a commit, as in a busy hour. */
const AT_ONCE = 8;

const SERVICE = "watched";

/** A client that follows until it has so many events. Resolves when its answer has begun. */
function follow(socketPath: string, from: number, events: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const path = `/v1/events?follow=true&from=${from}&limit=${events}`;
    const outgoing = request({ socketPath, path, agent: false }, resolve);
    outgoing.once("error", reject).end();
  });
}

/** Sequence number of the last event. */
function headOf({ socket: socketPath }: Daemon): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: "/v1/events/head", agent: false }, (answer) => {
      json(answer).then((head) => resolve((head as { seq: number }).seq), reject);
    });
    outgoing.once("error", reject).end();
  });
}

/** Processor time of a daemon for so many events, in milliseconds, while so many clients follow. */
async function watched(daemon: Daemon, followers: number, events: number): Promise<number> {
  const from = (await headOf(daemon)) + 1; // what comes is what counts, not what was
  const clients = await Promise.all(
    Array.from({ length: followers }, () => follow(daemon.socket, from, events)),
  );
  const all = clients.map((client) => once(client.resume(), "end"));
  const before = processorSeconds(daemon.pid);
  const worker = async (): Promise<void> => {
    for (let n = 0; n < events / AT_ONCE; n += 1) await daemon.client.signal(SERVICE, "CONT");
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await Promise.all(all);
  const seconds = processorSeconds(daemon.pid) - before;
  return seconds * 1_000;
}

export async function run({ quick }: Options): Promise<Result[]> {
  const events = quick ? 400 : 2_000;
  return inDirectory(async (directory) => {
    const daemon = await startDaemon(directory);
    try {
      await daemon.create(SERVICE, { cmd: "sleep", args: ["1d"] });
      const { many, one, none } = await inTurn(quick ? 1 : 5, {
        many: () => watched(daemon, FOLLOWERS, events),
        one: () => watched(daemon, 1, events),
        none: () => watched(daemon, 0, events),
      });
      const perEvent = ((many - none) * 1_000) / events / FOLLOWERS;
      return [
        compared(
          {
            name: `processor time, ${FOLLOWERS} followers`,
            value: many,
            unit: "ms",
            aim: ratioAtMost(2),
            note: `${events} events; ${perEvent.toFixed(1)} µs a client and event`,
          },
          { name: "1 follower", value: one },
        ),
        { name: "the same, nobody follows", value: none, unit: "ms" },
      ];
    } finally {
      await daemon.end();
    }
  });
}
