import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { parseFlags } from "../../src/config/flags.ts";
import { addressText, isLoopback, listenAddress } from "../../src/config/listen.ts";
import { loadConfig } from "../../src/config/load.ts";

const dir = mkdtempSync(join(tmpdir(), "sprite-tokens-"));
afterAll(() => rmSync(dir, { recursive: true }));

const LONG = "0123456789abcdef";
const SHORT = "hunter2";

function load(file: object, env: Record<string, string> = {}, argv: string[] = []) {
  const path = join(dir, "config.json");
  writeFileSync(path, JSON.stringify(file));
  return loadConfig(parseFlags(["--config", path, ...argv]), {
    env: { HOME: dir, XDG_RUNTIME_DIR: dir, ...env },
    cwd: dir,
    uid: 1000,
    hostname: "box",
    program: "sprite-env",
    canWrite: () => false,
  });
}

function refusal(...args: Parameters<typeof load>): AppError {
  try {
    load(...args);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("was not refused");
}

describe("an address to listen on", () => {
  it.each([
    [":8080", { port: 8080 }],
    ["0.0.0.0:7778", { host: "0.0.0.0", port: 7778 }],
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["[::1]:65535", { host: "::1", port: 65535 }],
    ["localhost:1", { host: "localhost", port: 1 }],
    ["my-host.example:80", { host: "my-host.example", port: 80 }],
  ])("%s is read, and written again", (text, address) => {
    expect(
      load({ api_listen_addr: text }, { SPRITE_HTTP_API_TOKEN: LONG }).config.apiListen,
    ).toEqual(address);
    expect(listenAddress(text, "x")).toEqual(address);
    expect(addressText(listenAddress(text, "x"))).toBe(text);
  });

  it.each(["8080", ":", "a:b", "http://x:80", "::1:80", "1.2.3.4:65536", "x:999999", ":-1", ""])(
    "%j is refused",
    (text) => {
      const message = expect.stringContaining("api_listen_addr") as string;
      expect(refusal({ api_listen_addr: text }, { SPRITE_HTTP_API_TOKEN: LONG })).toMatchObject({
        code: "config_invalid",
        message,
      });
    },
  );

  it("is loopback by what nobody else can reach", () => {
    const loopback = (host?: string) =>
      isLoopback({ port: 1, ...(host !== undefined && { host }) });

    expect(["127.0.0.1", "127.9.9.9", "::1", "localhost"].every(loopback)).toBe(true);
    expect(["0.0.0.0", "::", "127.example.com", "10.0.0.1", "box", undefined].some(loopback)).toBe(
      false,
    );
  });
});

it("the flag wins over the file", () => {
  const env = { SPRITE_HTTP_API_TOKEN: LONG };
  const { config } = load({ api_listen_addr: ":1" }, env, ["-listen", "127.0.0.1:2"]);

  expect(config.apiListen).toEqual({ host: "127.0.0.1", port: 2 });
});

describe("tokens", () => {
  it("come from the environment and from the file, apart from the configuration, and their variables are to be forgotten", () => {
    const file = {
      api_listen_addr: ":8080",
      api_tokens: [
        { name: "ci", token: { $env: "CI_TOKEN" } },
        { name: "board", token: "ffffffffffffffff", read_only: true },
      ],
    };
    const loaded = load(file, { SPRITE_HTTP_API_TOKEN: LONG, CI_TOKEN: `${LONG}ci` });

    expect(loaded.tokens).toEqual([
      { name: "default", token: LONG, readOnly: false },
      { name: "ci", token: `${LONG}ci`, readOnly: false },
      { name: "board", token: "ffffffffffffffff", readOnly: true },
    ]);
    expect(loaded.secretVariables).toEqual([
      "SPRITE_HTTP_API_TOKEN",
      "SPRITE_S3_ACCESS_KEY",
      "SPRITE_S3_SECRET_ACCESS_KEY",
      "CI_TOKEN",
    ]);
    expect(JSON.stringify(loaded.config)).not.toContain(LONG);
    expect(loaded.warnings).toEqual([]);
  });

  it("are to be forgotten also where nothing listens", () => {
    expect(load({}, { SPRITE_HTTP_API_TOKEN: SHORT }).secretVariables).toContain(
      "SPRITE_HTTP_API_TOKEN",
    );
  });

  it.each([{}, { SPRITE_HTTP_API_TOKEN: "" }])(
    "are needed where the API is to listen: with %j it does not start",
    (env) => {
      const { code, message } = refusal({ api_listen_addr: "127.0.0.1:8080" }, env);

      expect(code).toBe("config_invalid");
      expect(message).toMatch(/listen on 127\.0\.0\.1:8080, and SPRITE_HTTP_API_TOKEN is not set/);
    },
  );

  it("under 16 bytes are for loopback alone, with a warning", () => {
    const env = { SPRITE_HTTP_API_TOKEN: SHORT };
    const { warnings } = load({ api_listen_addr: "127.0.0.1:8080" }, env);
    expect(warnings).toEqual([
      expect.stringMatching(/^SPRITE_HTTP_API_TOKEN has under 16 bytes/) as string,
    ]);

    for (const addr of [":8080", "0.0.0.0:1", "10.0.0.1:1", "example.com:1"]) {
      const { code, message } = refusal({ api_listen_addr: addr }, env);
      expect(code).toBe("config_invalid");
      expect(message).toMatch(/SPRITE_HTTP_API_TOKEN has under 16 bytes and could be guessed/);
      expect(message).not.toContain(SHORT);
    }
    const file = { api_listen_addr: ":1", api_tokens: [{ name: "ci", token: "short-secret" }] };
    const { message } = refusal(file, { SPRITE_HTTP_API_TOKEN: LONG });
    expect(message).toMatch(/the token "ci" has under 16 bytes/);
    expect(message).not.toContain("short-secret");
  });

  it.each<[string, unknown, RegExp]>([
    [
      "two of one name",
      [
        { name: "a", token: "k1" },
        { name: "a", token: "k2" },
      ],
      /two tokens are called "a"/,
    ],
    [
      "the name of the environment's",
      [{ name: "default", token: "k1" }],
      /"default" \(SPRITE_HTTP_API_TOKEN has/,
    ],
    [
      "two that are the same",
      [
        { name: "a", token: "k1" },
        { name: "b", token: "k1" },
      ],
      /"a" and "b" are the same/,
    ],
    ["the environment's again", [{ name: "a", token: LONG }], /"default" and "a" are the same/],
    ["one with a space", [{ name: "a", token: "k1 k1" }], /"a" has spaces, line ends/],
    ["one with a line end", [{ name: "a", token: "k1\n" }], /"a" has spaces, line ends/],
    ["one of other letters", [{ name: "a", token: "k1é" }], /"a" has spaces, line ends/],
    ["one without a name", [{ token: "k1" }], /name field is required/],
    ["one without a token", [{ name: "a" }], /token field is required/],
    ["a bad name", [{ name: "a b", token: "k1" }], /name/],
    ["a token in the place of an object", ["k1"], /api_tokens/],
    ["no list", "k1", /api_tokens/],
    ["a number", [{ name: "a", token: 12 }], /token is not a text/],
    ["an unknown field", [{ name: "a", token: "k1", readonly: true }], /did you mean read_only/],
  ])("%s: refused without repeating any", (_, api_tokens, message) => {
    const refused = refusal({ api_tokens }, { SPRITE_HTTP_API_TOKEN: LONG });

    expect(refused).toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(message),
    });
    expect(JSON.stringify([refused.message, refused.details])).not.toMatch(/k1|0123456789/);
  });
});

it("takes host names for browsers, and refuses what is none", () => {
  expect(load({ api_hosts: ["sprite.example.com", "BOX"] }).config.apiHosts).toEqual([
    "sprite.example.com",
    "BOX",
  ]);
  for (const host of ["http://x", "x:80", "", "a b", "-x"]) {
    expect(refusal({ api_hosts: [host] }).code).toBe("config_invalid");
  }
});
