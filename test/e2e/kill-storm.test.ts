import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import type { ServiceWire } from "../../src/api/view-schemas.ts";
import type { Belief } from "../support/believed.ts";
import { fixture, type Sprite, sprite } from "../support/daemon.ts";
import { queryLog } from "../support/log-of.ts";
import { describeProcess, processesAt } from "../support/processes.ts";
import { type Random, seeded } from "../support/random.ts";
import { type Acknowledged, Client, Gate } from "../support/storm.ts";
import { until } from "../support/until.ts";

const KILLS = 200;
const CLIENTS = 8;
/** The share of daemons that die while they boot. */
const DIES_BOOTING = 0.5;
/** The longest the others live, in milliseconds from when they were ready. */
const READY_MS = 220;
/** The share of daemons that are told to end before they are killed, and how long those are left to it at most, in milliseconds. */
const ENDS_FIRST = 0.2;
const ENDING_MS = 150;
/** The share of definitions that need another service. */
const HAS_NEEDS = 0.25;

const SHARED = ["shared-a", "shared-b"];
const ownOf = (client: number): string[] => [`own-${client}`];
const NAMES = [...SHARED, ...Array.from({ length: CLIENTS }, (_, client) => ownOf(client)).flat()];

/** Whether somebody holds the lock of a file: the kernel's list names it by its inode. Source: proc_locks(5). */
function isLocked(file: string): boolean {
  if (!existsSync(file)) return false;
  const { ino } = statSync(file);
  return readFileSync("/proc/locks", "utf8").includes(`:${ino} `);
}

const linesIn = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];

/** What a storm leaves behind: programs that hold a lock each, clients, and what was promised to them. */
class Storm {
  readonly made: Sprite;
  readonly locks: string;
  readonly gate = new Gate();
  readonly clients: Client[];
  readonly promised: Acknowledged[] = [];
  isBroken = false;
  /** So many promises were looked up already. */
  #checked = 0;

  constructor(made: Sprite, random: Random) {
    this.made = made;
    this.locks = join(made.dir, "locks");
    mkdirSync(this.locks);
    this.clients = Array.from(
      { length: CLIENTS },
      (_, client) =>
        new Client({
          sprite: made,
          random,
          gate: this.gate,
          promised: this.promised,
          own: ownOf(client),
          shared: SHARED,
          define: (service, tag) => ({
            cmd: fixture("once"),
            args: [join(this.locks, service), tag],
            backoff: { first: "20ms", max: "200ms" },
            needs: SHARED.includes(service) || random.next() > HAS_NEEDS ? [] : [SHARED[0]],
          }),
        }),
    );
  }

  /** No program found another life of its service alive. */
  nothingRanTwice(): void {
    const twice = NAMES.filter((name) => existsSync(join(this.locks, `${name}.twice`)));
    expect(twice).toEqual([]);
  }

  /** Every command that was acknowledged is in the log, as what it was. */
  everyPromiseIsKept(promised: readonly Acknowledged[]): void {
    const kept = queryLog(this.made.stateDir, (db) => {
      const find = db.prepare<[string], { stream: string; type: string }>(
        "SELECT stream, type FROM idempotency_keys JOIN events ON events.id = event_id WHERE key = ?",
      );
      return promised.map(({ key }) => find.get(key));
    });
    promised.forEach(({ key, stream, types }, index) => {
      expect(kept[index], `what ${key} (${types.join()}) promised of ${stream}`).toBeDefined();
      expect(kept[index]?.stream).toBe(stream);
      expect(types).toContain(kept[index]?.type);
    });
  }

  /** Every service is as its only client was promised, and what is stopped has no process. */
  async everyServiceIsAsPromised(): Promise<void> {
    const { text } = await this.made.ask({ path: "/v1/services" });
    const services = new Map(
      (JSON.parse(text) as ServiceWire[]).map((service) => [service.name, service]),
    );
    for (const { believed } of this.clients) {
      for (const [name, one] of believed) {
        const { args = [], state } = services.get(name) ?? {};
        const what = state ? `${state.phase} ${args[1]} ${state.desired}` : "not there";
        const agrees = (belief: Belief) =>
          belief === "absent"
            ? state === undefined || state.phase === "stopping"
            : belief.tag === args[1] && belief.desired === state?.desired;
        try {
          one.seen(what, agrees);
        } catch (error) {
          throw new Error(`${name}: ${String(error)}\n${this.#historyOf(name)}`, { cause: error });
        }
      }
    }
    for (const [name, { state }] of services) {
      if (state.phase !== "stopped") continue;
      expect(isLocked(join(this.locks, `${name}.lock`)), `${name} is stopped, and locked`).toBe(
        false,
      );
    }
  }

  #historyOf(name: string): string {
    return this.made
      .rowsOf(name)
      .slice(-20)
      .map(({ seq, type, from_state: from, to_state: to, actor }) =>
        [seq, type, from, to, actor].join(" "),
      )
      .join("\n");
  }

  async check(): Promise<void> {
    await until("all clients wait", () => this.gate.waiting === this.clients.length);
    this.nothingRanTwice();
    this.everyPromiseIsKept(this.promised.slice(this.#checked));
    this.#checked = this.promised.length;
    await this.everyServiceIsAsPromised();
  }
}

/** How long the last whole boot took, in milliseconds. */
let bootMs = 500;

/** Boots; some die while they do, in the last two thirds, where the log is open. @returns how many */
async function bootOrDie(made: Sprite, random: Random): Promise<number> {
  let killed = 0;
  while (random.next() < DIES_BOOTING) {
    made.launch();
    await pause(bootMs * (1 / 3 + (random.next() * 2) / 3));
    await made.killDaemon();
    killed += 1;
  }
  const since = performance.now();
  await made.boot();
  bootMs = performance.now() - since;
  return killed;
}

/** Kills so many daemons at random moments while the clients give orders. */
async function rage(storm: Storm, random: Random): Promise<void> {
  const { made, gate, clients } = storm;
  for (let kills = 0; kills < KILLS && !storm.isBroken; kills += 1) {
    try {
      kills += await bootOrDie(made, random);
      await storm.check();
      gate.open();
      await pause(random.below(READY_MS));
      gate.close();
      if (random.next() < ENDS_FIRST) {
        made.daemon?.signal("SIGTERM");
        await pause(random.below(ENDING_MS));
      }
      await made.killDaemon();
    } catch (error) {
      const said = made.daemon?.said();
      throw new Error(`at kill ${kills}: ${String(error)}\n${said}`, { cause: error });
    }
  }
  for (const client of clients) client.stop();
}

it(`after ${KILLS} SIGKILLs of the daemon in a storm of commands nothing acknowledged is lost and nothing runs twice`, async () => {
  const seed = Number(process.env["STORM_SEED"] ?? Date.now() % 1_000_000_000);
  const random = seeded(seed);
  const storm = new Storm(sprite(), random);
  const giving = storm.clients.map((client) => client.run());
  const broken = Promise.race(giving.map((one) => one.then(() => new Promise<never>(() => {}))));
  const raging = rage(storm, random);
  try {
    await Promise.race([raging, broken]);
    await storm.made.boot();
    await storm.check();
    storm.gate.open();
    await Promise.all(giving);
    await settled(storm);
    await verified(storm);
  } catch (error) {
    storm.isBroken = true;
    await raging.catch(() => {}); // it starts no more daemons then
    throw new Error(`STORM_SEED=${seed} draws the same: ${String(error)}`, { cause: error });
  }
}, 1_500_000);

/** Everything becomes what it is wished to be, and has a process exactly where it is to run. */
async function settled({ made, locks }: Storm): Promise<void> {
  let services: ServiceWire[] = [];
  const isAsWished = ({ name, state: { phase, desired, waiting_for: waits } }: ServiceWire) => {
    const wished = waits ? "pending" : "running";
    const isRight = phase === (desired === "running" ? wished : "stopped");
    return isRight && isLocked(join(locks, `${name}.lock`)) === (phase === "running");
  };
  const look = async () => {
    services = JSON.parse((await made.ask({ path: "/v1/services" })).text) as ServiceWire[];
    return services.every(isAsWished);
  };
  const others = () => services.filter((service) => !isAsWished(service));
  await until("everything is as it is wished to be", look, undefined, others);
}

/** What the log says, and the programs about themselves, once all is over. */
async function verified(storm: Storm): Promise<void> {
  const { made, locks, clients } = storm;
  const ended = await made.shutDown();
  expect(ended).toMatchObject({ code: 0 });
  expect(processesAt(made.dir).map(describeProcess)).toEqual([]);
  storm.nothingRanTwice();
  storm.everyPromiseIsKept(storm.promised);

  const rows = made.rows();
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
  const asked = rows.filter(({ actor }) => actor.startsWith("uid:"));
  const keyed = asked.filter(({ type }) => type !== "service.delete_requested").map(({ id }) => id);
  const known = queryLog(made.stateDir, (db) =>
    db
      .prepare<[], { key: string; event_id: string }>("SELECT key, event_id FROM idempotency_keys")
      .all(),
  );
  expect(known.map(({ event_id: id }) => id).toSorted()).toEqual(keyed.toSorted());
  const sent = new Set(clients.flatMap(({ keys }) => [...keys]));
  expect(known.filter(({ key }) => !sent.has(key))).toEqual([]);
  for (const name of NAMES) {
    const lives = linesIn(join(locks, `${name}.lives`)).length;
    const requests = made.rowsOf(name, "process.spawn_requested").length;
    expect(lives, `lives of ${name}`).toBeLessThanOrEqual(requests);
  }

  const state = ["--state-dir", made.stateDir];
  expect(await made.cli("audit", "verify", ...state)).toMatchObject({ code: 0 });
  expect(await made.cli("replay", "--check", ...state)).toMatchObject({ code: 0 });
}
