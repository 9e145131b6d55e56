import { join } from "node:path";
import type { Readiness } from "../../machines/definition.ts";
import type { Logger } from "../base/logger.ts";
import type { Awaited } from "../logs/ports.ts";
import type { Suspect } from "./identity.ts";
import { isKin } from "./kin.ts";
import { openNotifySocket } from "./notify.ts";
import { openReadyPipe } from "./ready-pipe.ts";
import { nameIn, openToAll, removeAllIn, removeNamed } from "./socket-name.ts";
import { codeOf, problem } from "./spawn-problem.ts";

/** Whose sign it is. */
interface Signer {
  service: string;
  incarnation: string;
}

/** What a process is given so that it can say it is ready, and what listens for that. */
export interface Sign {
  env: Readonly<Record<string, string>>;
  inherit?: { fd: number; as: number };
  /** Text that its output is searched for. */
  awaited?: Awaited;
  /** The spawn answered, well or not. */
  handedOver: () => void;
  /** Its process is there: what it has said since its first moment counts. */
  listen(suspect: Suspect): void;
  /** The incarnation is over. */
  close(): void;
}

/** What whoever waits for a sign is told. */
interface Hearing {
  ready: () => void;
  /** Why not yet; told again for another reason. */
  unready: (reason: string) => void;
}

/** Ways in which services say by themselves that they are ready: a line of output, a message, a newline in a pipe. What is said before anybody waits is kept. */
export interface Signs {
  /**
   * Makes what the process needs, before it is spawned. For readiness that is asked for from outside, or none, there is nothing to make.
   * @throws SpawnProblem
   */
  prepare(signer: Signer, readiness: Readiness | undefined): Sign;
  /** Tells of an incarnation's sign, at once where it was given already. @returns what ends the telling */
  hear(incarnation: string, hearing: Hearing): () => void;
}

interface SignsDeps {
  /** Where the sockets are: a directory of theirs is made in it. */
  runDir: string;
  logger: Logger;
}

/** What is known of an incarnation's sign. */
interface Heard {
  isReady: boolean;
  reason: string;
  hearing?: Hearing | undefined;
}

/** What a way to say it is built with. */
interface Making extends Signer {
  hearing: Hearing;
}

const NOTHING: Sign = { env: {}, handedOver: () => {}, listen: () => {}, close: () => {} };

/** Removes the sockets that earlier daemons left. */
export function createSigns({ runDir, logger }: SignsDeps): Signs {
  const heard = new Map<string, Heard>();
  const directory = join(runDir, ".notify"); // no incarnation has such a name
  removeAllIn(directory);

  const begin = ({ incarnation }: Signer, reason: string): Hearing => {
    const state: Heard = { isReady: false, reason };
    heard.set(incarnation, state);
    return {
      ready: () => {
        if (state.isReady) return;
        state.isReady = true;
        state.hearing?.ready();
      },
      unready: (why) => {
        state.reason = why;
        if (!state.isReady) state.hearing?.unready(why);
      },
    };
  };

  const make = (signer: Signer, readiness: Readiness): Sign => {
    if (readiness.kind === "log") {
      const reason = `no line of its output holds ${JSON.stringify(readiness.text)} yet`;
      const { ready } = begin(signer, reason);
      return { ...NOTHING, awaited: { text: readiness.text, seen: ready } };
    }
    if (readiness.kind === "notify") {
      const reason = "it has not sent READY=1 to the socket that NOTIFY_SOCKET names yet";
      return notifySign({ ...signer, hearing: begin(signer, reason) }, directory, logger);
    }
    if (readiness.kind === "fd") {
      const reason = `it has not written a newline to descriptor ${readiness.fd} yet`;
      return pipeSign(readiness.fd, begin(signer, reason));
    }
    return NOTHING;
  };

  return {
    prepare: (signer, readiness) => {
      if (!readiness) return NOTHING;
      const forget = () => void heard.delete(signer.incarnation);
      try {
        const sign = make(signer, readiness);
        return {
          ...sign,
          listen: (suspect) => listenSafely(sign, suspect, logger),
          close: () => {
            sign.close();
            forget();
          },
        };
      } catch (error) {
        forget();
        throw error;
      }
    },
    hear: (incarnation, hearing) => {
      const state = heard.get(incarnation);
      if (!state) return () => {};
      if (state.isReady) {
        hearing.ready();
        return () => {};
      }
      state.hearing = hearing;
      hearing.unready(state.reason);
      return () => {
        if (state.hearing === hearing) state.hearing = undefined;
      };
    },
  };
}

/** The process is there by now: a failure of ours must not look like one of the spawn's. */
function listenSafely(sign: Sign, suspect: Suspect, logger: Logger): void {
  try {
    sign.listen(suspect);
  } catch (error) {
    logger.error({ err: error, incarnation: suspect.incarnation }, UNHEARD);
  }
}

const UNHEARD = "what a service says of its readiness cannot be heard";

function pipeSign(as: number, hearing: Hearing): Sign {
  const pipe = tried("a pipe for readiness cannot be made", openReadyPipe);
  const closed = () => hearing.unready(`descriptor ${as} was closed, and no newline came before`);
  return {
    ...NOTHING,
    inherit: { fd: pipe.write, as },
    handedOver: pipe.handedOver,
    listen: () => pipe.listen({ ready: hearing.ready, closed }),
    close: pipe.close,
  };
}

function notifySign({ service, incarnation, hearing }: Making, directory: string, log: Logger) {
  const name = tried(`the directory for sockets, ${directory}, cannot be made`, () =>
    nameIn(directory, incarnation),
  );
  const socket = tried(`its socket for readiness, ${name}, cannot be made`, () => {
    const opened = openNotifySocket(name);
    openToAll(name);
    return opened;
  });
  let isWarned = false;
  const stranger = (pid: number): void => {
    const who = pid > 0 ? `process ${pid}` : "a process that cannot be seen from here";
    hearing.unready(
      `READY=1 came from ${who}, which nothing proves to be of this service; a helper has to live until its message is taken`,
    );
    if (isWarned) return;
    isWarned = true;
    const fields = { service, incarnation, pid };
    log.warn(fields, `READY=1 from ${who} is ignored: nothing proves that it is of the service`);
  };
  const failed = (error: unknown) => log.error({ err: error, service, incarnation }, UNHEARD);
  const sign: Sign = {
    ...NOTHING,
    env: { NOTIFY_SOCKET: name },
    listen: (suspect) =>
      socket.listen((pid) => isKin(pid, suspect), { ready: hearing.ready, stranger, failed }),
    close: () => {
      socket.close();
      removeNamed(name);
    },
  };
  return sign;
}

function tried<Result>(what: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw problem(codeOf(error), what);
  }
}
