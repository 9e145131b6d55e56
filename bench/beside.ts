import { once } from "node:events";
import { join } from "node:path";
import { BINARY, type Daemon, startDaemon } from "./daemon.ts";
import { writeHistory } from "./history.ts";
import { inDirectory, start } from "./machine.ts";
import { compared, median, type Options, type Result } from "./result.ts";

/*
 * What a daemon's answers cost while somebody replays its whole log beside it, and what answers about the past cost that it gives itself. The floor is the same answer
 * while nobody does.
 */

const SERVICES = 100;
const ROUNDS = 200;

/** Milliseconds of one answer, in the median and at worst. */
interface Took {
  middle: number;
  worst: number;
}

async function took(ask: () => Promise<unknown>, rounds = ROUNDS): Promise<Took> {
  const all: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await ask();
    all.push(performance.now() - began);
  }
  return { middle: median(all), worst: Math.max(...all) };
}

const rounded = (ms: number): string => ms.toFixed(1);

/** The same answers alone, and while `replay --check` of the log runs. */
async function beside({ client }: Daemon, directory: string, rows: number): Promise<Result[]> {
  const ways = { "services list": () => client.list(), healthz: () => client.health() };
  const alone: Record<string, Took> = {};
  for (const [name, ask] of Object.entries(ways)) alone[name] = await took(ask);
  const replay = start(
    BINARY,
    ["replay", "--check", "--json", "--state-dir", join(directory, "state")],
    ["ignore", "ignore", 2],
  );
  const ended = once(replay, "exit");
  const results: Result[] = [];
  for (const [name, ask] of Object.entries(ways)) {
    const { middle, worst } = await took(ask);
    const isStillOn = replay.exitCode === null;
    const note = `worst ${rounded(worst)}${isStillOn ? "" : "; the replay was over before"}`;
    results.push(
      compared(
        {
          name: `${name}, beside a replay of ${rows.toLocaleString("en")} events`,
          value: middle,
          unit: "ms",
          note,
        },
        { name: "alone", value: alone[name]?.middle ?? Number.NaN },
      ),
    );
  }
  await ended;
  return results;
}

/** Answers of the thread for the past, over the socket. */
async function past({ client }: Daemon, rows: number): Promise<Result[]> {
  const place = (round: number): number => 1_000 + ((round * 7_919) % (rows - 2_000));
  const first = await took(() => client.past.strip({}), 1);
  let round = 0;
  const next = (): number => place((round += 1));
  const ways: Record<string, () => Promise<unknown>> = {
    "a step: all states at a moment": () => client.past.state(next()),
    "the line of time": () => client.past.strip({}),
    "to the next restart": () =>
      client.past.jump({ from: next(), direction: "next", to: "restart" }),
    "the timeline of a service": () =>
      client.past.timeline({ service: "s1", before: next() + 100 }),
    "edges of a service": () => client.past.edges("s1"),
    "causes of an event": () => client.past.causes(next()),
  };
  const results: Result[] = [
    {
      name: `the line of time of ${rows.toLocaleString("en")} events, first asked`,
      value: first.middle,
      unit: "ms",
    },
  ];
  for (const [name, ask] of Object.entries(ways)) {
    const { middle, worst } = await took(ask, 60);
    results.push({
      name: `${name}, of ${rows.toLocaleString("en")} events`,
      value: middle,
      unit: "ms",
      note: `worst ${rounded(worst)}`,
    });
  }
  return results;
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    const rows = quick ? 100_000 : 1_000_000;
    await writeHistory(join(directory, "state"), rows, SERVICES);
    const daemon = await startDaemon(directory);
    try {
      return [...(await beside(daemon, directory, rows)), ...(await past(daemon, rows))];
    } finally {
      await daemon.end();
    }
  });
}
