import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { openPipeEnds } from "../posix/pipe.ts";

/** What comes out of listening. */
interface PipeHearing {
  /** It wrote a newline. Called once. */
  ready(): void;
  /** All who had the descriptor closed it, and no newline came. */
  closed(): void;
}

/** The pipe into which one incarnation writes a newline when it is ready. Source: s6, "notification-fd". */
interface ReadyPipe {
  /** The end that is for the service alone. */
  write: number;
  /** The service has its end, or will never have it: ours is closed. */
  handedOver: () => void;
  listen(hearing: PipeHearing): void;
  close: () => void;
}

const NEWLINE = 10;
const ROOM_BYTES = 4_096;
/** After each piece the pipe is left alone so long, in milliseconds: nobody has to say much here. */
const REST_MS = 10;

/**
 * Makes the pipe. It is read for as long as the incarnation lives: a service that goes on writing is neither held up nor killed by SIGPIPE.
 * @throws SystemError EMFILE, ENFILE
 */
export function openReadyPipe(): ReadyPipe {
  const { read, write } = openPipeEnds();
  let writeIsOpen = true;
  let socket: Socket | undefined;
  let closed = false;
  const handedOver = (): void => {
    if (writeIsOpen) closeSync(write);
    writeIsOpen = false;
  };
  return {
    write,
    handedOver,
    listen: (hearing) => {
      socket = listenTo(read, hearing);
    },
    close: () => {
      if (closed) return;
      closed = true;
      handedOver();
      if (socket) socket.destroy();
      else closeSync(read);
    },
  };
}

function listenTo(fd: number, hearing: PipeHearing): Socket {
  const buffer = Buffer.alloc(ROOM_BYTES);
  let isReady = false;
  const take = (length: number): boolean => {
    if (!isReady && buffer.subarray(0, length).includes(NEWLINE)) {
      isReady = true;
      hearing.ready();
    }
    setTimeout(() => socket.resume(), REST_MS).unref();
    return false;
  };
  const ended = (): void => {
    if (!isReady) hearing.closed();
  };
  const onread = { buffer, callback: take };
  const socket: Socket = new Socket({ fd, readable: true, writable: false, onread });
  socket.on("end", ended).on("error", ended).resume().unref();
  return socket;
}
