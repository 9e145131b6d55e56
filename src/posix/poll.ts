import koffi from "koffi";

/** Watches one descriptor. It rests after each call, so that whoever is told reads at their own pace. */
export interface Watch {
  /** Tells of the next time, which may be now. */
  again(): void;
  /** Tells no more. The descriptor may be closed after it. */
  close(): void;
}

/**
 * Calls back when a descriptor can be read, from the loop and without a thread: for what Node has no stream for, such as datagrams of unix sockets.
 *
 * The callback comes in a turn of its own, since koffi calls from within libuv, where Node runs no promises. It holds no process up that would end.
 * Source: libuv, uv_poll_t; koffi's `node.poll`, which calls with (status, events), whatever its types say.
 */
export function watchReadable(fd: number, readable: () => void): Watch {
  let closed = false;
  const tell = (): void => {
    if (!closed) readable();
  };
  const woken = (): void => {
    if (closed) return;
    handle.stop();
    setImmediate(tell);
  };
  const handle = koffi.node.poll(fd, { readable: true }, woken);
  handle.unref();
  return {
    again: () => {
      if (!closed) handle.start({ readable: true }, woken);
    },
    close: () => {
      if (!closed) handle.close();
      closed = true;
    },
  };
}
