import { signal } from "@preact/signals";
import { address, get, OURS, Refused } from "./http.ts";
import { findSession } from "./session.ts";
import type { EventWire } from "./wire.ts";

/** How the page hears of events. `since`: wall clock here, when it was noticed; `why`: what the daemon answered, where it did. */
export type Connection =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "lost"; since: number; why: string };

export const connection = signal<Connection>({ state: "connecting" });

/** The newest row that was heard of; 0: none yet. */
export const lastSeq = signal(0);

type Listener = (events: readonly EventWire[]) => void;

const listeners = new Set<Listener>();
const returned = new Set<() => void>();
let waiting: EventWire[] = [];

const RETRY_FIRST_MS = 300;
const RETRY_MOST_MS = 5_000;
/** What comes within so many milliseconds is told together: 100 events a second must not be 100 paintings. */
const TOGETHER_MS = 100;
/** The daemon says something at least every 15 s. */
const SILENCE_MS = 40_000;

/** Told of new events, in order, none left out, also over a lost connection. @returns the way out */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Told each time the daemon answers again after it was lost. @returns the way out */
export function onReturn(listener: () => void): () => void {
  returned.add(listener);
  return () => void returned.delete(listener);
}

/** Begins at the end of the log; whenever the daemon was lost goes on behind the last event that was heard. Never ends. */
export async function follow(): Promise<never> {
  for (let retryMs = RETRY_FIRST_MS; ;) {
    try {
      await listenOnce(() => (retryMs = RETRY_FIRST_MS));
      lost("The daemon ended the stream.");
    } catch (error) {
      lost(error instanceof Refused ? error.message : "The connection broke.");
      if (error instanceof Refused && error.code === "events_gone") lastSeq.value = 0;
      if (error instanceof Refused && error.status === 401) await findSession();
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
  }
}

/** EventSource would hide why it was refused, and wants to know each type beforehand. */
async function listenOnce(opened: () => void): Promise<void> {
  if (lastSeq.value === 0) lastSeq.value = (await get<{ seq: number }>("/v1/events/head")).seq;
  const ended = new AbortController();
  let silence = setTimeout(() => ended.abort(), SILENCE_MS);
  try {
    const reply = await fetch(address("/v1/events", { from: lastSeq.value + 1 }), {
      headers: { ...OURS, accept: "text/event-stream" },
      credentials: "same-origin",
      signal: ended.signal,
    });
    if (!reply.ok || !reply.body) {
      const { error, message } = (await reply.json()) as { error: string; message: string };
      throw new Refused(reply.status, error, message);
    }
    opened();
    const wasLost = connection.value.state === "lost";
    connection.value = { state: "open" };
    if (wasLost) for (const listener of returned) listener();
    let rest = "";
    for await (const text of texts(reply.body)) {
      clearTimeout(silence);
      silence = setTimeout(() => ended.abort(), SILENCE_MS);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("data:")) take(JSON.parse(line.slice(5)));
    }
  } finally {
    clearTimeout(silence);
    ended.abort();
  }
}

async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

function take(event: EventWire): void {
  if (event.seq <= lastSeq.value) return;
  lastSeq.value = event.seq;
  if (waiting.length === 0) setTimeout(tell, TOGETHER_MS);
  waiting.push(event);
}

function tell(): void {
  const events = waiting;
  waiting = [];
  for (const listener of listeners) listener(events);
}

function lost(why: string): void {
  const { value } = connection;
  connection.value = {
    state: "lost",
    since: value.state === "lost" ? value.since : Date.now(),
    why,
  };
}
