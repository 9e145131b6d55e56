import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ENVIRONMENT_EVENT_TYPES } from "../machines/environment.ts";
import type { ServiceContext } from "../machines/service-context.ts";
import { SERVICE_EVENT_TYPES } from "../machines/service-events.ts";
import { ENVIRONMENT } from "../src/runtime/group.ts";
import { World } from "../test/support/world.ts";

/*
 * `node scripts/record-journal.ts VERSION`: records the log of a release, once, into `test/journals/`. Every later release replays it: see
 * `test/journals/journals.test.ts`, where the file's hash is to be noted. A recorded log is never made again.
 *
 * What happens is told below, in a simulated world with its own clock, so that the same release gives the same bytes.
 */

const world = new World();

/** What a runner reports about the present life of a service. */
async function report(name: string, ...facts: { type: string; [data: string]: unknown }[]) {
  const incarnation = world.dispatcher.view.service(name)?.context.open?.id ?? "";
  const known = facts.map((fact) => ({ incarnation, ...fact }));
  world.dispatcher.report(`service/${name}`, known);
  await world.settle();
}

const ask = (name: string, wish: string, data: object = {}) =>
  world.wish(`service/${name}`, { type: `service.${wish}`, ...data });

const change = (name: string, definition: object, start = true) =>
  ask(name, "changed", {
    definition: { cmd: name, ...definition },
    version: world.dispatcher.view.nextVersion(name),
    start,
  });

const MINUTE = 60_000;

async function needsAndReadiness(): Promise<void> {
  await world.create("postgres", {
    args: ["-D", "/data"],
    user: "postgres",
    umask: 0o077,
    ready: { kind: "tcp", port: 5432 },
    readyTimeoutMs: 20_000,
    labels: { tier: "data" },
  });
  await world.create("web", {
    args: ["-m", "http.server"],
    needs: ["postgres"],
    httpPort: 8000,
    env: { TOKEN: "sv_token", HOME_OF: { $env: "HOME" } },
    envFile: "/etc/web.env",
    health: { probe: { kind: "http", port: 8000, path: "/" }, everyMs: 5_000 },
  });
  await report("postgres", { type: "readiness.failed", reason: "connection refused" });
  await report("postgres", { type: "readiness.reached" });
  await report("web", { type: "health.changed", ok: false, reason: "503" });
  await report("web", { type: "health.changed", ok: true });
  await report("web", { type: "health.failed", reason: "no answer within 5s", failures: 3 });
  await world.pass(MINUTE);
}

async function crashes(): Promise<void> {
  await world.create("flaky", { backoff: { firstMs: 100, factor: 2, jitter: 0.5 } });
  for (let life = 0; life < 7; life += 1) {
    await world.exits("flaky", life % 2 === 0 ? { code: 1 } : { signal: "SEGV" });
    await world.pass(10_000);
  }
  await world.pass(2 * MINUTE);
  await world.create("brittle", { restart: "on-failure", maxFailures: 2, windowMs: MINUTE });
  for (const code of [1, 1]) {
    await world.exits("brittle", { code });
    await world.pass(1_000);
  }
  world.programs["missing"] = { spawnFails: "ENOENT" };
  await world.create("missing");
  await world.pass(1_000);
  world.programs["missing"] = {};
  await ask("missing", "start_requested");
}

async function tasks(): Promise<void> {
  await world.create("migrate", { oneshot: true, needs: ["postgres"] });
  await world.exits("migrate", { code: 0 });
  await world.create("check", { oneshot: true, successExitCodes: [0, 3], restart: "never" });
  await world.exits("check", { code: 3 });
  await world.create("never", { restart: "never" });
  await world.exits("never", { code: 1 });
}

async function wishes(): Promise<void> {
  world.programs["stubborn"] = { stubborn: true };
  await world.create("stubborn", { stopSignal: "INT", stopTimeoutMs: 3_000 });
  await ask("stubborn", "signal_requested", { signal: "HUP" });
  await ask("stubborn", "restart_requested", { timeoutMs: 500 });
  await world.pass(MINUTE);
  await ask("stubborn", "stop_requested");
  await world.pass(MINUTE);
  await world.create("gentle", { stopCommand: ["gentle", "stop"] });
  await ask("gentle", "stop_requested");
  world.programs["polite"] = { stubborn: true };
  await world.create("polite", { stopCommand: ["false"] });
  await ask("polite", "stop_requested");
  await report("polite", { type: "process.stop_command_failed", reason: "exited with code 1" });
  world.programs["immortal"] = { immortal: true };
  await world.create("immortal");
  await ask("immortal", "stop_requested");
  await world.pass(MINUTE);
}

async function definitions(): Promise<void> {
  await change("web", { needs: ["postgres"], httpPort: 8001, env: { TOKEN: "sv_next" } });
  await change("never", { args: ["again"] }, false);
  await world.create("brief");
  await ask("brief", "delete_requested");
  await world.create("brief", { args: ["second"] });
  await world.exits("brief", { code: 0 });
  await ask("brief", "delete_requested");
}

async function boots(): Promise<void> {
  world.dispatcher.report(ENVIRONMENT, [{ type: "clock.stepped", byMs: 90_000 }]);
  await world.settle();
  await world.boot(); // the daemon alone was killed: what lives is proven
  await world.pass(MINUTE);
  world.found = (id) => (id.endsWith("1") ? { kind: "unproven", pid: 4_242 } : { kind: "none" });
  await world.boot();
  await world.pass(MINUTE);
  world.found = () => ({ kind: "none" });
  world.machineBoot = "kernel-2";
  for (const process of world.processes.values()) process.alive = false;
  await world.boot();
  await world.pass(5 * MINUTE);
  const drain = { type: "environment.drain_requested", reason: "SIGTERM", deadlineMs: 10_000 };
  await world.wish(ENVIRONMENT, drain);
  await world.pass(MINUTE);
  await world.boot();
  await world.pass(MINUTE);
}

/** What a person sees of each service at the end. */
const ending = (): object[] =>
  [...world.dispatcher.view.services()].map(([name, { phase, context }]) => ({
    name,
    phase,
    ...seen(context),
  }));

const seen = ({ definition, desired, version, restartCount, lastExit }: ServiceContext) => ({
  desired,
  version,
  restart_count: restartCount,
  last_exit: lastExit ?? null,
  definition,
});

/** Types that only a fault leads to. */
const NOT_TOLD = ["stream.quarantined", "stream.retired"];

function mustTellAll(): void {
  const told = new Set(world.rows.map(({ type }) => type));
  const all = new Set<string>([...SERVICE_EVENT_TYPES, ...ENVIRONMENT_EVENT_TYPES]);
  const missing = [...all].filter((type) => !told.has(type) && !NOT_TOLD.includes(type));
  if (missing.length > 0) throw new Error(`no row of the journal is ${missing.join(" or ")}`);
  if (world.errors.length > 0) throw new Error(world.errors.join("\n"));
}

const lines = (values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("");

async function record(version: string): Promise<void> {
  const path = (kind: string): string =>
    fileURLToPath(new URL(`../test/journals/${version}.${kind}`, import.meta.url));
  if (existsSync(path("ndjson"))) throw new Error(`${path("ndjson")} is recorded already`);
  await world.boot();
  for (const part of [needsAndReadiness, crashes, tasks, wishes, definitions, boots]) await part();
  mustTellAll();
  world.assertFoldIsLive();
  writeFileSync(path("ndjson"), lines(world.rows));
  writeFileSync(path("ending.ndjson"), lines(ending()));
  process.stdout.write(`${world.rows.length} rows\n`);
}

await record(process.argv[2] ?? "");
