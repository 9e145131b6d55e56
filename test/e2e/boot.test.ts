import { expect, it } from "vitest";
import type { ServiceWire } from "../../src/api/view-schemas.ts";
import { bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import type { Row } from "../support/log-of.ts";
import { describeProcess, isLive, processesAt } from "../support/processes.ts";
import { until } from "../support/until.ts";

const forever = (needs: readonly string[] = []) => ({ cmd: fixture("forever"), needs });

/** Rows of the newest boot of a log. */
function ofThisBoot(made: Sprite): Row[] {
  const rows = made.rows();
  return rows.filter(({ boot_id: id }) => id === rows.at(-1)?.boot_id);
}

/** Where the first event of a kind stands in rows; fails where it is missing. */
function seqOf(rows: readonly Row[], name: string, type: string): number {
  const found = rows.find((row) => row.stream === `service/${name}` && row.type === type);
  if (!found) throw new Error(`there is no ${type} of ${name}`);
  return found.seq;
}

const isListed = async (made: Sprite): Promise<ServiceWire[]> =>
  JSON.parse((await made.ask({ path: "/v1/services" })).text) as ServiceWire[];

it("starts after a power cut what should run, in the order of needs and with independent arms side by side", async () => {
  const made = await bootedSprite();
  await made.put("db", forever());
  await made.put("queue", forever());
  await made.put("api", forever(["db"]));
  await made.put("page", forever(["api", "queue"]));
  await made.untilRunning("page");
  await made.cutPower();
  await made.boot();
  await made.untilRunning("page");

  const rows = ofThisBoot(made);
  const asked = (name: string) => seqOf(rows, name, "process.spawn_requested");
  const up = (name: string) => seqOf(rows, name, "process.spawned");
  expect(asked("api")).toBeGreaterThan(up("db"));
  expect(asked("page")).toBeGreaterThan(Math.max(up("api"), up("queue")));
  expect(asked("queue")).toBeLessThan(up("db"));
  expect(asked("db")).toBeLessThan(up("queue"));
});

it("says of a process that was gone when nobody looked that it was lost, and counts nothing", async () => {
  const made = await bootedSprite();
  await made.put("web", forever());
  await made.cutPower();
  await made.boot();
  await made.untilRunning("web");

  const state = await made.state("web");
  expect(state.restart_count).toBeUndefined();
  expect(state.last_exit).toEqual({ unknown: true });
  expect(ofThisBoot(made).some(({ type }) => type === "process.lost")).toBe(true);
});

it("lets one arm wait for what does not come up, and starts the others", async () => {
  const made = await bootedSprite();
  await made.put("db", { cmd: "false", backoff: { first: "30s" } });
  await made.put("api", forever(["db"]));
  await made.put("web", forever());
  await made.cutPower();
  await made.boot();
  await made.untilRunning("web");

  expect(await made.state("api")).toMatchObject({ phase: "pending", waiting_for: ["db"] });
});

it("starts a crashed service anew at a cold boot, and leaves one that was stopped while it crashed", async () => {
  const made = await bootedSprite();
  const crashes = { cmd: "false", backoff: { first: "20s", max: "20s" } };
  await made.put("again", crashes);
  await made.put("stopped", crashes);
  await made.untilState("stopped", "crashed", ({ phase }) => phase === "crashed");
  await made.cli("services", "stop", "stopped");
  await made.shutDown();
  await made.boot();

  await made.untilState("again", "crashed once more", ({ restart_count: count }) => count === 2);
  expect(ofThisBoot(made).some(({ type }) => type === "process.spawn_requested")).toBe(true);
  expect(await made.state("stopped")).toMatchObject({ phase: "stopped", desired: "stopped" });
});

it("stops in the reverse order of needs at TERM, ends with 0, and starts again what ran", async () => {
  const made = await bootedSprite();
  await made.put("db", forever());
  await made.put("api", forever(["db"]));
  await made.put("page", forever(["api"]));
  await made.untilRunning("page");
  const ended = await made.shutDown();

  expect(ended).toMatchObject({ code: 0, signal: null });
  expect(processesAt(made.dir).map(describeProcess)).toEqual([]);
  const rows = ofThisBoot(made);
  const told = (name: string) => seqOf(rows, name, "service.drain_requested");
  const gone = (name: string) => seqOf(rows, name, "incarnation.emptied");
  expect(told("api")).toBeGreaterThan(gone("page"));
  expect(told("db")).toBeGreaterThan(gone("api"));

  await made.boot();
  for (const name of ["db", "api", "page"]) await made.untilRunning(name);
});

it("KILLs at the deadline what ignores TERM, and what its end was waited for", async () => {
  const made = await bootedSprite({ flags: ["--shutdown-timeout", "1s"] });
  await made.put("db", forever());
  await made.put("web", { cmd: fixture("ignores-term"), needs: ["db"] });
  await made.untilLogged("web", "up");
  const ended = await made.shutDown();

  expect(ended).toMatchObject({ code: 0 });
  expect(processesAt(made.dir).map(describeProcess)).toEqual([]);
  expect(made.rowsOf("web", "process.exited").at(-1)?.data["status"]).toEqual({ signal: "KILL" });
  expect(made.rows().at(-1)?.type).toBe("environment.drained");
});

it("KILLs everything at once at a second TERM", async () => {
  const made = await bootedSprite();
  await made.put("web", { cmd: fixture("ignores-term") });
  await made.untilLogged("web", "up");
  made.daemon?.signal("SIGTERM");
  await until(
    "the service is asked to stop",
    () => made.rowsOf("web", "service.drain_requested").length === 1,
  );
  made.daemon?.signal("SIGTERM");

  expect(await made.daemon?.ended).toMatchObject({ code: 0 });
  expect(processesAt(made.dir).map(describeProcess)).toEqual([]);
  const [asked] = made.rowsOf("web", "service.drain_requested");
  const [killed] = made.rowsOf("web", "process.kill_sent");
  const stopTimeoutMs = 10_000;
  expect((killed?.at ?? Infinity) - (asked?.at ?? 0)).toBeLessThan(stopTimeoutMs);
});

it("lets no second daemon onto a state directory: it ends with 8 at once and names the first", async () => {
  const made = await bootedSprite();
  await made.put("web", forever());
  const { pid = 0 } = await made.state("web");
  const { daemon: first } = made;
  const before = made.rows().length;
  const second = await made.launch({ flags: ["--socket", `${made.dir}/other.sock`] }).ended;
  made.daemon = first;

  expect(second.code).toBe(8);
  expect(second.stderr).toContain(`pid ${first?.pid}`);
  expect(second.stderr).toContain(made.socket);
  expect(made.rows()).toHaveLength(before);
  expect(await made.state("web")).toMatchObject({ pid, status: "running" });
});

it("takes no wish while it ends, and says so", async () => {
  const made = await bootedSprite();
  await made.put("web", { cmd: fixture("ignores-term") });
  await made.untilLogged("web", "up");
  made.daemon?.signal("SIGTERM");
  await until(
    "the service is asked to stop",
    () => made.rowsOf("web", "service.drain_requested").length === 1,
  );
  const { code, stderr } = await made.cli("services", "create", "late", "--cmd", "true");

  expect(code).toBe(1);
  expect(stderr).toContain("shutting down");
  expect(made.rowsOf("late")).toEqual([]);
});

it("boots a hundred services, each once, and asks for no more than 64 spawns at a time", async () => {
  const made = await bootedSprite();
  const names = Array.from({ length: 100 }, (_, index) => `worker-${index}`);
  await Promise.all(names.map((name) => made.put(name, { cmd: "sleep", args: ["100000"] })));
  await made.cutPower();
  await made.boot();
  const running = await until("all run", async () => {
    const services = await isListed(made);
    return services.every(({ state }) => state.status === "running") && services;
  });

  expect(running.map(({ state }) => state.pid).every((pid) => isLive(pid ?? 0))).toBe(true);
  const rows = ofThisBoot(made);
  const requests = rows.filter(({ type }) => type === "process.spawn_requested");
  expect(requests.map(({ stream }) => stream).toSorted()).toEqual(
    names.map((name) => `service/${name}`).toSorted(),
  );
  let waiting = 0;
  let most = 0;
  for (const { type } of rows) {
    if (type === "process.spawn_requested") waiting += 1;
    if (type === "process.spawned") waiting -= 1;
    most = Math.max(most, waiting);
  }
  expect(most).toBeLessThanOrEqual(64);
});
