import { spawnSync } from "node:child_process";
import Database from "better-sqlite3";
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, bootedSprite, type Ended, type Sprite, sprite } from "../support/daemon.ts";

const isRoot = process.getuid?.() === 0;
const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
/** Another user, who can run the program from where it lies. */
const canBeNobody =
  isRoot && spawnSync("setpriv", [...asNobody.slice(1), BIN, "--version"]).status === 0;

/** Starts a daemon that cannot start, and gives its end. */
const refused = (made: Sprite, ...flags: string[]): Promise<Ended> => made.launch({ flags }).ended;

const inOneSentence = (ended: Ended): string => {
  expect(ended.stdout).toBe("");
  expect(ended.stderr).toMatch(/^sprite-env: /);
  expect(ended.stderr).not.toContain("    at "); // no stack: this is no bug
  return ended.stderr;
};

describe("the daemon does not start", () => {
  it("where logs cannot be written", async () => {
    const made = sprite();
    writeFileSync(join(made.dir, "file"), "");
    const ended = await refused(made, "--log-dir", join(made.dir, "file/logs"));

    expect(inOneSentence(ended)).toMatch(
      /file\/logs: Not a directory; make it writable.*--log-dir/,
    );
    expect(ended.code).toBe(1);
  });

  it.skipIf(!canBeNobody)("where logs belong to somebody else and we are not root", async () => {
    const made = sprite();
    chmodSync(made.dir, 0o777);
    mkdirSync(made.logDir, { mode: 0o755 });
    const { code, stderr } = await made.launch({ wrapper: asNobody }).ended;

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /logs: Permission denied; make it writable for user id 65534, or .*--log-dir/,
      ) as string,
    });
  });

  it("with a socket path of more than 107 bytes", async () => {
    const made = sprite();
    const path = join(made.dir, "s".repeat(108 - made.dir.length));
    const ended = await refused(made, "--socket", path);

    expect(inOneSentence(ended)).toMatch(/has 109 bytes, and the kernel takes 107: .*--socket/);
    expect(ended.code).toBe(2);
  });

  it("on the log of a newer release, and leaves it as it is", async () => {
    const made = await bootedSprite();
    await made.shutDown();
    const db = new Database(join(made.stateDir, "events.db"));
    db.prepare("INSERT INTO migrations VALUES ('9001_later.sql', 'x', 0)").run();
    db.close();
    const before = made.rows().length;
    const ended = await refused(made);

    expect(inOneSentence(ended)).toMatch(/written by a newer release.*9001_later\.sql.*run that/);
    expect(ended.code).toBe(1);
    expect(made.rows()).toHaveLength(before);
  });

  it.skipIf(!isRoot)("on a state directory of another user, and leaves it as it is", async () => {
    const made = sprite();
    mkdirSync(made.stateDir);
    chownSync(made.stateDir, 65_534, 65_534);
    const ended = await refused(made);

    expect(inOneSentence(ended)).toMatch(/belongs to user 65534 and we are user 0: .*chown -R 0/);
    expect(ended.code).toBe(1);
    expect(readdirSync(made.stateDir)).toEqual([]);
  });

  it("on a state directory that others can write to, and leaves it as it is", async () => {
    const made = sprite();
    mkdirSync(made.stateDir);
    chmodSync(made.stateDir, 0o777);
    const ended = await refused(made);

    expect(inOneSentence(ended)).toMatch(/can be written by other users: chmod go-w /);
    expect(ended.code).toBe(1);
    expect(readdirSync(made.stateDir)).toEqual([]);
  });

  it("on a file in the place of the state directory", async () => {
    const made = sprite();
    writeFileSync(made.stateDir, "");
    const ended = await refused(made);

    expect(inOneSentence(ended)).toMatch(/is not a directory: name another one/);
    expect(ended.code).toBe(1);
  });

  it("on a socket path where a file is", async () => {
    const made = sprite();
    writeFileSync(made.socket, "mine");
    const ended = await refused(made);

    expect(ended.stderr).toMatch(/there is a file that is no socket: remove it/);
    expect(ended.code).toBe(7);
  });

  it.each<[string, string[], RegExp]>([
    ["an unknown flag", ["--state-dri", "x"], /no flag --state-dri: did you mean --state-dir/],
    ["a negative time", ["--shutdown-timeout", "-1s"], /--shutdown-timeout/],
    ["a bad level", ["--log-level", "loud"], /--log-level is "loud": allowed is/],
    ["a word that is no flag", ["web"], /unexpected argument "web"/],
    [
      "a flag of a later release",
      ["--proxy-listen", ":1"],
      /--proxy-listen.*does not act on it yet/,
    ],
    [
      "nothing to tell who asks over TCP",
      ["--listen", ":0"],
      /listen on :0, and SPRITE_HTTP_API_TOKEN is not set/,
    ],
    ["no such configuration", ["--config", "/nope.json"], /\/nope\.json/],
  ])("with %s", async (_, flags, sentence) => {
    const made = sprite();
    const ended = await refused(made, ...flags);

    expect(inOneSentence(ended)).toMatch(sentence);
    expect(ended.code).toBe(2);
    expect(readdirSync(made.dir)).toEqual(["home"]);
  });

  it.each<[string, string, RegExp]>([
    ["no JSON", "{", /config\.json/],
    ["an unknown key", '{"state_dri":"x"}', /state_dri.*did you mean state_dir/],
    ["a missing variable", '{"state_dir":{"$env":"NOPE_X"}}', /NOPE_X/],
    ["a bad value", '{"shutdown_timeout":"-1s"}', /shutdown_timeout/],
  ])("with a configuration that has %s", async (_, text, sentence) => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    writeFileSync(file, text);
    const ended = await refused(made, "--config", file);

    expect(inOneSentence(ended)).toMatch(sentence);
    expect(ended.code).toBe(2);
  });
});

describe("a verb without a daemon", () => {
  it("ends with 7, names where it looked and how to start one", async () => {
    const made = sprite();
    const ended = await made.cli("services", "list");

    expect(inOneSentence(ended)).toContain(`no daemon answers; tried ${made.socket} (not there)`);
    expect(ended.stderr).toContain("sprite-env serve");
    expect(ended.code).toBe(7);
  });

  it("ends with 7 where a killed daemon left its socket", async () => {
    const made = await bootedSprite();
    await made.killDaemon();
    const ended = await made.cli("services", "stop", "web");

    expect(inOneSentence(ended)).toContain("nobody listens any more");
    expect(ended.code).toBe(7);
  });

  it("ends with 2 for a socket path of more than 107 bytes", async () => {
    const made = sprite();
    const ended = await made.cli("services", "list", "--socket", `/tmp/${"s".repeat(103)}`);

    expect(inOneSentence(ended)).toContain("has 108 bytes, and the kernel takes 107");
    expect(ended.code).toBe(2);
  });

  it.skipIf(!canBeNobody)(
    "ends with 6 for another user, and says whose the daemon is",
    async () => {
      const made = await bootedSprite();
      chmodSync(made.dir, 0o755);
      const ended = await made.run([...asNobody, BIN, "services", "list"]);

      expect(inOneSentence(ended)).toMatch(/permission denied on .*api\.sock.*socket_mode/);
      expect(ended.code).toBe(6);
    },
  );
});
