import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EnvValue, resolved } from "../../machines/definition.ts";
import { fromDaemon } from "../../src/effects/environment.ts";
import { createSurroundings, type SurroundingsDeps } from "../../src/effects/surroundings.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "sprite-env-surroundings-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const DAEMON = { PATH: "/bin", HOME: "/home/daemons", USER: "me", LANG: "C", SECRET: "s3cr3t" };
const create = (
  config: Partial<SurroundingsDeps["config"]> = {},
  daemon: NodeJS.ProcessEnv = DAEMON,
) =>
  createSurroundings({
    openEnv: (references: Readonly<Record<string, EnvValue>>) => fromDaemon(references, daemon),
    baseEnv: daemon,
    own: { uid: 0, gid: 0, groups: [0] },
    config: { defaultDir: "/var", isDefaultDirChosen: false, ...config },
  });
const web = (definition: object = {}) => resolved({ cmd: "web", ...definition });
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

it("a service that names nobody runs as the daemon does", async () => {
  const { env, ...rest } = await create().begin("in_1", web());
  expect(rest).toEqual({ dir: "/var" });
  expect(env).toMatchObject({ HOME: "/home/daemons", USER: "me", SPRITE_ENV_INCARNATION: "in_1" });
  expect(env).not.toHaveProperty("SECRET");
});

it("one that names a user gets who that is, and begins in that home", async () => {
  const { env, dir: where, runAs } = await create().begin("in_1", web({ user: "daemon" }));
  expect(where).toBe("/usr/sbin");
  expect(runAs).toMatchObject({ uid: 1, gid: 1 });
  expect(env).toMatchObject({ HOME: "/usr/sbin", USER: "daemon", LOGNAME: "daemon" });
  expect(env).toMatchObject({ SHELL: "/usr/sbin/nologin", PATH: "/bin", LANG: "C" });
});

it.each([
  ["a home that is not there is the root directory", {}, { user: "nobody" }, "/"],
  [
    "a default directory goes over the home",
    { isDefaultDirChosen: true },
    { user: "daemon" },
    "/var",
  ],
  ["a directory of its own goes over both", {}, { user: "daemon", dir: "/tmp" }, "/tmp"],
  ["a number without an entry has no home", {}, { user: "54321" }, "/"],
])("%s", async (_, config, definition, expected) => {
  expect((await create(config).begin("in_1", web(definition))).dir).toBe(expected);
});

it("whom the configuration names is for those that name nobody", async () => {
  const all = create({ defaultUser: "daemon" });
  expect((await all.begin("in_1", web())).runAs?.uid).toBe(1);
  expect((await all.begin("in_2", web({ user: "root" }))).runAs).toBeUndefined();
  expect((await all.begin("in_3", web({ group: "adm" }))).runAs).toMatchObject({ uid: 1, gid: 4 });
});

it("its own variables go over those of its file, and both over the daemon's", async () => {
  const envFile = file("env", "HOME=/from/file\nA=file\nB=file\nSPRITE_ENV_INCARNATION=in_9\n");
  const env = { B: "own", C: { $env: "SECRET" } };
  const found = await create().begin("in_1", web({ envFile, env }));
  expect(found.env).toMatchObject({ HOME: "/from/file", A: "file", B: "own", C: "s3cr3t" });
  expect(found.env["SPRITE_ENV_INCARNATION"]).toBe("in_1");
});

it("file and variables are read at each start", async () => {
  const daemon: NodeJS.ProcessEnv = { ...DAEMON, TURN: "1" };
  const all = create({}, daemon);
  const definition = web({ envFile: file("turn", "A=1"), env: { B: { $env: "TURN" } } });
  expect((await all.begin("in_1", definition)).env).toMatchObject({ A: "1", B: "1" });
  file("turn", "A=2");
  daemon["TURN"] = "2";
  expect((await all.begin("in_2", definition)).env).toMatchObject({ A: "2", B: "2" });
});

it("what belongs to a life sees what that began with, until it is over", async () => {
  const all = create();
  const envFile = file("goes", "A=1");
  const began = await all.begin("in_1", web({ envFile }));
  unlinkSync(envFile);
  expect(await all.of("in_1", web({ envFile }))).toBe(began);
  await expect(all.of("in_2", web({ envFile }))).rejects.toThrow("No such file");
  all.forget("in_1");
  await expect(all.of("in_1", web({ envFile }))).rejects.toThrow("No such file");
});

it.each([
  ["a user that is gone", { user: "no-such" }, { errno: "ENOENT" }, "no user `no-such`"],
  [
    "a file that is gone",
    { envFile: "/no/such" },
    { errno: "ENOENT" },
    "`/no/such` cannot be read",
  ],
  [
    "variables that the daemon has not, which another start does not change",
    { env: { A: { $env: "NOT_A" }, B: { $env: "NOT_B" } } },
    { errno: "ENOKEY", permanent: true },
    "no NOT_A, NOT_B",
  ],
])("keeps a service from starting: %s", async (_, definition, error, words) => {
  const begun = create().begin("in_1", web(definition));
  await expect(begun).rejects.toMatchObject({ spawnError: error });
  await expect(begun).rejects.toThrow(words);
});

it("another user keeps it from starting where the daemon is not root, for good", async () => {
  const all = createSurroundings({
    openEnv: () => ({}),
    baseEnv: DAEMON,
    own: { uid: 65_534, gid: 65_534, groups: [] },
    config: { defaultDir: "/", isDefaultDirChosen: false },
  });
  await expect(all.begin("in_1", web({ user: "root" }))).rejects.toMatchObject({
    spawnError: { errno: "EPERM", permanent: true },
  });
});
