import { closeSync } from "node:fs";
import { type Datagram, openDatagramSocket, receive } from "../posix/datagram.ts";
import { type Watch, watchReadable } from "../posix/poll.ts";

/** What comes out of listening. */
interface NotifyHearing {
  /** It said READY=1. Called once. */
  ready(): void;
  /** READY=1 came from a process that nothing proves to be of the service. */
  stranger(pid: number): void;
  /** Nothing more can be heard. */
  failed: (error: unknown) => void;
}

/** The socket to which one incarnation says that it is ready. Source: sd_notify(3). */
interface NotifySocket {
  /** Begins to take messages; what was sent before waits in the socket. */
  listen(isOurs: (pid: number) => Promise<boolean>, hearing: NotifyHearing): void;
  close(): void;
}

/** So many messages are taken in one turn of the loop. */
const A_TURN = 32;
/** After so many at once, or one of a stranger's, no more is taken for this time, in milliseconds: who floods waits. */
const REST_MS = 50;

/**
 * Makes the socket. It is read for as long as the incarnation lives, also after it is ready: programs go on saying things, and one that finds the socket full waits.
 *
 * @param name a path, or an abstract name that begins with `@`
 * @throws SystemError
 */
export function openNotifySocket(name: string): NotifySocket {
  const fd = openDatagramSocket(name);
  let watch: Watch | undefined;
  let closed = false;
  return {
    listen: (isOurs, hearing) => {
      const judge = judgeOf(isOurs, hearing);
      const take = async (): Promise<void> => {
        const batch = takeBatch(fd);
        const calm = await judge(batch);
        if (closed) return;
        if (calm && batch.length < A_TURN) watch?.again();
        else setTimeout(() => watch?.again(), REST_MS).unref();
      };
      watch = watchReadable(fd, () => void take().catch(hearing.failed));
    },
    close: () => {
      if (closed) return;
      closed = true;
      watch?.close();
      closeSync(fd);
    },
  };
}

function takeBatch(fd: number): Datagram[] {
  const batch: Datagram[] = [];
  while (batch.length < A_TURN) {
    const message = receive(fd);
    if (!message) break;
    batch.push(message);
  }
  return batch;
}

/**
 * Judges messages together, so that each sender is looked at while it is there; then closes the descriptors that came with them, for which
 * `systemd-notify` waits (BARRIER=1). Answers false where strangers were among the senders. Source: sd_notify_barrier(3).
 */
function judgeOf(isOurs: (pid: number) => Promise<boolean>, hearing: NotifyHearing) {
  let isReady = false;
  const judgeOne = async ({ pid }: Datagram): Promise<boolean> => {
    const ours = pid > 0 && (await isOurs(pid).catch(() => false)); // what cannot be looked at proves nothing
    if (!ours) hearing.stranger(pid);
    else if (!isReady) {
      isReady = true;
      hearing.ready();
    }
    return ours;
  };
  return async (batch: readonly Datagram[]): Promise<boolean> => {
    try {
      const telling = isReady ? [] : batch.filter(saysReady);
      const ours = await Promise.all(telling.map(judgeOne));
      return !ours.includes(false);
    } finally {
      for (const fd of batch.flatMap(({ fds }) => fds)) closeSync(fd);
    }
  };
}

/** Whether one of a message's lines is READY=1. The last line of one that was cut may be another line's beginning. */
export function saysReady({ bytes, truncated }: Pick<Datagram, "bytes" | "truncated">): boolean {
  const lines = bytes.toString("latin1").split("\n");
  if (truncated) lines.pop();
  return lines.includes("READY=1");
}
