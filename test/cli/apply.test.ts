import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import {
  cli,
  cliOnTerminal,
  COMPLETE,
  failing,
  fakeDaemon,
  STARTED,
  temporary,
  WEB,
  type Answer,
  type FakeDaemon,
  type Ran,
} from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

const SAME = {
  name: "same",
  cmd: "a",
  args: [],
  needs: [],
  backoff: { max: "1m0s" },
  state: { version: 1 },
};
const OLD = { ...WEB, name: "old", env: { KEY: "hunter2", GONE: "x" }, state: { version: 7 } };

const WANTED = {
  app: { cmd: "npm", args: ["start"], needs: ["db", "same"] },
  db: { cmd: "postgres" },
  same: { cmd: "a", backoff: { max: "60s" } },
  old: { cmd: "python3", args: ["-m", "http.server", "4000"], env: { KEY: "hunter3" } },
};

const put: Answer = () => STARTED + COMPLETE;

async function daemonWith(answers: Record<string, Answer> = {}): Promise<FakeDaemon> {
  daemon = await fakeDaemon({
    "GET /v1/services": () => [SAME, OLD],
    "GET /v1/services/same": () => SAME,
    "GET /v1/services/old": () => OLD,
    "PUT /v1/services/app": put,
    "PUT /v1/services/db": put,
    "PUT /v1/services/old": put,
    ...answers,
  });
  return daemon;
}

const apply = (socket: string, wanted: unknown, ...words: string[]) =>
  cli(["services", "apply", "-f", "-", ...words], { socket, input: JSON.stringify(wanted) });

async function applyOnTerminal(socket: string, words: string[], input = ""): Promise<Ran> {
  const { path, remove } = temporary();
  const file = join(path, "services.json");
  writeFileSync(file, JSON.stringify(WANTED));
  const all = ["services", "apply", "-f", file, ...words];
  const ran = await cliOnTerminal(all, { socket, input, env: { NO_COLOR: "1" } });
  remove();
  return ran;
}

const puts = ({ seen }: FakeDaemon) => seen.filter(({ method }) => method === "PUT");

it("puts what is new or changed, what is needed first, for the version just read", async () => {
  const fake = await daemonWith();

  const { code } = await apply(fake.socket, WANTED);

  expect(code).toBe(0);
  expect(puts(fake).map(({ url }) => url)).toEqual([
    "/v1/services/db?duration=0s",
    "/v1/services/app?duration=0s",
    "/v1/services/old?duration=0s",
  ]);
  expect(puts(fake).map(({ headers }) => headers["if-match"])).toEqual([
    undefined,
    undefined,
    '"7"',
  ]);
  expect(JSON.parse(puts(fake)[0]?.body ?? "")).toEqual({ cmd: "postgres" });
});

it("shows the changes in words, without values of variables, and --dry-run changes nothing", async () => {
  const fake = await daemonWith();

  const shown = await applyOnTerminal(fake.socket, ["--dry-run"]);

  expect(shown.stdout.replaceAll("\r", "")).toBe(`+ db is new
    cmd: postgres
  same stays as it is
+ app is new
    cmd: npm
    args: start
    needs: db same
~ old changes, and is replaced if it runs
    args: -m http.server 3000 → -m http.server 4000
    env.KEY: gets another value
    http_port: 3000 is removed
    env.GONE: is removed
`);
  expect(puts(fake)).toEqual([]);
});

it("is JSON when piped: the plan, then what came of it", async () => {
  const fake = await daemonWith();

  const { stdout } = await apply(fake.socket, { old: WANTED.old });

  const lines = stdout
    .trim()
    .split("\n")
    .map((text): unknown => JSON.parse(text));
  expect(lines[0]).toMatchObject({ type: "plan", name: "old", action: "changed" });
  expect(lines[1]).toMatchObject({ name: "old", type: "started" });
  expect(stdout).not.toContain("hunter");
});

it("takes a list with names, and changes nothing where nothing differs", async () => {
  const fake = await daemonWith();

  const { code } = await apply(fake.socket, [{ name: "same", cmd: "a", backoff: { max: "60s" } }]);

  expect(code).toBe(0);
  expect(puts(fake)).toEqual([]);
});

it("warns of arguments that look like a secret, where they are new, without repeating them", async () => {
  const fake = await daemonWith();
  const wanted = { old: { ...WANTED.old, args: ["-m", "--token=hunter2"] }, same: WANTED.same };

  const { stderr } = await apply(fake.socket, wanted);

  expect(stderr).toContain("old: warning: argument 2 looks like a secret");
  expect(stderr).not.toContain("hunter2");
});

it("takes one way to write a value for another, and a text of somebody's own as it stands", async () => {
  const is = {
    ...SAME,
    env: { WAIT: "60s" },
    labels: { every: "60s" },
    user: "33",
    umask: "0027",
    success_exit_codes: [0, 3, 10],
    stop_signal: "INT",
    stop_timeout: "1m0s",
    ready: { tcp: "localhost:5432" },
  };
  const fake = await daemonWith({
    "GET /v1/services": () => [is],
    "GET /v1/services/same": () => is,
    "PUT /v1/services/same": put,
  });
  const wanted = {
    cmd: "a",
    backoff: { max: "60s" },
    env: { WAIT: "60s" },
    labels: { every: "60s" },
    user: 33,
    umask: "27",
    success_exit_codes: [10, 3, 0],
    stop_signal: "sigint",
    stop_timeout: "60s",
    ready: { tcp: 5432 },
  };

  await apply(fake.socket, { same: wanted });
  expect(puts(fake)).toEqual([]);

  await apply(fake.socket, { same: { ...wanted, env: { WAIT: "1m" } } });
  await apply(fake.socket, { same: { ...wanted, labels: { every: "1m" } } });
  await apply(fake.socket, { same: { ...wanted, success_exit_codes: [0, 3] } });
  expect(puts(fake)).toHaveLength(3);
});

it("ends at the first that is refused, and names what was not applied", async () => {
  const fake = await daemonWith({
    "PUT /v1/services/db": failing(
      409,
      "http_port_taken",
      "another service already has an HTTP port configured",
    ),
  });

  const { code, stderr } = await apply(fake.socket, WANTED);

  expect(code).toBe(4);
  expect(stderr).toContain(
    "db: another service already has an HTTP port configured (not applied either: app, old)",
  );
  expect(puts(fake)).toHaveLength(1);
});

it("a service that cannot be started gives 1, and the others get their turn", async () => {
  const fake = await daemonWith({
    "PUT /v1/services/db": () => '{"type":"error","data":"no such file","timestamp":1}\n',
  });

  expect((await apply(fake.socket, WANTED)).code).toBe(1);
  expect(puts(fake)).toHaveLength(3);
});

it.each([
  ["n\n", 1, 0],
  ["\n", 1, 0],
  ["y\n", 0, 3],
])(
  "asks on a terminal: after %j the exit code is %i and %i services are put",
  async (input, code, count) => {
    const fake = await daemonWith();

    const ran = await applyOnTerminal(fake.socket, [], input);

    expect(ran.stdout).toContain("Apply? [y/N]");
    expect(ran.code).toBe(code);
    expect(puts(fake)).toHaveLength(count);
  },
);

it("--yes does not ask", async () => {
  const fake = await daemonWith();

  const ran = await applyOnTerminal(fake.socket, ["--yes"]);

  expect(ran.stdout).not.toContain("Apply?");
  expect(puts(fake)).toHaveLength(3);
});

it.each([
  ["a circle", { a: { cmd: "x", needs: ["b"] }, b: { cmd: "x", needs: ["a"] } }, "a → b → a"],
  [
    "a name twice",
    [
      { name: "a", cmd: "x" },
      { name: "a", cmd: "y" },
    ],
    "names a twice",
  ],
  ["no name", [{ cmd: "x" }], "item 1 of standard input has no name"],
  ["no cmd", { a: {} }, "a has no cmd"],
  ["two names", { a: { name: "b", cmd: "x" } }, 'a calls itself "b"'],
  ["nothing", {}, "names no service"],
  ["a text", "x", "must hold a JSON object"],
])("refuses %s and sends nothing", async (_what, wanted, sentence) => {
  const fake = await daemonWith();

  const { code, stderr } = await apply(fake.socket, wanted);

  expect(stderr).toContain(sentence);
  expect({ code, puts: puts(fake) }).toEqual({ code: 2, puts: [] });
});
