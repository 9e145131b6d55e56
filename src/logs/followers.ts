import type { FromLogThread } from "./messages.ts";

/** Bytes on their way to the main thread for one service; what comes beyond them is skipped and counted. */
const WINDOW_BYTES = 2 << 20;

interface Follower {
  underWay: number;
  skipped: number;
  incarnation: string;
}

/** Hands lines of followed services to the main thread; costs nothing for the others. */
export interface Followers {
  follow(service: string): void;
  unfollow(service: string): void;
  /** Copies lines and posts them, or counts them where the main thread is behind. */
  push(service: string, incarnation: string, bytes: Buffer, lines: number): void;
  taken(service: string, bytes: number): void;
  /** Tells at once what was skipped: before the answer that says all lines were sent. */
  settle(service: string): void;
}

export function createFollowers(
  post: (message: FromLogThread, transfer?: ArrayBuffer[]) => void,
): Followers {
  const followers = new Map<string, Follower>();

  const settle = (service: string): void => {
    const follower = followers.get(service);
    if (follower === undefined || follower.skipped === 0) return;
    const { incarnation, skipped } = follower;
    follower.skipped = 0;
    post({ type: "skipped", service, incarnation, lines: skipped });
  };
  const push: Followers["push"] = (service, incarnation, bytes, lines) => {
    const follower = followers.get(service);
    if (follower === undefined) return;
    follower.incarnation = incarnation;
    if (follower.underWay > 0 && follower.underWay + bytes.length > WINDOW_BYTES) {
      follower.skipped += lines;
      return;
    }
    settle(service);
    follower.underWay += bytes.length;
    const copy = new Uint8Array(bytes);
    post({ type: "lines", service, incarnation, bytes: copy }, [copy.buffer]);
  };
  return {
    push,
    settle,
    follow: (service) => void followers.set(service, { underWay: 0, skipped: 0, incarnation: "" }),
    unfollow: (service) => void followers.delete(service),
    taken: (service, bytes) => {
      const follower = followers.get(service);
      if (follower === undefined) return;
      follower.underWay = Math.max(0, follower.underWay - bytes);
      if (follower.underWay === 0) settle(service);
    },
  };
}
