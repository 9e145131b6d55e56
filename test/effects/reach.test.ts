import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkDirectory, findProgram } from "../../src/effects/program.ts";
import { closedTo } from "../../src/effects/reach.ts";
import type { RunAs } from "../../src/effects/user.ts";

const someone: RunAs = { uid: 54_321, gid: 54_321, groups: [54_321, 54_400], name: "user `x`" };

/** Lets one more user execute a file: an access list with that user's entry. Source: linux/posix_acl_xattr.h. */
const GRANT = `
import os, struct, sys
entries = [(1, 7, -1), (2, 5, int(sys.argv[2])), (4, 0, -1), (16, 5, -1), (32, 0, -1)]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", t, p, i & 0xffffffff) for t, p, i in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", acl)
`;

/** Only root can give files to others, and ask the kernel as somebody else. */
describe.skipIf(process.getuid?.() !== 0)("what a user may reach", () => {
  let dir: string;
  const at = (name: string) => join(dir, name);
  const make = (name: string, mode: number, uid = 0, gid = 0, isFolder = false) => {
    if (isFolder) mkdirSync(at(name));
    else writeFileSync(at(name), "#!/bin/sh\n");
    chownSync(at(name), uid, gid);
    chmodSync(at(name), mode);
  };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "sprite-env-reach-"));
    chmodSync(dir, 0o755);
    make("all", 0o755);
    make("root", 0o700);
    make("own", 0o700, 54_321);
    make("not-even-own", 0o677, 54_321);
    make("first-group", 0o710, 0, 54_321);
    make("other-group", 0o710, 0, 54_400);
    make("not-that-group", 0o701, 0, 54_400);
    make("strangers-group", 0o710, 0, 54_999);
    make("closed", 0o700, 0, 0, true);
    make("closed/all", 0o755);
    make("open", 0o711, 0, 0, true);
    make("open/all", 0o755);
    symlinkSync("closed/all", at("to-closed"));
    symlinkSync("open/all", at("to-open"));
    symlinkSync("closed", at("folder-link"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it.each(["all", "own", "first-group", "other-group", "open/all", "to-open", "open"])(
    "%s is open",
    async (name) => {
      expect(await closedTo(at(name), someone)).toBeUndefined();
    },
  );

  it.each([
    ["root", "root"],
    ["not-even-own", "not-even-own"],
    ["not-that-group", "not-that-group"],
    ["strangers-group", "strangers-group"],
    ["closed", "closed"],
    ["closed/all", "closed"],
    ["to-closed", "closed"],
    ["folder-link/all", "folder-link"],
  ])("%s is closed, by %s", async (name, by) => {
    expect(await closedTo(at(name), someone)).toBe(at(by));
  });

  it("an access list opens what the mode does not", async () => {
    make("listed", 0o700);
    execFileSync("python3", ["-c", GRANT, at("listed"), "54321"]);
    expect(await closedTo(at("listed"), someone)).toBeUndefined();
    expect(await closedTo(at("listed"), { ...someone, uid: 54_322 })).toBe(at("listed"));
  });

  it("everything is open to root with another group", async () => {
    const ids = { uid: 0, gid: 54_321, groups: [] };
    expect(await closedTo(at("closed/all"), ids)).toBeUndefined();
  });

  it("a directory that is closed to the user is no place to start in", async () => {
    await expect(checkDirectory(at("closed"), someone)).rejects.toMatchObject({
      spawnError: {
        errno: "EACCES",
        message: `the working directory \`${at("closed")}\` cannot be entered by user \`x\`: Permission denied; its owner, its group and its mode say so: see \`ls -ld\``,
      },
    });
    await expect(checkDirectory(at("open"), someone)).resolves.toBeUndefined();
  });

  it("a program is looked for as that user: what is closed to it counts as not there", async () => {
    const place = { dir: "/", runAs: someone };
    const searchPath = `${at("closed")}:${at("open")}`;
    expect(await findProgram("all", { ...place, searchPath })).toBe(at("open/all"));
    await expect(findProgram("all", { ...place, searchPath: at("closed") })).rejects.toMatchObject({
      spawnError: {
        errno: "EACCES",
        message: `\`${at("closed/all")}\` cannot be executed by user \`x\`: Permission denied; \`${at("closed")}\` above it is closed to that user`,
      },
    });
    expect(await findProgram("all", { dir: "/", searchPath })).toBe(at("closed/all"));
  });

  it("a program that cannot be read is none through a wrapper, which would have a shell read it", () => {
    make("unreadable", 0o711);
    const module = new URL("../../src/effects/executable.ts", import.meta.url).href;
    const script = `
      const { inspectExecutable } = await import(${JSON.stringify(module)});
      const ask = async (isWrapped) =>
        (await inspectExecutable(${JSON.stringify(at("unreadable"))}, "/", isWrapped))?.message;
      console.log(JSON.stringify([(await ask(false)) ?? "", await ask(true)]));`;
    const asSomeone = ["--reuid=54321", "--regid=54321", "--clear-groups", "--"];
    const node = [process.execPath, "--input-type=module", "-e", script];
    const told = execFileSync("setpriv", [...asSomeone, ...node], { encoding: "utf8" });
    expect(JSON.parse(told)).toEqual(["", expect.stringContaining("cannot be read by the daemon")]);
  });

  it("does not take what it knows of a program from another user", async () => {
    const place = { dir: "/", searchPath: "" };
    expect(await findProgram(at("root"), place)).toBe(at("root"));
    await expect(findProgram(at("root"), { ...place, runAs: someone })).rejects.toThrow(
      "cannot be executed by user `x`",
    );
  });
});
