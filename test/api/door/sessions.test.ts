import { beforeEach, describe, expect, it } from "vitest";
import { type KeptSession, Sessions } from "../../../src/api/door/sessions.ts";

const PORT = 4000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let now: number;
let kept: readonly KeptSession[];
let sessions: Sessions;

const make = (): Sessions =>
  new Sessions({ read: () => kept, write: (all) => void (kept = all) }, () => now);

beforeEach(() => {
  now = 1_000_000;
  kept = [];
  sessions = make();
});

/** What a browser sends back. */
const cookieOf = (header: string): string => header.split(";")[0] ?? "";

const enter = (readOnly = false): string =>
  cookieOf(sessions.enter(sessions.ticket("uid:7", readOnly), PORT));

describe("a ticket", () => {
  it("becomes a session of whoever asked for it, known by a cookie that no script reads", () => {
    const header = sessions.enter(sessions.ticket("uid:7", false), PORT);

    expect(header).toMatch(
      /^sprite_env_4000=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    expect(sessions.find(cookieOf(header), PORT)).toEqual({
      name: "uid:7",
      readOnly: false,
      actor: "uid:7",
    });
  });

  it("is good once", () => {
    const ticket = sessions.ticket("uid:7", false);
    sessions.enter(ticket, PORT);

    expect(() => sessions.enter(ticket, PORT)).toThrow("was used before: it is good once");
  });

  it("is good for a minute", () => {
    const ticket = sessions.ticket("uid:7", false);
    now += MINUTE + 1;

    expect(() => sessions.enter(ticket, PORT)).toThrow("is no longer good");
  });

  it("of another daemon, or with anything changed, is none", () => {
    const [text = "", signature = ""] = sessions.ticket("uid:7", true).split(".");
    const changed = Buffer.from(
      Buffer.from(text, "base64url").toString().replace("true", "false"),
    ).toString("base64url");
    const forged = [
      make().ticket("uid:7", false),
      `${changed}.${signature}`,
      `${text}.`,
      `${text}.${signature}x`,
      "",
      ".",
    ];

    for (const ticket of forged)
      expect(() => sessions.enter(ticket, PORT), ticket).toThrow("was not made by this daemon");
  });
});

describe("a session", () => {
  it("is not found by a forged cookie, none, or one of another port", () => {
    const cookie = enter();

    for (const other of [
      undefined,
      "",
      `${cookie}x`,
      "sprite_env_4000=",
      "sprite_env_4000=x",
      cookie.replace("4000", "4001"),
    ])
      expect(sessions.find(other, PORT), other).toBeUndefined();
    expect(sessions.find(cookie, PORT + 1)).toBeUndefined();
    expect(sessions.find(`theme=dark; ${cookie}; other=1`, PORT)).toBeDefined();
  });

  it("ends after twelve hours, and when somebody leaves", () => {
    const [first, second] = [enter(), enter()];
    expect(sessions.end(first, PORT)).toContain("Max-Age=0");
    expect(sessions.find(first, PORT)).toBeUndefined();
    now += 12 * HOUR + 1;
    expect(sessions.find(second, PORT)).toBeUndefined();
    expect(sessions.isUsed).toBe(false);
  });

  it("keeps to reading where that is asked for", () => {
    expect(sessions.find(enter(true), PORT)).toMatchObject({ readOnly: true });
  });

  it("is one of 64: the oldest makes room", () => {
    const all = Array.from({ length: 65 }, () => enter());

    expect(sessions.find(all[0], PORT)).toBeUndefined();
    expect(all.slice(1).every((cookie) => sessions.find(cookie, PORT))).toBe(true);
  });

  it("outlives the daemon, which keeps nothing that lets anybody in", () => {
    const cookie = enter();

    expect(JSON.stringify(kept)).not.toContain(cookie.split("=")[1]);
    expect(make().find(cookie, PORT)).toMatchObject({ name: "uid:7" });
    now += 13 * HOUR;
    expect(make().isUsed).toBe(false);
  });
});
