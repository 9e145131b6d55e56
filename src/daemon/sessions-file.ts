import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { BrowserPlace } from "../api/listeners.ts";
import type { KeptSession } from "../api/door/sessions.ts";

interface Kept {
  port: number;
  sessions: KeptSession[];
}

/**
 * Sessions of browsers, and the port they came in by, in a file beside the log: digests of cookies, which let nobody in. What cannot be read, or was changed by hand,
 * counts as none; what cannot be written costs people one more `inspect`.
 */
export function sessionsFile(file: string): BrowserPlace {
  let kept = readKept(file);
  const write = (change: Partial<Kept>): void => {
    kept = { ...kept, ...change };
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch {
      // a full disk must not keep anybody from looking
    }
  };
  return {
    port: () => kept.port,
    noteReached: (port) => port !== kept.port && write({ port }),
    sessions: {
      read: () => kept.sessions,
      write: (sessions) => write({ sessions: [...sessions] }),
    },
  };
}

function readKept(file: string): Kept {
  try {
    const { port, sessions } = JSON.parse(readFileSync(file, "utf8")) as Partial<Kept>;
    const isPort = typeof port === "number" && Number.isInteger(port) && port > 0 && port < 65_536;
    if (!isPort || !Array.isArray(sessions) || !sessions.every(isSession)) return NOTHING;
    return { port, sessions };
  } catch {
    return NOTHING;
  }
}

const NOTHING: Kept = { port: 0, sessions: [] };

const isSession = (one: Partial<KeptSession> | null): boolean =>
  typeof one?.digest === "string" &&
  typeof one.until === "number" &&
  typeof one.bearer?.name === "string" &&
  typeof one.bearer.readOnly === "boolean";
