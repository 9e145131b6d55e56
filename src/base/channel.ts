/** What is pushed at one end is read at the other, in order; what its reader does not take in time is dropped and counted, so a slow one costs no memory. */
export interface Channel<T> extends AsyncIterable<T> {
  push(item: T): void;
  /** The same for an item that must arrive: never dropped. */
  pushAlways(item: T): void;
  /** No more will come; the reader gets what is queued, then the end. */
  close(): void;
  /** Whether the next item would not be dropped. */
  readonly hasRoom: boolean;
  /** How many items were dropped. */
  readonly dropped: number;
}

/**
 * @param limit   items that may wait for the reader
 * @param onLeave called once, when the reader has left (also while it waits for an item) or has read to the end
 */
export function channel<T>(limit: number, onLeave: () => void): Channel<T> {
  const queue: T[] = [];
  let closed = false;
  let left = false;
  let dropped = 0;
  let wake = Promise.withResolvers<void>();
  const add = (item: T): void => {
    if (closed) return;
    queue.push(item);
    wake.resolve();
  };
  const leave = (): void => {
    closed = true;
    if (!left) onLeave();
    left = true;
    wake.resolve();
  };
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    for (;;) {
      const item = left ? undefined : queue.shift();
      if (item !== undefined) return { done: false, value: item };
      if (closed) {
        leave();
        return { done: true, value: undefined };
      }
      wake = Promise.withResolvers();
      await wake.promise;
    }
  };
  return {
    push: (item) => {
      if (queue.length >= limit) dropped += 1;
      else add(item);
    },
    pushAlways: add,
    close: () => {
      closed = true;
      wake.resolve();
    },
    get hasRoom() {
      return queue.length < limit;
    },
    get dropped() {
      return dropped;
    },
    [Symbol.asyncIterator]: () => ({
      next,
      return: async () => {
        leave();
        return { done: true, value: undefined };
      },
    }),
  };
}
