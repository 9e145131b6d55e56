import { appendFileSync, cpSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleCli, keepCompiled } from "../../scripts/build.ts";
import { fakeDaemon, run, temporary, WEB, type FakeDaemon } from "./harness.ts";

const folder = temporary();
const cli = join(folder.path, "cli");
let daemon: FakeDaemon;

beforeAll(async () => {
  daemon = await fakeDaemon({ "GET /v1/services": () => [WEB] });
  await bundleCli(cli);
  await keepCompiled(cli);
}, 60_000);

afterAll(async () => {
  await daemon.close();
  folder.remove();
});

const list = (at: string) =>
  run(process.execPath, [join(at, "sprite-env.cjs"), "services", "list"], {
    socket: daemon.socket,
  });

it("the built CLI lists services, and knows its release", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

  expect(JSON.parse((await list(cli)).stdout)).toMatchObject([{ name: "web" }]);
  const told = await run(process.execPath, [join(cli, "sprite-env.cjs"), "--version"]);
  expect(told.stdout).toBe(`sprite-env ${version}\n`);
});

it("starts with the code that was compiled when it was built", () => {
  const { script } = createRequire(import.meta.url)(join(cli, "sprite-env.cjs")) as {
    script: { cachedDataRejected?: boolean };
  };

  expect(script.cachedDataRejected).toBe(false);
});

it("runs without that code, and with code that is damaged", async () => {
  const copy = join(folder.path, "copy");
  cpSync(cli, copy, { recursive: true });

  appendFileSync(join(copy, "verbs.cache"), "x");
  expect((await list(copy)).code).toBe(0);
  rmSync(join(copy, "verbs.cache"));
  expect((await list(copy)).code).toBe(0);
});

it("holds the daemon and SQLite apart: they are imported when they are needed", () => {
  const text = readFileSync(join(cli, "verbs.js"), "utf8");

  expect(text).toContain('load("../src/main.js")');
  expect(text).not.toMatch(/\bimport\(|better_sqlite3|fastify/);
});
