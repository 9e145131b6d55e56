import { closeSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { failedWith } from "./directory.ts";
import { prefixOf } from "./line.ts";
import { closePipe, openPipe, type PipeEnds, type PipePaths } from "./pipes.ts";
import type { LogLine } from "./ports.ts";
import { nothingHeld, type Sink, type Stamper } from "./stamp.ts";

/** As much as a pipe holds: what is read at most after the time to drain is over. */
const LAST_READ_BYTES = 1 << 20;

/** Reads smaller than this that follow one another faster than that: a program that writes line by line, with a wake-up for each. */
const DRIBBLE_BYTES = 64 * 1024;
const DRIBBLE_MS = 3;
/** It is left alone so long, and writes into its pipe without waking anybody. */
const REST_MS = 1;

/** What all captures of a thread share: one is read at a time, and its lines are handed on before the next. */
export interface Reader {
  buffer: Buffer;
  stamper: Stamper;
  /** Of `createTurns`. */
  later: (goOn: () => void) => void;
}

/** Streams that flood, and go on in one turn of the loop. */
const STREAMS_A_TURN = 4;

/** Lets streams that filled the buffer wait for their turn, so that fifty that flood hold up no message for long. */
export function createTurns(): Reader["later"] {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    for (const goOn of waiting.splice(0, STREAMS_A_TURN)) goOn();
    if (waiting.length > 0) setImmediate(next);
  };
  return (goOn) => {
    if (waiting.push(goOn) === 1) setImmediate(next);
  };
}

/** Reads what one incarnation writes. */
export interface Capture {
  /**
   * Its process ended: reads until nobody has the pipes open for writing, at most `drainMs`.
   * @returns whether somebody still has
   */
  finish(drainMs: number): Promise<boolean>;
  /** Takes what is in the pipes now, and leaves them. */
  stop(): void;
}

/** Opens both pipes, so that nothing written into them is lost, and reads them from the next turn of the loop on. Throws what the file system throws. */
export function startCapture(
  paths: PipePaths,
  reader: Reader,
  sink: Sink,
  failed: (error: Error) => void,
): Capture {
  const { stdout, stderr } = openBoth(paths);
  const streams = [
    readPipe(stdout, "stdout", reader, sink, failed),
    readPipe(stderr, "stderr", reader, sink, failed),
  ];
  return {
    finish: async (drainMs) => {
      const left = await Promise.all(streams.map((stream) => stream.finish(drainMs)));
      return left.includes(true);
    },
    stop: () => streams.forEach((stream) => stream.stop()),
  };
}

function openBoth(paths: PipePaths): { stdout: PipeEnds; stderr: PipeEnds } {
  const stdout = openPipe(paths.stdout);
  try {
    return { stdout, stderr: openPipe(paths.stderr) };
  } catch (error) {
    closePipe(stdout);
    throw error;
  }
}

/**
 * Reads one pipe into the shared buffer. A socket for it is made in the next turn of the loop: that takes a
 * while, and the service can be started meanwhile. After a full buffer it lets the others have a turn: a stream that
 * floods must not hold up the thread's other work.
 */
function readPipe(
  { read, hold }: PipeEnds,
  name: LogLine["stream"],
  { buffer, stamper, later }: Reader,
  sink: Sink,
  failed: (error: Error) => void,
): Capture {
  const unfinished = nothingHeld();
  const closed = Promise.withResolvers<void>();
  const take = (length: number): void =>
    stamper.stamp(buffer.subarray(0, length), unfinished, prefixOf(Date.now(), name), sink);
  const endLine = (): void => stamper.end(unfinished, prefixOf(Date.now(), name), sink);
  let lastRead = 0;
  const goOn = (): void => void begin().resume();
  const onread = (length: number): boolean => {
    take(length);
    const now = performance.now();
    const dribbles = length < DRIBBLE_BYTES && now - lastRead < DRIBBLE_MS;
    lastRead = now;
    if (length < buffer.length && !dribbles) return true;
    if (dribbles) setTimeout(goOn, REST_MS);
    else later(goOn);
    return false;
  };
  const makeSocket = (): Socket =>
    new Socket({
      fd: read,
      readable: true,
      writable: false,
      onread: { buffer, callback: onread },
    })
      .on("end", endLine)
      .on("error", failed)
      .on("close", () => closed.resolve())
      .resume();
  let made: Socket | undefined;
  const begin = (): Socket => (made ??= makeSocket());
  setImmediate(begin);

  const stop = (): boolean => {
    const socket = begin();
    if (socket.destroyed) return false;
    const left = takeRest(read, buffer, take);
    endLine();
    socket.destroy();
    return left;
  };
  let held = true;
  const letGo = (): void => {
    if (held) closeSync(hold);
    held = false;
  };
  return {
    stop: () => {
      letGo();
      stop();
    },
    finish: async (drainMs) => {
      begin();
      letGo();
      let left = false;
      const timer = setTimeout(() => {
        left = stop();
      }, drainMs);
      await closed.promise;
      clearTimeout(timer);
      return left;
    },
  };
}

/** Reads without waiting what is there, as much as a pipe holds at most. False: nobody can write any more. */
function takeRest(fd: number, buffer: Buffer, take: (length: number) => void): boolean {
  try {
    for (let total = 0; total < LAST_READ_BYTES;) {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      if (length === 0) return false;
      take(length);
      total += length;
    }
  } catch (error) {
    if (!failedWith(error, "EAGAIN")) throw error;
  }
  return true;
}
