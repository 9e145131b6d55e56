import type { ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import type { Random } from "../support/random.ts";
import type { Decision, Request } from "./decisions.ts";
import type { Program } from "./programs.ts";

const NAMES = ["db", "cache", "api", "web", "job", "mail"];

const chanceOf = (random: Random, share: number): boolean => random.next() < share;
const between = (random: Random, from: number, to: number): number =>
  from + random.below(to - from + 1);

/** What a step is made up from, beside chance. */
export interface Sight {
  /** Nothing is planned: nothing can go on by itself. */
  isQuiet: boolean;
  exists(service: string): boolean;
  /** Whom somebody asked for something last. */
  last?: string;
}

type Maker = (random: Random, names: readonly string[], sight: Sight) => Decision;

const STATUSES: readonly ExitStatus[] = [
  { code: 0 },
  { code: 1 },
  { code: 3 },
  { signal: "SEGV", core: true },
  { signal: "KILL" },
  { signal: "KILL", oom: true },
];

/** A definition that uses some of the fields that touch the machine. */
export function definitionOf(
  random: Random,
  name: string,
  names: readonly string[],
): ServiceDefinition {
  const definition: Record<string, unknown> = { cmd: name, args: [`v${random.below(4)}`] };
  const maybe = (share: number, field: string, value: () => unknown): void => {
    if (chanceOf(random, share)) definition[field] = value();
  };
  maybe(0.3, "needs", () => names.filter(() => chanceOf(random, 0.3)));
  maybe(0.4, "restart", () => random.pick(["always", "on-failure", "never"]));
  maybe(0.15, "oneshot", () => true);
  maybe(0.2, "successExitCodes", () => random.pick([[0], [0, 3], [3]]));
  maybe(0.4, "backoff", () => ({
    firstMs: random.pick([0, 50, 200, 2_000]),
    factor: random.pick([1, 2, 5]),
    maxMs: random.pick([1_000, 8_000]),
    jitter: random.pick([0, 0.2, 1]),
    resetAfterMs: random.pick([500, 5_000, 30_000]),
  }));
  maybe(0.2, "maxFailures", () => between(random, 1, 4));
  maybe(0.2, "windowMs", () => random.pick([1_000, 10_000]));
  maybe(0.3, "stopTimeoutMs", () => random.pick([0, 100, 2_000]));
  maybe(0.15, "stopSignal", () => random.pick(["INT", "USR1", "KILL"]));
  maybe(0.15, "stopCommand", () => ["bye"]);
  maybe(0.3, "ready", () => random.pick([{ kind: "tcp", port: 80 }, { kind: "notify" }]));
  maybe(0.2, "readyTimeoutMs", () => random.pick([500, 5_000]));
  const probe = { kind: "http", port: 80, path: "/" };
  maybe(0.25, "health", () => ({
    probe,
    everyMs: random.pick([500, 3_000]),
    failures: between(random, 1, 3),
  }));
  maybe(0.2, "env", () => ({ TOKEN: random.pick(["a", "b"]) }));
  maybe(0.1, "httpPort", () => 80);
  return definition as unknown as ServiceDefinition; // the fields are those of a definition
}

const CHANGES: readonly ((random: Random) => Record<string, unknown>)[] = [
  (random) => ({ args: [`v${random.below(4)}`] }),
  () => ({ needs: null }),
  (random) => ({ restart: random.pick(["always", "never", null]) }),
  (random) => ({ env: random.pick([{ TOKEN: "c" }, null]) }),
  () => ({ ready: null, health: null }),
  (random) => ({ maxFailures: random.pick([2, null]) }),
];

const VERBS = [
  "put",
  "put",
  "put",
  "update",
  "rollback",
  "start",
  "start",
  "restart",
  "stop",
  "stop",
  "delete",
  "signal",
  "list",
] as const;
const SIGNALS = ["KILL", "TERM", "HUP", "STOP", "CONT", "USR1"];

function ask(random: Random, names: readonly string[], sight: Sight): Decision {
  const { last } = sight;
  const service = last !== undefined && chanceOf(random, 0.4) ? last : random.pick(names);
  const isPlausible = sight.exists(service) || chanceOf(random, 0.2);
  const verb: Request["verb"] = isPlausible ? random.pick(VERBS) : "put";
  const definition = verb === "put" ? { definition: definitionOf(random, service, names) } : {};
  const change = verb === "update" ? { change: random.pick(CHANGES)(random) } : {};
  const signal = verb === "signal" ? { signal: random.pick(SIGNALS) } : {};
  const version =
    verb === "rollback" && chanceOf(random, 0.5) ? { version: between(random, 1, 4) } : {};
  const ifMatch = chanceOf(random, 0.15)
    ? { ifMatch: random.pick(["current", "current", "other", "*"] as const) }
    : {};
  const timeout = chanceOf(random, 0.2) ? { timeoutMs: random.pick([0, 200, 3_000]) } : {};
  return {
    do: "ask",
    verb,
    service,
    ...definition,
    ...change,
    ...signal,
    ...version,
    ...ifMatch,
    ...timeout,
    isKeyed: chanceOf(random, 0.5),
    durationMs: random.pick([0, 0, 100, 3_000]),
    withDependents: chanceOf(random, 0.4),
    leaves: random.pick(["at once", "after a line", "at its end", "at its end"]),
  };
}

const ILLS: readonly ((random: Random) => Partial<Program>)[] = [
  () => ({}),
  (random) => ({ refused: { errno: random.pick(["ENOENT", "EAGAIN", "EACCES"]) } }),
  () => ({ refused: { errno: "ENOKEY", permanent: true } }),
  (random) => ({ checkMs: between(random, 0, 50), execMs: between(random, 0, 500) }),
  () => ({ execHangs: true }),
  (random) => ({
    ends: { afterMs: random.pick([0, 1, 30, 2_000]), status: random.pick(STATUSES) },
  }),
  () => ({ stubborn: true }),
  (random) => ({ termMs: random.pick([0, 50, 4_000]) }),
  (random) => ({ immortal: true, children: random.below(2) }),
  (random) => ({ children: between(random, 1, 2), stubborn: chanceOf(random, 0.5) }),
  (random) => ({ escapees: between(random, 1, 2), termMs: random.below(20) }),
  (random) => ({ readyMs: random.pick([0, 1_500, 8_000]) }),
  () => ({ readyMs: null }),
  () => ({ healthy: false }),
  (random) => ({ drainMs: random.pick([0, 500, 2_000]) }),
  (random) => ({ stopCommand: random.pick(["fails", "hangs"]) }),
  () => ({ hidden: true }),
];

const MAKERS: Record<string, Maker> = {
  wait: (random) => ({ do: "wait", ms: random.pick([1, 10, 100, 1_000, 10_000]) }),
  ask,
  again: (random) => ({ do: "again", back: random.below(4) }),
  program: (random, names) => ({
    do: "program",
    service: random.pick(names),
    how: random.pick(ILLS)(random),
  }),
  end: (random, names) => ({
    do: "end",
    service: random.pick(names),
    status: random.pick(STATUSES),
  }),
  fork: (random, names) => ({
    do: "fork",
    service: random.pick(names),
    role: random.pick(["child", "escapee"]),
  }),
  ill: (random, names) => ({
    do: "fall ill",
    service: random.pick(names),
    ill: random.pick([
      { stubborn: true },
      { immortal: true },
      { healthy: false },
      { hidden: true },
    ]),
  }),
  stranger: (random) => ({ do: "stranger", leaves: chanceOf(random, 0.3) }),
  slow: (random) => ({ do: "slow", slowMs: random.pick([0, 1, 1, 20, 500, 6_000]) }),
  full: (random) => ({ do: "full", forMs: random.pick([100, 2_000, 20_000]) }),
  sync: (random) => ({
    do: "sync fails",
    fault: random.pick(["held", "lost"]),
    stuckMs: random.pick([0, 0, 100, 3_000, 30_000]),
  }),
  wall: (random) => ({
    do: "wall",
    byMs: random.pick([-86_400_000, -5_000, 400, 5_000, 86_400_000]),
  }),
  sleep: (random) => ({ do: "sleep", ms: random.pick([100, 5_000, 3_600_000]) }),
  echo: (random, names) => ({
    do: "echo",
    service: random.pick(names),
    what: random.pick(["report", "timer"]),
    back: random.below(4),
  }),
  kill: (random, names) => ({
    do: "die",
    isPowerCut: false,
    fate: random.pick(["none", "done", "torn"]),
    afterMs: random.pick([0, 50, 3_000]),
    ...(chanceOf(random, 0.4) && {
      lost: { service: random.pick(names), isTaken: chanceOf(random, 0.5) },
    }),
  }),
  power: (random) => ({
    do: "die",
    isPowerCut: true,
    fate: random.pick(["none", "done", "torn"]),
    afterMs: random.pick([0, 1_000]),
  }),
  shutdown: (random) => ({
    do: "shut down",
    deadlineMs: random.pick([0, 500, 10_000]),
    ...(chanceOf(random, 0.2) && { hurryMs: random.pick([10, 1_000]) }),
    afterMs: random.pick([0, 1_000]),
  }),
  retain: (random) => ({ do: "retain", ageMs: random.pick([0, 1_000, 60_000, 3_600_000]) }),
  intrude: (random, names) => ({
    do: "intrude",
    service: random.pick(names),
    ahead: between(random, 0, 2),
  }),
  calm: () => ({ do: "calm" }),
};

/** How often each kind of step comes, beside `go`; some are left out of a run altogether, so that others have it to themselves. */
const SHARES: Readonly<Record<string, number>> = {
  wait: 6,
  ask: 30,
  again: 9,
  program: 8,
  end: 6,
  fork: 3,
  ill: 3,
  stranger: 2,
  slow: 2,
  full: 2,
  sync: 2,
  wall: 1,
  sleep: 1,
  kill: 2,
  power: 1,
  shutdown: 1,
  intrude: 0.5,
  echo: 2,
  retain: 0.7,
  calm: 0.3,
};
const ALWAYS = new Set(["ask", "wait", "calm"]);

/** Makes the steps of a run up as it goes, from its chance and what is in sight. */
export function decider(random: Random): (sight: Sight) => Decision {
  const names = NAMES.slice(0, between(random, 1, NAMES.length));
  const goes = random.pick([0.5, 0.7, 0.85, 0.95]);
  const shares = Object.entries(SHARES).map(([name, share]): [string, number] => {
    const isLeftOut = !ALWAYS.has(name) && chanceOf(random, 0.4);
    return [name, isLeftOut ? 0 : share * random.pick([0.3, 1, 3, 10])];
  });
  const all = shares.reduce((sum, [, share]) => sum + share, 0);
  return (sight) => {
    if (random.next() < goes && !sight.isQuiet) return { do: "go" };
    let left = random.next() * all;
    for (const [name, share] of shares) {
      left -= share;
      if (left < 0) return MAKERS[name]?.(random, names, sight) ?? { do: "go" };
    }
    return { do: "go" };
  };
}
