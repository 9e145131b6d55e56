import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseFlags } from "../../src/config/flags.ts";
import { loadConfig } from "../../src/config/load.ts";
import { configSchema } from "../../src/config/schema.ts";
import { canWrite, safeName, type System } from "../../src/config/system.ts";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "sprite-config-"))));
afterEach(() => rmSync(dir, { recursive: true }));

const system = (env: System["env"] = {}): System => ({
  env: { HOME: dir, XDG_RUNTIME_DIR: "/run/user/7", ...env },
  cwd: dir,
  uid: 7,
  hostname: "Box-1.example.org",
  program: "sprite-env",
  canWrite: () => false,
});

function file(content: unknown): string {
  const path = join(dir, "config.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const load = (content: unknown, argv: string[] = [], env: System["env"] = {}) =>
  loadConfig(parseFlags(["--config", file(content), ...argv]), system(env)).config;

const refusal = (content: unknown, argv: string[] = [], env: System["env"] = {}) => {
  try {
    load(content, argv, env);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("the configuration was taken");
};

const loadingAt = (path: string) => () => loadConfig(parseFlags(["--config", path]), system());

const defaults = () => loadConfig(parseFlags([]), system()).config;

it("has a default for everything", () => {
  expect(defaults()).toEqual({
    stateDir: join(dir, ".local/state/sprite-env"),
    socketPath: "/run/user/7/sprite-env/api.sock",
    socketMode: 0o600,
    socketGroup: undefined,
    apiListen: undefined,
    inspectorListen: { host: "127.0.0.1", port: 0 },
    inspectStately: undefined,
    apiHosts: [],
    logDir: join(dir, ".local/state/sprite-env/logs/services"),
    logFileMode: 0o644,
    logDirMode: 0o755,
    logRotateBytes: 10_000_000,
    logRotateKeep: 5,
    logTotalBytes: 1_000_000_000,
    logLevel: "info",
    logJson: false,
    debug: false,
    defaultDir: dir,
    isDefaultDirChosen: false,
    defaultUser: undefined,
    shutdownTimeoutMs: 30_000,
    retentionAgeMs: 720 * 3_600_000,
    retentionBytes: 2_000_000_000,
    spriteName: "box-1-example-org",
    reaper: "auto",
    main: undefined,
    exec: { dir, isDirChosen: false, env: {}, wrapper: [], ttyWrapper: [] },
    keepAliveOnError: false,
    apiMaxWaitMs: 30_000,
    components: [],
    s3: undefined,
    writeDir: undefined,
    services: undefined,
    configFile: undefined,
  });
});

it("is frozen", () => {
  expect(Object.isFrozen(defaults())).toBe(true);
});

describe("config.example.json", () => {
  const example = readFileSync("config.example.json", "utf8");

  it("has every key", () => {
    expect(Object.keys(JSON.parse(example)).toSorted()).toEqual(
      Object.keys(configSchema.properties).toSorted(),
    );
  });

  it("has every default", () => {
    expect(load(example)).toEqual({
      ...defaults(),
      services: {},
      configFile: join(dir, "config.json"),
    });
    for (const [key, value] of Object.entries(JSON.parse(example) as Record<string, unknown>)) {
      const schema: { default?: unknown } = configSchema.properties[key as "debug"];
      expect({ key, value }).toEqual({ key, value: schema.default ?? null });
    }
  });
});

describe("retention", () => {
  it("may be given in part, and over the 24 days that a timer can wait", () => {
    expect(load({ retention: { bytes: 5_000_000 } })).toMatchObject({
      retentionAgeMs: 720 * 3_600_000,
      retentionBytes: 5_000_000,
    });
    expect(load({ retention: { age: "8760h" } })).toMatchObject({
      retentionAgeMs: 8_760 * 3_600_000,
      retentionBytes: 2_000_000_000,
    });
  });

  it("is no flag", () => {
    expect(() => load({}, ["--retention=1h"])).toThrow(
      "retention is no flag: write it into the configuration file",
    );
  });
});

describe("precedence", () => {
  it("is flags, environment, file, defaults", () => {
    const content = { state_dir: "/file", socket_path: "/file.sock", log_level: "warn" };
    const env = { SPRITE_ENV_STATE_DIR: "/env", SPRITE_ENV_SOCKET: "/env.sock" };

    expect(load(content)).toMatchObject({
      stateDir: "/file",
      socketPath: "/file.sock",
      logLevel: "warn",
    });
    expect(load(content, [], env)).toMatchObject({ stateDir: "/env", socketPath: "/env.sock" });
    expect(
      load(content, ["--state-dir=/flag", "-socket=/f.sock", "-log-level=error"], env),
    ).toMatchObject({
      stateDir: "/flag",
      socketPath: "/f.sock",
      logLevel: "error",
    });
  });

  it("lets an explicit log level win over debug where both stand, and else the later source", () => {
    expect(load({}, ["-debug"])).toMatchObject({ debug: true, logLevel: "debug" });
    expect(load({ debug: true, log_level: "warn" }).logLevel).toBe("warn");
    expect(load({}, ["-debug", "-log-level=error"]).logLevel).toBe("error");
    expect(load({ log_level: "info" }, ["-debug"]).logLevel).toBe("debug");
    expect(load({ debug: true }, ["-log-level=error"]).logLevel).toBe("error");
    expect(load({ debug: true }, ["--debug=false"]).logLevel).toBe("info");
    expect(load({ log_level: "warn" }, ["--debug=false"]).logLevel).toBe("warn");
  });
});

it("takes relative paths from the file's directory in the file, from the current one elsewhere", () => {
  mkdirSync(join(dir, "etc"));
  writeFileSync(
    join(dir, "etc/c.json"),
    JSON.stringify({ state_dir: "state", log_dir: "../logs" }),
  );
  const { config } = loadConfig(parseFlags(["--config=etc/c.json", "--socket=s.sock"]), system());

  expect(config).toMatchObject({
    stateDir: join(dir, "etc/state"),
    logDir: join(dir, "logs"),
    socketPath: join(dir, "s.sock"),
  });
});

it("opens the socket to its group where one is named", () => {
  expect(load({ socket_group: "www-data" })).toMatchObject({
    socketGroup: "www-data",
    socketMode: 0o660,
  });
  expect(load({ socket_group: "33", socket_mode: "0600" })).toMatchObject({
    socketGroup: "33",
    socketMode: 0o600,
  });
});

describe("environment variables in the file", () => {
  it("stand for a value of any type", () => {
    const content = {
      state_dir: { $env: "DIR" },
      log_json: { $env: "JSON" },
      log_rotate_keep: { $env: "KEEP" },
    };
    expect(load(content, [], { DIR: "/from/env", JSON: "true", KEEP: "9" })).toMatchObject({
      stateDir: "/from/env",
      logJson: true,
      logRotateKeep: 9,
    });
  });

  it("stand for a number or a boolean at any depth, too", () => {
    const content = {
      retention: { bytes: { $env: "BYTES" } },
      api_tokens: [{ name: "ci", token: { $env: "TOKEN" }, read_only: { $env: "YES" } }],
    };
    const env = { BYTES: "70000000", TOKEN: "1234567890123456", YES: "true" };
    expect(load(content, [], env).retentionBytes).toBe(70_000_000);
    const { message } = refusal(content, [], { ...env, YES: "hunter2" });
    expect(message).toMatch(
      /api_tokens\[0\]\.read_only, from the environment variable YES, is not true or false/,
    );
  });

  it("are refused by name where they are missing", () => {
    expect(refusal({ log_level: { $env: "LEVEL" } })).toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(
        /config\.json: log_level comes from the environment variable LEVEL, which is not set/,
      ),
    });
  });

  it("are not repeated where their value is wrong", () => {
    const { message } = refusal({ log_level: { $env: "LEVEL" } }, [], { LEVEL: "hunter2" });
    expect(message).toMatch(/log_level, from the environment variable LEVEL, is not one of trace/);
    expect(message).not.toContain("hunter2");
  });

  it("stand alone", () => {
    for (const value of [{ $env: "A", b: 1 }, { $env: 5 }, { $env: "" }]) {
      expect(refusal({ log_level: value }, [], { A: "info" }).message).toContain("log_level: ");
    }
  });
});

describe("refuses in the file", () => {
  it.each([
    ["an unknown key", { socketPath: "/x" }, /there is no socketPath: did you mean socket_path\?/],
    ["a misspelt key", { log_levle: "info" }, /there is no log_levle: did you mean log_level\?/],
    ["a key like no other", { zzz: 1 }, /there is no zzz: known are state_dir, socket_path/],
    [
      "a wrong word",
      { log_level: "verbose" },
      /log_level is "verbose": allowed is one of trace, debug/,
    ],
    ["a wrong type", { log_json: "yes" }, /log_json is "yes": allowed is true or false/],
    [
      "text for a number",
      { log_rotate_keep: "5" },
      /log_rotate_keep is "5": allowed is a whole number from 0 to 1000/,
    ],
    ["a number for a path", { state_dir: 5 }, /state_dir is 5: allowed is a path/],
    ["an empty path", { state_dir: "" }, /state_dir field is required/],
    [
      "a path for a shell",
      { state_dir: "~/x" },
      /state_dir is "~\/x": allowed is a path.*not expanded/,
    ],
    ["a path with NUL", { log_dir: "/a\0b" }, /log_dir is "\/a\\u0000b"/],
    [
      "a mode that shuts us out",
      { socket_mode: "0060" },
      /socket_mode is "0060": allowed is an octal mode/,
    ],
    ["a mode as a number", { socket_mode: 600 }, /socket_mode is 600/],
    [
      "a bad duration",
      { shutdown_timeout: "-1s" },
      /shutdown_timeout is "-1s": allowed is a duration such as/,
    ],
    [
      "no age",
      { retention: { age: "0s" } },
      /retention\.age is "0s": allowed is a duration such as 12h or 720h, over 0/,
    ],
    ["an age that is a number", { retention: { age: 30 } }, /retention\.age is 30: allowed is/],
    [
      "too small a store",
      { retention: { bytes: 1_000 } },
      /retention\.bytes is 1000: allowed is a whole number from 1000000/,
    ],
    ["a key of retention that is none", { retention: { ages: "1h" } }, /did you mean age\?/],
    [
      "retention that is no object",
      { retention: "720h" },
      /retention is "720h": allowed is an object/,
    ],
    ["a bad reaper", { reaper: true }, /reaper is true: allowed is one of auto, on, off/],
    [
      "a bad name",
      { sprite_name: "My_Sprite" },
      /sprite_name is "My_Sprite": allowed is 1 to 63 of a-z/,
    ],
    ["a bad group", { socket_group: "a:b" }, /socket_group is "a:b"/],
    ["sizes that contradict", { log_total_bytes: 70_000 }, /log_total_bytes is 70000, less than/],
    [
      "a default_user that can be nobody's name",
      { default_user: "a b" },
      /default_user is "a b": allowed is the name or number of a user/,
    ],
    [
      "a default_dir that is not there",
      { default_dir: "/no/such" },
      /default_dir is \/no\/such, which is no directory/,
    ],
    ["a list", [], /a JSON object is expected/],
    ["null", null, /a JSON object is expected/],
  ])("%s", (_, content, message) => {
    expect(refusal(content)).toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(message),
    });
  });

  it("proxy_listen_addr by name, since nothing acts on it yet", () => {
    expect(refusal({ proxy_listen_addr: { $env: "NOT_SET" } })).toMatchObject({
      code: "not_built_yet",
      message: expect.stringContaining("proxy_listen_addr is known, but this release does not act"),
    });
  });

  it("what is no JSON, with the place but not the text around it", () => {
    const { message } = refusal('{"log_level": hunter2}');
    expect(message).toContain("config.json: not JSON");
    expect(message).not.toContain("hunter2");
    expect(refusal('{"log_level": "info",}').message).toMatch(/line 1 column/);
  });

  it("a file that is not there, that is a directory, that is too large", () => {
    expect(loadingAt("missing.json")).toThrow(
      /missing\.json: the configuration file cannot be read \(ENOENT/,
    );
    expect(loadingAt(dir)).toThrow(/the configuration file is a directory/);
    expect(loadingAt(file(`"${"x".repeat(1_048_576)}"`))).toThrow(/is over 1048576 bytes/);
    expect(loadingAt("/dev/zero")).toThrow(/a FIFO, device or socket, no regular file/);
    const fifo = join(dir, "fifo");
    execFileSync("mkfifo", [fifo]);
    expect(loadingAt(fifo)).toThrow(/a FIFO, device or socket, no regular file/);
  });
});

describe("refuses on the command line", () => {
  it.each([
    [["--log-level=verbose"], '--log-level is "verbose": allowed is one of trace'],
    [["--debug=maybe"], '--debug is "maybe": allowed is true or false'],
    [["--socket="], '--socket is "": allowed is a path'],
    [["--shutdown-timeout=-1s"], '--shutdown-timeout is "-1s": allowed is a duration such as'],
    [
      ["--log-rotate-keep=many"],
      '--log-rotate-keep is "many": allowed is a whole number from 0 to 1000',
    ],
  ])("%j", (argv, message) => {
    expect(refusal({}, argv)).toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(message),
    });
  });
});

it("takes numbers and switches from the command line", () => {
  expect(
    load({}, ["--log-rotate-keep=0", "-log-json", "--shutdown-timeout", "1m30s"]),
  ).toMatchObject({
    logRotateKeep: 0,
    logJson: true,
    shutdownTimeoutMs: 90_000,
  });
});

it("refuses a socket path over 107 bytes and says what to do", () => {
  const path = `/${"s".repeat(107)}`;
  expect(load({ socket_path: path.slice(0, 107) }).socketPath).toHaveLength(107);
  expect(refusal({ socket_path: path })).toMatchObject({
    code: "config_invalid",
    message: expect.stringMatching(
      /has 108 bytes, and the kernel takes 107: choose a shorter one with --socket/,
    ),
  });
  expect(refusal({ socket_path: `/${"ü".repeat(54)}` }).message).toContain("has 109 bytes");
});

it("makes host names safe", () => {
  expect(["Web_1", "--", "", `${"a".repeat(62)}-b`].map(safeName)).toEqual([
    "web-1",
    "sprite",
    "sprite",
    "a".repeat(62),
  ]);
});

it("falls back to / where the home is no directory", () => {
  expect(loadConfig(parseFlags([]), system({ HOME: "/nonexistent" })).config.defaultDir).toBe("/");
});

it("knows a directory that was chosen from one that is just our home, and whom services run as", () => {
  const flags = parseFlags(["--default-dir", dir, "--default-user", "1000"]);
  expect(loadConfig(flags, system()).config).toMatchObject({
    defaultDir: dir,
    isDefaultDirChosen: true,
    defaultUser: "1000",
  });
});

it("knows whether a directory can be written or made", () => {
  file({});
  expect(canWrite(join(dir, "a/b/c"))).toBe(true);
  expect(canWrite(join(dir, "config.json"))).toBe(false);
  expect(canWrite(join(dir, "config.json/x"))).toBe(false);
});
