import { afterEach, expect, it } from "vitest";
import { cli, COMPLETE, fakeDaemon, STARTED, WEB, type FakeDaemon, type Ran } from "./harness.ts";

const CURRENT = {
  ...WEB,
  env: { PORT: "3000", DEBUG: "1" },
  dir: "/srv",
  backoff: { first: "1s", max: "30s" },
  health: { tcp: "localhost:3000", every: "5s" },
  labels: { tier: "web", "app/part-of": "shop" },
  ready: { tcp: "localhost:3000" },
};

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

async function update(...words: string[]): Promise<Ran & { change: unknown; match: unknown }> {
  daemon = await fakeDaemon({
    "GET /v1/services/web": () => CURRENT,
    "PATCH /v1/services/web": () => STARTED + COMPLETE,
  });
  const ran = await cli(["services", "update", "web", ...words], { socket: daemon.socket });
  const patch = daemon.seen.find(({ method }) => method === "PATCH");
  const change: unknown = patch && JSON.parse(patch.body);
  return { ...ran, change, match: patch?.headers["if-match"] };
}

it("sends only what is given, for the version just read, and prints the lines", async () => {
  const ran = await update("--http-port", "8080", "--args", "");

  expect(ran).toMatchObject({ code: 0, stdout: STARTED + COMPLETE });
  expect(ran.change).toEqual({ http_port: 8080, args: [] });
  expect(ran.match).toBe('"3"');
});

it("--if-match names another version", async () => {
  expect((await update("--dir", "/x", "--if-match", "2")).match).toBe('"2"');
});

it("lays labels over what is there, and puts one way to be ready in the place of another", async () => {
  const { change } = await update("--label", "team=a", "--labels", "tier=api", "--ready.notify");

  expect(change).toEqual({
    labels: { tier: "api", "app/part-of": "shop", team: "a" },
    ready: { notify: true },
  });
});

it("lays variables, backoff and health over what is there", async () => {
  const { change } = await update(
    "--env-var",
    "DEBUG=2",
    "--backoff.max",
    "1m",
    "--health.http",
    "http://localhost/",
  );

  expect(change).toEqual({
    env: { PORT: "3000", DEBUG: "2" },
    backoff: { first: "1s", max: "1m" },
    health: { every: "5s", http: "http://localhost/" },
  });
});

it("--unset removes a field, or one part of it", async () => {
  const { change } = await update(
    "--unset",
    "dir",
    "--unset",
    "env.DEBUG",
    "--unset",
    "http-port",
    "--unset",
    "backoff.first",
  );

  expect(change).toEqual({
    dir: null,
    env: { PORT: "3000" },
    http_port: null,
    backoff: { max: "30s" },
  });
});

it("--unset takes a part of labels by its name as it stands, and any field", async () => {
  const { change } = await update(
    ...["--unset", "labels.app/part-of", "--unset", "ready", "--unset", "stop-signal"],
    ...["--unset", "env_file"],
  );

  expect(change).toEqual({
    labels: { tier: "web" },
    ready: null,
    stop_signal: null,
    env_file: null,
  });
});

it("--oneshot=false says so", async () => {
  expect((await update("--oneshot=false")).change).toEqual({ oneshot: false });
});

it("--unset of the last part removes the field", async () => {
  const { change } = await update("--unset", "backoff.first", "--unset", "backoff.max");

  expect(change).toEqual({ backoff: null });
});

it.each([
  [[], "nothing to change is given"],
  [["--unset", "cmd"], "cannot be without a cmd"],
  [["--unset", "drr"], "did you mean dir?"],
  [["--unset", "env.NOPE"], "has no env.NOPE"],
  [["--unset", "dir", "--dir", "/x"], "given and removed"],
])("refuses %j and sends nothing", async (words, sentence) => {
  const { code, stderr, change } = await update(...words);

  expect(stderr).toContain(sentence);
  expect({ code, change }).toEqual({ code: 2, change: undefined });
});
