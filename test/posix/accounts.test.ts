import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import { expect, it } from "vitest";
import { accountOf, groupOf, groupsOf } from "../../src/posix/accounts.ts";

const lines = (database: "passwd" | "group"): string[][] =>
  execFileSync("getent", [database], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.split(":"));

it("reads every user as getent does, by name and by number", async () => {
  const users = lines("passwd");
  expect(users.length).toBeGreaterThan(5);
  for (const [name = "", , uid, gid, , home, shell] of users) {
    const expected = { name, uid: Number(uid), gid: Number(gid), home, shell };
    expect(await accountOf(name)).toEqual(expected);
    expect(await accountOf(String(uid))).toMatchObject({ uid: Number(uid) });
  }
});

it("reads every group as getent does, by name and by number", async () => {
  for (const [name = "", , gid = ""] of lines("group")) {
    expect(await groupOf(name)).toEqual({ name, gid: Number(gid) });
    expect(await groupOf(gid)).toMatchObject({ gid: Number(gid) });
  }
});

it("knows all groups of a user, as id does", async () => {
  for (const [name = ""] of lines("passwd").slice(0, 40)) {
    const account = await accountOf(name);
    const told = execFileSync("id", ["-G", name], { encoding: "utf8" }).trim().split(" ");
    const found = await groupsOf(name, account?.gid ?? 0);
    expect(found.map(String).toSorted()).toEqual(told.toSorted());
  }
});

it("agrees with Node on who we are", async () => {
  const { username, uid, gid, homedir, shell } = userInfo();
  expect(await accountOf(String(uid))).toEqual({ name: username, uid, gid, home: homedir, shell });
});

it.each(["no-such-user", "", "ünknown", "x".repeat(10_000), "4294967293"])(
  "knows no user and no group %j",
  async (name) => {
    expect(await accountOf(name)).toBeUndefined();
    expect(await groupOf(name)).toBeUndefined();
  },
);

it("answers many at once, each with its own", async () => {
  const names = lines("passwd").map(([name = ""]) => name);
  const asked = Array.from({ length: 300 }, (_, index) => names[index % names.length] ?? "");
  const found = await Promise.all(asked.map((name) => accountOf(name)));
  expect(found.map((account) => account?.name)).toEqual(asked);
});
