import { existsSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WIRE_NAMES } from "../../src/api/wire-names.ts";
import { fixture, linesOf, Sprite } from "../support/daemon.ts";
import { flagsOf } from "../support/definition-flags.ts";
import { freePort } from "../support/ports.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

type Body = Record<string, unknown>;

/** Hands a definition to the daemon; waits until it is taken. @throws where it is refused */
type Door = (made: Sprite, name: string, body: Body) => Promise<void>;

async function mustSucceed(made: Sprite, ...words: string[]): Promise<void> {
  const { code, stderr } = await made.cli(...words);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${code} ${stderr}`);
}

function fileOf(made: Sprite, name: string, content: object): string {
  const path = join(made.dir, `${name}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const DOORS: Record<string, Door> = {
  "flags of create": (made, name, body) =>
    mustSucceed(made, "services", "create", name, ...flagsOf(body), "--no-stream"),
  "PUT of the API": async (made, name, body) => {
    const { status, text } = await made.put(name, body);
    if (status !== 200) throw new Error(`${status} ${text}`);
  },
  "create --from a file": (made, name, body) => {
    const file = fileOf(made, name, body);
    return mustSucceed(made, "services", "create", name, "--from", file, "--no-stream");
  },
  "apply of a file": (made, name, body) =>
    mustSucceed(made, "services", "apply", "-f", fileOf(made, name, { [name]: body })),
};

/** A service that is a script of the shell. */
const script = (text: string, more: Body = {}): Body => ({
  cmd: "sh",
  args: ["-c", text],
  ...more,
});

/** Lives until somebody ends it. */
const FOREVER = "while :; do sleep 1000; done";

/** Waits until there is a file, by looking. */
const waitFor = (path: string): string => `until [ -e '${path}' ]; do sleep 0.05; done`;

/** Somebody else where we are root, else ourselves. */
const isRoot = process.getuid?.() === 0;
const OTHER_USER = isRoot ? "nobody" : userInfo().username;
const OTHER_GROUP = isRoot ? "daemon" : String(userInfo().gid);

interface Room {
  made: Sprite;
  /** A name for the service of this test. */
  name: string;
  /** Creates it through the door. */
  create: (body: Body) => Promise<void>;
  /** A path of this test's own, where nothing is yet. */
  path: (name: string) => string;
}

const touch = (path: string): void => writeFileSync(path, "");

const stop = (made: Sprite, name: string) => made.cli("services", "stop", name);

/** What each field does to a real process. A field without a test does not compile. */
const EFFECTS: Record<(typeof WIRE_NAMES)[keyof typeof WIRE_NAMES], (room: Room) => Promise<void>> =
  {
    cmd: async ({ made, name, create }) => {
      await create({ cmd: fixture("forever") });
      await made.untilLogged(name, "up");
    },
    args: async ({ made, name, create }) => {
      const text = `printf '<%s>' "$0" "$@"; echo; ${FOREVER}`;
      await create({ cmd: "sh", args: ["-c", text, "a b", "", "--c,d"] });
      await made.untilLogged(name, "<a b><><--c,d>");
    },
    env: async ({ made, name, create }) => {
      await create(script(`echo "it says $GREETING"; ${FOREVER}`, { env: { GREETING: "a=b, c" } }));
      await made.untilLogged(name, "it says a=b, c");
    },
    env_file: async ({ made, name, create, path }) => {
      writeFileSync(path("vars"), "# comment\nFROM_FILE='a file'\nBOTH=file\n");
      const body = { env_file: path("vars"), env: { BOTH: "env" } };
      await create(script(`echo "from $FROM_FILE, $BOTH wins"; ${FOREVER}`, body));
      await made.untilLogged(name, "from a file, env wins");
    },
    dir: async ({ made, name, create }) => {
      await create(script(`echo "in $(pwd)"; ${FOREVER}`, { dir: "/usr/lib" }));
      await made.untilLogged(name, "in /usr/lib\n");
    },
    user: async ({ made, name, create }) => {
      await create(
        script(`echo "as $(id -un) with $USER"; ${FOREVER}`, { user: OTHER_USER, dir: "/" }),
      );
      await made.untilLogged(name, `as ${OTHER_USER} with ${OTHER_USER}`);
    },
    group: async ({ made, name, create }) => {
      await create(
        script(`echo "as $(id -gn) or $(id -g)"; ${FOREVER}`, { group: OTHER_GROUP, dir: "/" }),
      );
      await made.untilLogged(name, new RegExp(`as ${OTHER_GROUP} or|or ${OTHER_GROUP}\\b`));
    },
    umask: async ({ made, name, create, path }) => {
      await create(script(`umask; touch '${path("new")}'; ${FOREVER}`, { umask: "0027" }));
      await made.untilLogged(name, "0027");
      await until("the file is there", () => existsSync(path("new")));
      expect((statSync(path("new")).mode & 0o777).toString(8)).toBe("640");
    },
    needs: async ({ made, name, create, path }) => {
      await made.put(`${name}-first`, script(waitFor(path("go")), { oneshot: true }));
      await create(script(FOREVER, { needs: [`${name}-first`] }));
      const { waiting_for } = await made.untilState(
        name,
        "waits",
        ({ phase }) => phase === "pending",
      );
      expect(waiting_for).toEqual([`${name}-first`]);
      touch(path("go"));
      await made.untilRunning(name);
    },
    http_port: async ({ made, name, create }) => {
      await create(script(FOREVER, { http_port: 4321 }));
      const { status, text } = await made.put(
        `${name}-second`,
        script(FOREVER, { http_port: 4322 }),
      );
      expect({ status, text }).toMatchObject({ status: 409, text: expect.stringContaining(name) });
      await made.cli("services", "delete", name);
    },
    restart: async ({ made, name, create }) => {
      await create(script("exit 3", { restart: "never" }));
      await made.untilState(name, "has failed", ({ phase }) => phase === "failed");
      expect(made.rowsOf(name, "process.spawn_requested")).toHaveLength(1);
    },
    success_exit_codes: async ({ made, name, create }) => {
      await create(script("exit 3", { restart: "on-failure", success_exit_codes: [0, 3] }));
      const state = await made.untilState(name, "is done", ({ phase }) => phase === "stopped");
      expect(state).toMatchObject({ desired: "running", last_exit: { code: 3 } });
    },
    backoff: async ({ made, name, create }) => {
      await create(script("exit 1", { backoff: { first: "1h", max: "2h", jitter: 0 } }));
      const waits = ({ next_restart_at }: { next_restart_at?: string }) =>
        next_restart_at !== undefined;
      const { next_restart_at = "" } = await made.untilState(name, "waits for its next try", waits);
      const [exited] = made.rowsOf(name, "process.exited");
      expect(Date.parse(next_restart_at) - (exited?.wall ?? 0)).toBeGreaterThan(3_590_000);
    },
    max_failures: async ({ made, name, create }) => {
      await create(script("exit 1", { backoff: { first: "10ms" }, max_failures: 3 }));
      await made.untilState(name, "has failed", ({ phase }) => phase === "failed");
      expect(made.rowsOf(name, "process.exited")).toHaveLength(3);
    },
    window: async ({ made, name, create }) => {
      const backoff = { first: "50ms", max: "50ms", jitter: 0 };
      await create(script("exit 1", { backoff, max_failures: 2, window: "1ms" }));
      await made.untilState(name, "goes on trying", ({ restart_count = 0 }) => restart_count > 3);
    },
    stop_signal: async ({ made, name, create }) => {
      await create(
        script(`trap 'echo got INT; exit 0' INT; echo up; ${FOREVER.replace("1000", "0.05")}`, {
          stop_signal: "SIGINT",
        }),
      );
      await made.untilLogged(name, "up");
      await stop(made, name);
      await made.untilLogged(name, "got INT");
      expect(made.rowsOf(name, "process.kill_sent")).toEqual([]);
    },
    stop_timeout: async ({ made, name, create }) => {
      await create({ cmd: fixture("ignores-term"), stop_timeout: "200ms" });
      await made.untilLogged(name, "up");
      await stop(made, name);
      expect(made.rowsOf(name, "process.kill_sent")).toHaveLength(1);
      expect(await made.state(name)).toMatchObject({
        phase: "stopped",
        last_exit: { signal: "KILL" },
      });
    },
    stop_command: async ({ made, name, create, path }) => {
      const ended = `echo ended by the command; exit 0`;
      const text = `trap 'echo got TERM' TERM; echo up; ${waitFor(path("end"))}; ${ended}`;
      await create(script(text, { stop_command: ["touch", path("end")] }));
      await made.untilLogged(name, "up");
      await stop(made, name);
      expect(await made.untilLogged(name, "ended by the command")).not.toContain("got TERM");
    },
    ready: async ({ made, name, create, path }) => {
      await create(script(FOREVER, { ready: { exec: ["test", "-e", path("go")] } }));
      await becomesReady(made, name, path("go"));
    },
    ready_timeout: async ({ made, name, create }) => {
      await create(script(FOREVER, { ready: { exec: ["false"] }, ready_timeout: "300ms" }));
      const { error } = await made.untilState(
        name,
        "has crashed",
        ({ phase }) => phase === "crashed",
      );
      expect(error).toContain("not ready within 0.3 s");
    },
    health: async ({ made, name, create, path }) => {
      const health = {
        exec: ["test", "!", "-e", path("sick")],
        every: "50ms",
        timeout: "5s",
        failures: 2,
      };
      await create(script(FOREVER, { health, backoff: { first: "1h", max: "1h" } }));
      await made.untilRunning(name);
      touch(path("sick"));
      const { error } = await made.untilState(
        name,
        "has crashed",
        ({ phase }) => phase === "crashed",
      );
      expect(error).toContain("unhealthy");
    },
    oneshot: async ({ made, name, create }) => {
      await create(script("echo done", { oneshot: true }));
      const state = await made.untilState(name, "is done", ({ phase }) => phase === "stopped");
      expect(state).toMatchObject({ desired: "running", last_exit: { code: 0 } });
      expect(made.rowsOf(name, "process.spawn_requested")).toHaveLength(1);
    },
    watch: async ({ made, name, create, path }) => {
      const file = path("watched");
      writeFileSync(file, "1");
      await create(script(FOREVER, { watch: [file] }));
      const pid = await made.untilRunning(name);
      let turn = 1;
      await until("a change restarts it", async () => {
        writeFileSync(file, String((turn += 1)));
        await pause(500); // as long as it changes, it is waited for
        return made.rowsOf(name, "service.restart_requested").length > 0;
      });
      const again = await made.untilRunning(name, pid);
      const [row] = made.rowsOf(name, "service.restart_requested");
      expect(row).toMatchObject({ actor: "watch", data: { path: file } });
      await made.cli("services", "stop", name);
      writeFileSync(file, "3");
      await pause(700);
      expect((await made.state(name)).phase).toBe("stopped");
      expect(isLive(again)).toBe(false);
    },
    labels: async ({ made, name, create }) => {
      await create(script(FOREVER, { labels: { tier: "web", "app/of": name } }));
      const { stdout } = await made.cli(
        "services",
        "list",
        "--label",
        "tier=web",
        "--label",
        `app/of=${name}`,
      );
      expect(JSON.parse(stdout)).toMatchObject([{ name, labels: { tier: "web", "app/of": name } }]);
    },
  };

/** It is up and not ready; then the file is there, and it is. */
async function becomesReady(made: Sprite, name: string, go: string): Promise<void> {
  const isUp = ({ phase, pid }: { phase: string; pid?: number }) =>
    phase === "starting" && pid !== undefined;
  await made.untilState(name, "is up and not ready", isUp);
  touch(go);
  await made.untilState(name, "is ready", ({ phase }) => phase === "running");
}

const python = (text: string): Body => ({ cmd: "python3", args: ["-c", text] });
const LOOK = "import os, socket, time";
const waitInPython = (go: string): string => `
while not os.path.exists('${go}'): time.sleep(0.05)`;

/** Every way to be ready, by a service that is ready once a file is there. */
const READY: Record<string, (go: string) => Promise<Body>> = {
  http: async (go) => {
    const port = await freePort();
    const text = `${LOOK}, http.server${waitInPython(go)}
http.server.test(http.server.SimpleHTTPRequestHandler, port=${port}, bind='127.0.0.1')`;
    return { ...python(text), ready: { http: `http://127.0.0.1:${port}/` } };
  },
  tcp: async (go) => {
    const port = await freePort();
    const text = `${LOOK}${waitInPython(go)}
listening = socket.create_server(('127.0.0.1', ${port}))
time.sleep(1000)`;
    return { ...python(text), ready: { tcp: `127.0.0.1:${port}` } };
  },
  exec: async (go) => script(FOREVER, { ready: { exec: ["test", "-e", go] } }),
  log: async (go) =>
    script(`echo not yet; ${waitFor(go)}; echo "now ready to serve"; ${FOREVER}`, {
      ready: { log: "ready to serve" },
    }),
  notify: async (go) => ({
    ...python(`${LOOK}${waitInPython(go)}
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'].replace('@', '\\0', 1))
time.sleep(1000)`),
    ready: { notify: true },
  }),
  fd: async (go) => script(`${waitFor(go)}; echo >&3; ${FOREVER}`, { ready: { fd: 3 } }),
};

describe.each(Object.entries(DOORS))("by %s", (_door, enter) => {
  const made = new Sprite();
  beforeAll(async () => {
    await made.boot();
  });
  afterAll(() => made.cleanUp());

  const roomFor = (name: string): Room => ({
    made,
    name,
    create: (body) => enter(made, name, body),
    path: (file) => join(made.home, `${name}-${file}`),
  });

  it.concurrent.each(Object.entries(EFFECTS))("%s does what it says", async (field, effect) => {
    await effect(roomFor(field.replaceAll("_", "-")));
  });

  it.concurrent.each(Object.entries(READY))(
    "it waits until the service is ready by %s",
    async (kind, bodyFor) => {
      const room = roomFor(`by-${kind}`);
      await room.create(await bodyFor(room.path("go")));
      await becomesReady(made, room.name, room.path("go"));
    },
  );
});

describe("on a daemon of its own", () => {
  const made = new Sprite();
  beforeAll(async () => {
    await made.boot({ env: { OF_THE_DAEMON: "the daemon's" } });
  });
  afterAll(() => made.cleanUp());

  it("a variable of the daemon's is read at each start, and shown by its name", async () => {
    const body = script(`echo "it is $MINE"; ${FOREVER}`, {
      env: { MINE: { $env: "OF_THE_DAEMON" } },
    });
    await made.put("from-daemon", body);
    await made.untilLogged("from-daemon", "it is the daemon's");

    const { stdout } = await made.cli("services", "get", "from-daemon");
    expect(JSON.parse(stdout)).toMatchObject({ env: { MINE: { $env: "OF_THE_DAEMON" } } });
    expect(JSON.stringify(made.rowsOf("from-daemon"))).not.toContain("the daemon's");
  });

  it("what get shows is written back by --from, and the service goes on undisturbed", async () => {
    const body = script(FOREVER, {
      env: { A: "1, 2" },
      umask: "0077",
      restart: "on-failure",
      success_exit_codes: [0, 3],
      backoff: { first: "1s", factor: 1.5 },
      max_failures: 5,
      window: "10m",
      stop_signal: "INT",
      stop_timeout: "3s",
      stop_command: ["true"],
      ready: { exec: ["true"] },
      ready_timeout: "20s",
      health: { exec: ["true"], every: "1m" },
      watch: ["/no/such/place"],
      labels: { a: "b" },
    });
    await made.put("same", body);
    const pid = await made.untilRunning("same");
    const { stdout } = await made.cli("services", "get", "same");
    writeFileSync(join(made.dir, "same.json"), stdout);

    const words = [
      "services",
      "create",
      "same",
      "--from",
      join(made.dir, "same.json"),
      "--no-stream",
    ];
    const again = await made.cli(...words);

    expect(linesOf(again.stdout)).toMatchObject([
      { type: "complete", message: expect.any(String) },
    ]);
    expect(isLive(pid)).toBe(true);
    expect((await made.state("same")).version).toBe(1);
  });

  it("update sets a field of a running service, and --unset takes it away again", async () => {
    const trap = `trap 'echo got INT; exit 0' INT; trap 'echo got TERM; exit 0' TERM; echo up $$; while :; do sleep 0.05; done`;
    await made.put("changing", script(trap));
    const first = await made.untilRunning("changing");
    await made.untilLogged("changing", `up ${first}`);

    await mustSucceed(
      made,
      "services",
      "update",
      "changing",
      "--stop-signal",
      "INT",
      "--no-stream",
    );
    const second = await made.untilRunning("changing", first);
    await made.untilLogged("changing", "got TERM");
    await made.untilLogged("changing", `up ${second}`);

    await mustSucceed(
      made,
      "services",
      "update",
      "changing",
      "--unset",
      "stop-signal",
      "--no-stream",
    );
    await made.untilRunning("changing", second);
    await made.untilLogged("changing", "got INT");
    expect(await made.get("changing")).not.toHaveProperty("stop_signal");
  });

  it("a oneshot that succeeded lets start what needs it, and one that fails is tried again", async () => {
    const path = join(made.home, "migrated");
    const migrate = `[ -e '${path}' ] && exit 0; touch '${path}'; exit 1`;
    await made.put("migrate", script(migrate, { oneshot: true, backoff: { first: "10ms" } }));
    await made.put("after-migrate", script(FOREVER, { needs: ["migrate"] }));

    await made.untilRunning("after-migrate");
    const exits = made.rowsOf("migrate", "process.exited").map(({ data }) => data);
    expect(exits).toMatchObject([{ status: { code: 1 } }, { status: { code: 0 } }]);
  });

  it("--label and --all act on those that are meant, what needs another before it or after it", async () => {
    await made.put("l-db", script(FOREVER, { labels: { of: "l", tier: "data" } }));
    await made.put("l-app", script(FOREVER, { needs: ["l-db"], labels: { of: "l", tier: "web" } }));
    await made.untilRunning("l-app");
    const phases = async () =>
      Promise.all(["l-db", "l-app"].map(async (name) => (await made.state(name)).phase));

    await mustSucceed(made, "services", "stop", "--label", "tier=web");
    expect(await phases()).toEqual(["running", "stopped"]);
    await mustSucceed(made, "services", "start", "--label", "of=l", "--no-stream");
    await made.untilRunning("l-app");
    await mustSucceed(made, "services", "stop", "--label", "of=l");
    expect(await phases()).toEqual(["stopped", "stopped"]);
    await mustSucceed(
      made,
      "services",
      "restart",
      "--label",
      "of=l",
      "--label",
      "tier=data",
      "--no-stream",
    );
    expect(await phases()).toEqual(["running", "stopped"]);
    await mustSucceed(made, "services", "delete", "--label", "of=l");
    expect((await made.ask({ path: "/v1/services?label=of=l" })).text).toBe("[]");
  });

  it.each([
    ["limits", { memory: "1G" }],
    ["schedule", "@daily"],
    ["http_autostart", "always"],
  ])("%s is refused by name, and nothing is stored", async (field, value) => {
    const before = made.rows().length;
    const { status, text } = await made.put("later", script(FOREVER, { [field]: value }));

    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: "not_built_yet", field });
    expect(made.rows()).toHaveLength(before);
  });
});
