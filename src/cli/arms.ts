import { AppError } from "../base/errors.ts";
import type { Client } from "../client/client.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { say } from "./output.ts";
import { withGuess } from "./guess.ts";

/** So many services are worked on at once: fewer than the streams that a daemon has room for. */
const AT_ONCE = 32;

/** Which of the others must be done before a service is its turn. */
type WaitsFor = (name: string) => readonly string[];

/** Work on one service. @param several whether others are worked on, too: then what is printed must carry the name */
export type Work = (name: string, several: boolean) => Promise<number>;

/**
 * Does the same to each service, those that do not wait for each other at the same time. What fails for one of several is said, and the
 * others get their turn.
 *
 * @returns the first exit code, in the order of the names, that is no success
 */
export async function forEach(
  client: Client,
  names: readonly string[],
  work: Work,
  waitsFor: WaitsFor = () => [],
): Promise<number> {
  const [only = ""] = names;
  if (names.length === 1) return work(only, false);
  const turns = places(AT_ONCE);
  const done = new Map<string, Promise<number>>();
  const begin = (name: string): Promise<number> => {
    const known = done.get(name);
    if (known) return known;
    const doing = Promise.all(waitsFor(name).map(begin)).then(() =>
      turns(() => oneOfMany(client, name, work)),
    );
    done.set(name, doing);
    return doing;
  };
  const codes = await Promise.all(names.map(begin));
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

async function oneOfMany(client: Client, name: string, work: Work): Promise<number> {
  try {
    return await work(name, true);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "daemon_unreachable") throw error;
    const { message } = await withGuess(error, client);
    say(`sprite-env: ${message.includes(`"${name}"`) ? "" : `${name}: `}${message}`);
    return exitCodeOf(error);
  }
}

/** Lets so many run at once; the others wait for their turn. */
function places(count: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free === 0) await new Promise<void>((resolve) => void waiting.push(resolve));
    else free -= 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

/** Who needs whom among the services that are meant, over others, too. */
export interface Needs {
  /** What a service needs. */
  needed: WaitsFor;
  /** What needs a service. */
  needing: WaitsFor;
}

/** Asks the daemon who needs whom; of one service alone there is nothing to ask. */
export async function needsAmong(client: Client, names: readonly string[]): Promise<Needs> {
  if (names.length < 2) return { needed: () => [], needing: () => [] };
  const services = await client.list();
  const direct = new Map(services.map(({ name, needs }) => [name, needs]));
  const reach = (name: string, seen = new Set<string>()): Set<string> => {
    for (const need of direct.get(name) ?? []) {
      if (seen.has(need)) continue;
      seen.add(need);
      reach(need, seen);
    }
    return seen;
  };
  const all = new Map(names.map((name) => [name, reach(name)]));
  return {
    needed: (name) => names.filter((other) => other !== name && all.get(name)?.has(other)),
    needing: (name) => names.filter((other) => other !== name && all.get(other)?.has(name)),
  };
}
