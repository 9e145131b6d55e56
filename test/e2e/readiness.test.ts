import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import { signal } from "../support/processes.ts";
import { until } from "../support/until.ts";

type Body = Record<string, unknown>;

/** A service that is a script of the shell. */
const script = (text: string, more: Body = {}): Body => ({
  cmd: "sh",
  args: ["-c", text],
  ...more,
});
/** Goes on once there is a file. */
const after = (path: string): string => `until [ -e '${path}' ]; do sleep 0.02; done`;
const FOREVER = "while :; do sleep 1000; done";

const accepted = async (made: Sprite, name: string, body: Body): Promise<void> => {
  const { status, text } = await made.put(name, body);
  expect(text).not.toContain('"message"');
  expect(status).toBe(200);
};
const touch = async (made: Sprite, path: string) => void (await made.run(["touch", path]));
const ready = (made: Sprite, name: string) => made.rowsOf(name, "readiness.reached");
const reasons = (made: Sprite, name: string) =>
  made.rowsOf(name, "readiness.failed").map(({ data }) => data["reason"]);
const isStarting = ({ phase, pid }: { phase: string; pid?: number }) =>
  phase === "starting" && pid !== undefined;

/** A script that becomes ready in a way of its own once there is a file. */
const WAYS: Record<string, (go: string) => Body> = {
  log: (go) => script(`${after(go)}; echo 'now: ready.'; ${FOREVER}`, { ready: { log: "ready." } }),
  notify: (go) =>
    script(`${after(go)}; exec ${fixture("notifier.py")} READY=1 %stay`, {
      ready: { notify: true },
    }),
  fd: (go) => script(`${after(go)}; echo >&3; ${FOREVER}`, { ready: { fd: 3 } }),
  exec: (go) => script(FOREVER, { ready: { exec: ["test", "-e", go] } }),
};

describe.each(Object.entries(WAYS))("a service that shows by %s that it is ready", (_, way) => {
  it("is starting until then, says why, and lets start what needs it afterwards", async () => {
    const made = await bootedSprite();
    const go = join(made.dir, "go");
    await accepted(made, "db", way(go));
    await accepted(made, "app", script(FOREVER, { needs: ["db"] }));
    const state = await made.untilState("db", "says why", ({ error }) => error !== undefined);
    expect(state).toMatchObject({ status: "starting", phase: "starting" });
    expect(state.error).toMatch(/^not ready yet: ./);
    expect(await made.state("app")).toMatchObject({ phase: "pending", waiting_for: ["db"] });
    await touch(made, go);
    await made.untilRunning("app");

    expect(await made.state("db")).toMatchObject({ phase: "running" });
    expect((await made.state("db")).error).toBeUndefined();
    expect(ready(made, "db")).toHaveLength(1);
    const [asked] = made.rowsOf("app", "process.spawn_requested");
    expect(asked?.seq).toBeGreaterThan(ready(made, "db")[0]?.seq ?? Infinity);
  });

  it("must show it anew in its next life, and in one under the next daemon", async () => {
    const made = await bootedSprite();
    const go = join(made.dir, "go");
    await touch(made, go);
    await accepted(made, "db", way(go));
    const first = await made.untilRunning("db");
    await made.run(["rm", go]);
    signal(first, "SIGKILL");
    const again = await made.untilState("db", "starts again", isStarting);
    await made.untilState("db", "says why", ({ error }) => error !== undefined);
    expect(again.pid).not.toBe(first);
    expect(ready(made, "db")).toHaveLength(1);
    await touch(made, go);
    const second = await made.untilRunning("db", first);
    await made.run(["rm", go]);
    await made.killDaemon();
    await made.boot();
    await made.untilState("db", "starts again", (now) => isStarting(now) && now.pid !== second);
    expect(ready(made, "db")).toHaveLength(2);
    await touch(made, go);
    await made.untilRunning("db", second);
  });
});

it("a service that is ready before anybody looks is ready", async () => {
  const made = await bootedSprite();
  await accepted(made, "log", script(`echo ready; ${FOREVER}`, { ready: { log: "ready" } }));
  await accepted(made, "fd", script(`echo >&7; ${FOREVER}`, { ready: { fd: 7 } }));
  for (const name of ["log", "fd"]) {
    await made.untilRunning(name);
    const order = made.rowsOf(name).map(({ type }) => type);
    expect(order.indexOf("readiness.reached")).toBeGreaterThan(order.indexOf("process.spawned"));
    expect(reasons(made, name)).toEqual([]);
  }
});

describe("a service that is not ready in its time", () => {
  it("has crashed: it is ended, says why, and is tried again", async () => {
    const made = await bootedSprite();
    const body = {
      ready: { log: "ready" },
      ready_timeout: "2500ms",
      backoff: { first: "1h", max: "1h" },
    };
    await accepted(made, "db", script(FOREVER, body));
    const { pid = 0 } = await made.state("db");
    const state = await made.untilState("db", "has crashed", ({ phase }) => phase === "crashed");

    expect(state.error).toBe('not ready within 2.5 s: no line of its output holds "ready" yet');
    expect(state).toMatchObject({ restart_count: 1, status: "starting" });
    expect(state.next_restart_at).toBeDefined();
    expect(await made.run(["kill", "-0", `${pid}`])).not.toMatchObject({ code: 0 });
    const types = made.rowsOf("db").map(({ type }) => type);
    expect(types).toContain("timer.fired");
  });

  it("has failed for good where its policy tries no more", async () => {
    const made = await bootedSprite();
    const body = { ready: { fd: 3 }, ready_timeout: "100ms" };
    await accepted(made, "never", script(FOREVER, { ...body, restart: "never" }));
    const often = { ...body, max_failures: 2, window: "1m", backoff: { first: "0s" } };
    await accepted(made, "twice", script(FOREVER, often));
    for (const name of ["never", "twice"]) {
      const state = await made.untilState(name, "has failed", ({ phase }) => phase === "failed");
      expect(state.error).toContain("not ready within 0.1 s");
    }

    expect(made.rowsOf("twice", "process.spawned")).toHaveLength(2);
  });

  it("though its server drips an answer for ever", async () => {
    const made = await bootedSprite();
    const port = await dripping();
    const url = `http://127.0.0.1:${port}/`;
    const body = { ready: { http: url }, ready_timeout: "6s", restart: "never" };
    await accepted(made, "drips", script(FOREVER, body));
    const { error } = await made.untilState("drips", "failed", ({ phase }) => phase === "failed");

    expect(error).toBe("not ready within 6 s: no answer within 5s");
    expect(reasons(made, "drips")).toEqual(["no answer within 5s"]);
  });
});

/** A port whose answers have no end. */
async function dripping(): Promise<number> {
  const server = createTcpServer((socket: Socket) => {
    socket.write("HTTP/1.1 200 OK\r\nX-Slow: ");
    const drip = setInterval(() => socket.write("a"), 20);
    socket.on("close", () => clearInterval(drip)).on("error", () => {});
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

it("a daemon that stood still asks no burst of questions afterwards, and blames nobody", async () => {
  const made = await bootedSprite();
  const asked: number[] = [];
  let isSlow = false;
  const server = createServer((_, response) => {
    asked.push(performance.now());
    if (!isSlow) response.end();
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const http = `http://127.0.0.1:${port}/`;
  const health = { http, every: "200ms", timeout: "2s", failures: 1 };
  await accepted(made, "web", script(FOREVER, { health, ready: { http } }));
  await made.untilRunning("web");
  isSlow = true; // the question under way gets no answer while the daemon stands still
  const before = asked.length;
  await until("a question under way", () => asked.length > before);
  made.daemon?.signal("SIGSTOP");
  await sleep(4_000); // what is tested is that time goes by
  isSlow = false;
  const count = asked.length;
  const woke = performance.now();
  made.daemon?.signal("SIGCONT");
  await until("three more questions", () => asked.length >= count + 3);

  expect((asked[count + 2] ?? 0) - woke).toBeGreaterThan(400);
  expect(made.rowsOf("web", "health.failed")).toEqual([]);
  expect(made.rowsOf("web", "health.changed")).toEqual([]);
  expect(made.rowsOf("web", "process.spawned")).toHaveLength(1);
});

it("READY=1 of a stranger is ignored, and the daemon says so once", async () => {
  const made = await bootedSprite();
  const quiet = `echo "at=$NOTIFY_SOCKET."; ${FOREVER}`;
  await accepted(made, "web", script(quiet, { ready: { notify: true } }));
  const log = await made.untilLogged("web", /at=\S+\./);
  const name = /at=(\S+)\./.exec(log)?.[1] ?? "";
  const told = ["READY=1", "READY=1", "%wait", "READY=1", "%wait"];
  expect(await made.run([fixture("notifier.py"), ...told], { NOTIFY_SOCKET: name })).toMatchObject({
    code: 0,
  });

  expect(ready(made, "web")).toEqual([]);
  expect(made.daemon?.said().match(/READY=1 from process \d+ is ignored/g)).toHaveLength(1);
  const { error } = await made.untilState("web", "says why", (state) => state.error !== undefined);
  expect(error).toContain("which nothing proves to be of this service");
  expect((await made.cli("services", "stop", "web")).code).toBe(0);
});
