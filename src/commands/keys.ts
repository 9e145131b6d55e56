import { AppError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { Journal, KeyClaim } from "../journal/journal.ts";
import type { Caller, StreamLine } from "./ports.ts";

/** Makes a request that is sent twice with one `Idempotency-Key` happen once. */
export interface Keys {
  /**
   * Runs a request, or answers as the first one with its key was answered: waits for it where it still runs.
   *
   * @param run given the claim to store in the transaction of its first event
   * @param repeat the answer where the first one's reply was lost with an earlier daemon
   * @throws AppError `idempotency_conflict`: the key stands for another request
   */
  once(
    caller: Caller,
    run: (claim: Omit<KeyClaim, "eventId"> | undefined) => Promise<AsyncIterable<StreamLine>>,
    repeat: () => StreamLine,
  ): Promise<AsyncIterable<StreamLine>>;
}

interface Running {
  request: string;
  /** Its last line, if it had one; rejects where it was refused. */
  reply: Promise<string | undefined>;
}

export function keys(deps: {
  reader: Pick<EventReader, "byId" | "keyClaim">;
  journal: Pick<Journal, "settleKey">;
  clock: Clock;
  /** The last row that is known to be on disk. */
  lastSeq: () => number;
}): Keys {
  const { reader, journal, clock, lastSeq } = deps;
  const running = new Map<string, Running>();
  /** After an I/O error a claim can be read that is not known to stay: nobody may be told that it was carried out. */
  const mustBeStored = ({ eventId }: KeyClaim): void => {
    const row = reader.byId(eventId);
    if (row && row.seq > lastSeq()) throw new AppError("storage_failed", IN_DOUBT);
  };

  return {
    once: async (caller, run, repeat) => {
      if (!caller.key) return run(undefined);
      const { value: key, request } = caller.key;
      const id = `${caller.actor}\n${key}`;
      const first = running.get(id);
      if (first) {
        mustBeSame(first.request, request, key);
        const reply = await first.reply;
        return only(reply === undefined ? repeat() : (JSON.parse(reply) as StreamLine));
      }
      const stored = reader.keyClaim(key, caller.actor, clock.now());
      if (stored) {
        mustBeSame(stored.request, request, key);
        mustBeStored(stored);
        return only(
          stored.reply === undefined ? repeat() : (JSON.parse(stored.reply) as StreamLine),
        );
      }
      const { promise: reply, resolve, reject } = Promise.withResolvers<string | undefined>();
      reply.catch(() => {}); // often nobody else waits
      running.set(id, { request, reply });
      const settle = async (last: string | undefined): Promise<void> => {
        running.delete(id);
        resolve(last);
        if (last !== undefined)
          await journal.settleKey(key, caller.actor, 200, last).catch(() => {}); // answered from the state, then
      };
      try {
        const lines = await run({ key, actor: caller.actor, request, at: clock.now() });
        return settled(lines, settle);
      } catch (error) {
        running.delete(id);
        reject(error);
        throw error;
      }
    },
  };
}

const IN_DOUBT =
  "the event log could not be written, and whether this request is in it is not known yet: ask again when its disk works";

function mustBeSame(known: string, request: string, key: string): void {
  if (known === request) return;
  const message = `the Idempotency-Key "${key}" was used for another request: take a new key for a new request`;
  throw new AppError("idempotency_conflict", message);
}

async function* only(line: StreamLine): AsyncGenerator<StreamLine> {
  yield line;
}

/** The lines as they are; the last one is what a repeat will get. A reader that leaves, before the first line or later, has seen enough. */
function settled(
  lines: AsyncIterable<StreamLine>,
  settle: (last: string | undefined) => Promise<void>,
): AsyncIterable<StreamLine> {
  const source = lines[Symbol.asyncIterator]();
  let last: StreamLine | undefined;
  const ended = async (): Promise<IteratorResult<StreamLine, undefined>> => {
    await settle(last && JSON.stringify(last));
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<StreamLine, undefined>> => {
    const item = await source.next();
    if (item.done === true) return ended();
    last = item.value;
    return { done: false, value: last };
  };
  const leave = async (): Promise<IteratorResult<StreamLine, undefined>> => {
    await source.return?.();
    return ended();
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
}
