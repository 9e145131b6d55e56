import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { admit, checkDefaultUser } from "../../src/effects/admit.ts";
import { type Ids, personOf, type Wanted } from "../../src/effects/user.ts";

const root: Ids = { uid: 0, gid: 0, groups: [0] };
/** A daemon without root: user and group of `nobody`. */
const nobody: Ids = { uid: 65_534, gid: 65_534, groups: [65_534, 4] };
const number = (...words: string[]) =>
  Number(execFileSync("id", words, { encoding: "utf8" }).trim());

describe("as root", () => {
  it("nothing changes where nobody is named", async () => {
    expect(await personOf({}, root)).toEqual({});
  });

  it("a user comes with its group, its home and its groups", async () => {
    const ids = { uid: number("-u", "daemon"), gid: number("-g", "daemon") };
    const person = await personOf({ user: "daemon" }, root);
    expect(person.account).toMatchObject({ name: "daemon", home: "/usr/sbin" });
    expect(person.runAs).toEqual({ ...ids, groups: [ids.gid], name: "user `daemon`" });
    expect(await personOf({ user: String(ids.uid) }, root)).toMatchObject({
      runAs: ids,
      account: { name: "daemon" },
    });
  });

  it("a number that nobody has is taken, with the same group and no others", async () => {
    expect(await personOf({ user: "54321" }, root)).toEqual({
      runAs: { uid: 54_321, gid: 54_321, groups: [], name: "user `54321`" },
      account: expect.objectContaining({ name: "54321", home: "/" }) as object,
    });
  });

  it("a group stands in the place of the user's own", async () => {
    const { runAs } = await personOf({ user: "daemon", group: "adm" }, root);
    expect(runAs).toMatchObject({ uid: 1, gid: 4, groups: [4] });
    expect((await personOf({ user: "54321", group: "54322" }, root)).runAs).toMatchObject({
      uid: 54_321,
      gid: 54_322,
    });
  });

  it("with a group alone the daemon's user and groups stay", async () => {
    const { runAs, account } = await personOf({ group: "adm" }, root);
    expect(runAs).toEqual({ uid: 0, gid: 4, groups: [0], name: "group `adm`" });
    expect(account).toBeUndefined();
  });

  it("its own user needs no change, but that user's home counts", async () => {
    const { runAs, account } = await personOf({ user: "root", group: "0" }, root);
    expect(runAs).toBeUndefined();
    expect(account).toMatchObject({ name: "root", home: "/root" });
  });

  it("its own user with other groups than the daemon has is a change", async () => {
    const strange = { ...root, groups: [0, 4] };
    expect((await personOf({ user: "root" }, strange)).runAs).toMatchObject({ groups: [0] });
  });

  it.each([
    [{ user: "no-such" }, "user", "this machine has no user `no-such`"],
    [{ group: "no-such" }, "group", "this machine has no group `no-such`"],
    [{ user: "daemon", group: "no-such" }, "group", "no group `no-such`"],
  ])("a name that is not there is nobody: %j", async (wanted, field, words) => {
    await expect(personOf(wanted, root)).rejects.toMatchObject({ kind: "unknown", field });
    await expect(personOf(wanted, root)).rejects.toThrow(words);
  });
});

describe("without root", () => {
  it.each([{}, { user: "nobody" }, { user: "65534" }, { user: "nobody", group: "65534" }])(
    "its own user and group are no change: %j",
    async (wanted) => {
      expect((await personOf(wanted, nobody)).runAs).toBeUndefined();
    },
  );

  it.each([
    [{ user: "root" }, "user"],
    [{ user: "0" }, "user"],
    [{ user: "54321" }, "user"],
    [{ user: "nobody", group: "root" }, "group"],
    [{ group: "adm" }, "group"], // one that it is in: only root may make that its first
  ] as [Wanted, string][])("any other is not allowed: %j", async (wanted, field) => {
    await expect(personOf(wanted, nobody)).rejects.toMatchObject({ kind: "not_allowed", field });
    await expect(admit(wanted, nobody, {})).rejects.toMatchObject({
      code: "user_not_allowed",
      details: { field, value: wanted[field as "user"] },
    });
  });
});

describe("at the door", () => {
  it("what can be started is let in", async () => {
    const env = { A: "text", B: { $env: "LANG" } };
    await expect(admit({ user: "daemon", env }, root, { LANG: "C" })).resolves.toBeUndefined();
  });

  it("an unknown user or group is refused with field and value", async () => {
    await expect(admit({ user: "no-such" }, root, {})).rejects.toMatchObject({
      code: "invalid_request",
      details: { field: "user", value: "no-such", allowed: "a user of this machine, or a number" },
    });
    await expect(admit({ group: "no-such" }, root, {})).rejects.toMatchObject({
      details: { field: "group", value: "no-such" },
    });
  });

  it("variables that the daemon has not are refused, all of them by name", async () => {
    const env = { A: { $env: "FIRST" }, B: { $env: "LANG" }, C: { $env: "SECOND" } };
    await expect(admit({ env }, root, { LANG: "C" })).rejects.toMatchObject({
      code: "service_variable_missing",
      message: expect.stringContaining("no FIRST, SECOND") as string,
      details: { variables: ["FIRST", "SECOND"] },
    });
  });

  it.each([
    "SPRITE_HTTP_API_TOKEN",
    "SPRITE_S3_ACCESS_KEY",
    "SPRITE_S3_SECRET_ACCESS_KEY",
    "SPRITE_TOKEN",
  ])("%s is the daemon's own, whether it has it or not", async (name) => {
    const env = { MINE: { $env: name } };
    for (const daemon of [{ [name]: "v4lue" }, {}]) {
      const refused: unknown = await admit({ env }, root, daemon).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "invalid_request", details: { field: "env.MINE" } });
      expect(JSON.stringify(refused) + String(refused)).not.toContain("v4lue");
    }
  });

  it.each([
    "SPRITE_WRITE_DIR",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "MY_TOKEN",
    "MONKEY",
    "SPRITE_ENV_SOCKET",
  ])("%s is not", async (name) => {
    const env = { MINE: { $env: name } };
    await expect(admit({ env }, root, { [name]: "x" })).resolves.toBeUndefined();
  });
});

it("a default user that is not there, or not allowed, is an error of the configuration", async () => {
  await expect(checkDefaultUser("no-such", root)).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining("default_user: this machine has no user") as string,
  });
  await expect(checkDefaultUser("root", nobody)).rejects.toMatchObject({ code: "config_invalid" });
  await expect(checkDefaultUser("daemon", root)).resolves.toBeUndefined();
  await expect(checkDefaultUser(undefined, nobody)).resolves.toBeUndefined();
});
