import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseFlags } from "../../src/config/flags.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { System } from "../../src/config/system.ts";

/** What the daemon of a whole machine is configured with: the main process, components, storage. */

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "sprite-config-"))));
afterEach(() => rmSync(dir, { recursive: true }));

interface Given {
  file?: unknown;
  argv?: string[];
  env?: System["env"];
  program?: System["program"];
}

function load({ file, argv = [], env = {}, program = "sprite-env" }: Given) {
  const path = join(dir, "config.json");
  if (file !== undefined) writeFileSync(path, JSON.stringify(file));
  const words = [...(file === undefined ? [] : ["--config", path]), ...argv];
  return loadConfig(parseFlags(words), {
    env: { HOME: dir, XDG_RUNTIME_DIR: "/run/user/7", ...env },
    cwd: dir,
    uid: 7,
    hostname: "box",
    program,
    canWrite: () => false,
  });
}

function refusal(given: Given): string {
  try {
    load(given);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe("the main process", () => {
  it("is what stands after --, over process_command", () => {
    const file = { process_command: ["/app/start.sh"], process_restart_max_retries: 3 };

    expect(load({ file }).config.main).toEqual({
      command: ["/app/start.sh"],
      maxRetries: 3,
      gracefulTimeoutMs: 30_000,
    });
    expect(load({ file, argv: ["--", "node", "app.js"] }).config.main?.command).toEqual([
      "node",
      "app.js",
    ]);
    expect(load({ file, argv: ["--"] }).config.main?.command).toEqual(["/app/start.sh"]);
    expect(load({}).config.main).toBeUndefined();
  });

  it("has its graceful timeout from the flag over the file, and everything has 10 s more", () => {
    const file = { process_command: ["a"], process_graceful_shutdown_timeout: "45s" };

    expect(load({ file }).config).toMatchObject({
      main: { gracefulTimeoutMs: 45_000 },
      shutdownTimeoutMs: 55_000,
    });
    expect(load({ file, argv: ["-graceful-shutdown-timeout", "2s"] }).config).toMatchObject({
      main: { gracefulTimeoutMs: 2_000 },
      shutdownTimeoutMs: 30_000,
    });
    expect(load({ file: { ...file, shutdown_timeout: "5s" } }).config.shutdownTimeoutMs).toBe(
      5_000,
    );
  });

  it("has its directory and environment, in either order of a value", () => {
    const file = {
      process_command: ["a"],
      process_working_dir: "app",
      process_environment: ["NODE_ENV=production", "URL=a=b", { $env: "PAIR" }],
    };

    expect(load({ file, env: { PAIR: "X=" } }).config.exec).toMatchObject({
      dir: join(dir, "app"),
      env: { NODE_ENV: "production", URL: "a=b", X: "" },
    });
  });

  it.each([
    [{ process_command: "node app.js" }, /process_command.*a list of words/],
    [{ process_command: [1] }, /process_command\[0\]/],
    [{ process_environment: ["NODE_ENV"] }, /process_environment\[0\] is not a text NAME=value/],
    [{ process_environment: { A: "b" } }, /process_environment is not a list of texts/],
    [{ process_restart_max_retries: -1 }, /process_restart_max_retries.*from 0 to 1000000/],
    [{ process_graceful_shutdown_timeout: "soon" }, /process_graceful_shutdown_timeout is "soon"/],
    [{ api_max_wait_time: "-1s" }, /api_max_wait_time is "-1s"/],
  ])("%j is refused", (file, message) => {
    expect(refusal({ file })).toMatch(message);
  });
});

describe("a wrapper of POST /exec", () => {
  const words = ["crun", "exec", "app"];

  const onTerminal = ["crun", "exec", "-t", "app"];

  it.each([
    { exec: { wrapper_command: words, tty_wrapper_command: onTerminal } },
    { exec_wrapper_command: words, exec_tty_wrapper_command: onTerminal },
    { exec: { wrapper_command: words }, exec_tty_wrapper_command: onTerminal },
  ])("is taken in both spellings, each with its twin for terminals: %j", (file) => {
    expect(load({ file }).config.exec).toMatchObject({ wrapper: words, ttyWrapper: onTerminal });
  });

  it("that is spelled twice and differs is refused", () => {
    const file = { exec: { wrapper_command: words }, exec_wrapper_command: ["other"] };

    expect(refusal({ file })).toContain(
      "exec.wrapper_command and exec_wrapper_command are the same key in two spellings",
    );
    expect(load({ file: { ...file, exec_wrapper_command: words } }).config.exec.wrapper).toEqual(
      words,
    );
  });
});

describe("components", () => {
  function folder(name: string, scripts: string[]): void {
    mkdirSync(join(dir, "parts", name), { recursive: true });
    for (const script of scripts) {
      const path = join(dir, "parts", name, script);
      writeFileSync(path, "#!/bin/sh\n");
      chmodSync(path, 0o755);
    }
  }

  it("are those of the file, in its order, then the folders by name", () => {
    folder("zeta", ["start.sh"]);
    folder("alpha", ["start.sh", "ready.sh", "checkpoint.sh", "restore.sh"]);
    writeFileSync(join(dir, "parts", "README"), "not a folder");
    const file = {
      components: {
        web: { start_command: ["/w"] },
        db: { start_command: ["/d"], ready_command: ["/r"] },
      },
      components_dir: "parts",
    };
    const at = (name: string, script: string) => [join(dir, "parts", name, script)];

    expect(load({ file }).config.components).toEqual([
      { name: "web", start: ["/w"], dir },
      { name: "db", start: ["/d"], ready: ["/r"], dir },
      {
        name: "alpha",
        start: at("alpha", "start.sh"),
        ready: at("alpha", "ready.sh"),
        checkpoint: at("alpha", "checkpoint.sh"),
        restore: at("alpha", "restore.sh"),
        dir: join(dir, "parts", "alpha"),
      },
      { name: "zeta", start: at("zeta", "start.sh"), dir: join(dir, "parts", "zeta") },
    ]);
    expect(load({ argv: ["-components-dir", "./parts"] }).config.components).toHaveLength(2);
  });

  it("have each of their commands where the file names it", () => {
    const file = {
      components: {
        db: {
          start_command: ["/start", "db"],
          ready_command: ["/ready"],
          checkpoint_command: ["/checkpoint"],
          restore_command: ["/restore"],
        },
      },
    };

    expect(load({ file }).config.components).toEqual([
      {
        name: "db",
        start: ["/start", "db"],
        ready: ["/ready"],
        checkpoint: ["/checkpoint"],
        restore: ["/restore"],
        dir,
      },
    ]);
  });

  it("of one name in both places are refused", () => {
    folder("db", ["start.sh"]);
    const file = { components: { db: { start_command: ["/d"] } }, components_dir: "parts" };

    expect(refusal({ file })).toMatch(/component "db" is in components and in .*\/parts\/db/);
  });

  it("with a whole number for a name have no place in the file's order, so they are refused", () => {
    const components = { "2": { start_command: ["a"] }, b: { start_command: ["b"] } };
    expect(refusal({ file: { components } })).toContain('the component "2" has a whole number');
  });

  it("need a start.sh that can be run, and a directory that is there", () => {
    folder("db", ["ready.sh"]);
    expect(refusal({ argv: ["-components-dir", "parts"] })).toMatch(/parts\/db has no start\.sh/);
    folder("db", ["start.sh"]);
    chmodSync(join(dir, "parts/db/start.sh"), 0o644);
    expect(refusal({ argv: ["-components-dir", "parts"] })).toMatch(/start\.sh is not executable/);
    expect(refusal({ argv: ["-components-dir", "nowhere"] })).toMatch(/cannot be read.*nowhere/);
  });

  it.each([
    [{ components: { db: {} } }, /components\.db\.start_command field is required/],
    [
      { components: { db: { start: ["x"] } } },
      /there is no components\.db\.start: known are start_command/,
    ],
    [{ components: { "a b": { start_command: ["x"] } } }, /has the name "a b"/],
    [{ components: [] }, /components is \[\]/],
  ])("%j are refused", (file, message) => {
    expect(refusal({ file })).toMatch(message);
  });
});

describe("storage", () => {
  const all = {
    SPRITE_S3_ACCESS_KEY: "AK",
    SPRITE_S3_SECRET_ACCESS_KEY: "SK",
    SPRITE_S3_ENDPOINT_URL: "https://s3.example.com",
    SPRITE_S3_BUCKET: "b",
  };
  const references = {
    s3: {
      access_key: { $env: "SPRITE_S3_ACCESS_KEY" },
      secret_key: { $env: "MY_SECRET" },
      endpoint: { $env: "SPRITE_S3_ENDPOINT_URL" },
    },
  };

  it("is S3 where its variables are set, in us-east-1 unless one says otherwise", () => {
    const { config, s3Keys, secretVariables } = load({ env: all });

    expect(config.s3).toEqual({
      endpoint: "https://s3.example.com",
      bucket: "b",
      region: "us-east-1",
    });
    expect(s3Keys).toEqual({ accessKey: "AK", secretKey: "SK" });
    expect(JSON.stringify(config)).not.toContain("SK");
    expect(secretVariables).toEqual(
      expect.arrayContaining(["SPRITE_S3_ACCESS_KEY", "SPRITE_S3_SECRET_ACCESS_KEY"]),
    );
    expect(load({ env: { ...all, SPRITE_S3_REGION: "auto" } }).config.s3?.region).toBe("auto");
  });

  it("is S3 where the file has its keys", () => {
    const place = { endpoint: "https://s3.example.com", bucket: "b", region: "eu" };
    const file = { s3: { access_key: "AK", secret_key: "SK", ...place } };
    const { config, s3Keys, notices } = load({ file });

    expect(config.s3).toEqual(place);
    expect(s3Keys).toEqual({ accessKey: "AK", secretKey: "SK" });
    expect(notices).toContain("storage is S3: b at https://s3.example.com");
  });

  it.each(["true", "1"])(
    "is local where SPRITE_LOCAL_MODE says so, whatever is set of S3: %s",
    (is) => {
      const { config, notices } = load({ env: { ...all, SPRITE_LOCAL_MODE: is } });

      expect(config.s3).toBeUndefined();
      expect(notices).toContain("storage is local: no S3 setting is in effect");
      expect(load({ env: { ...all, SPRITE_LOCAL_MODE: "false" } }).config.s3).toBeDefined();
    },
  );

  it("is local without any of them, whatever variables the file names, and the log says so once", () => {
    for (const file of [undefined, references]) {
      const { config, notices } = load({ file });
      expect(config.s3).toBeUndefined();
      expect(notices.filter((notice) => notice.includes("storage"))).toEqual([
        "storage is local: no S3 setting is in effect",
      ]);
    }
  });

  it.each(Object.keys(all))("names %s where it alone is missing", (name) => {
    const env = { ...all, [name]: undefined };

    expect(refusal({ env })).toContain(`${name} is not set`);
    expect(load({ env: { ...env, SPRITE_LOCAL_MODE: "true" } }).config.s3).toBeUndefined();
  });

  it("names the variable that the file names", () => {
    const env = { ...all, SPRITE_S3_SECRET_ACCESS_KEY: undefined };

    expect(refusal({ file: references, env })).toContain("MY_SECRET is not set");
    expect(load({ file: references, env: { ...env, MY_SECRET: "m" } }).s3Keys?.secretKey).toBe("m");
  });

  it("takes each key from the environment over the file", () => {
    const file = { s3: { bucket: "of-the-file", region: "eu" } };

    expect(load({ file, env: all }).config.s3).toMatchObject({ bucket: "b", region: "eu" });
  });

  it("refuses an endpoint with a user or password in it, and repeats nothing of it", () => {
    const SPRITE_S3_ENDPOINT_URL = "https://u:hunter2@s3.example.com";
    const message = refusal({ env: { ...all, SPRITE_S3_ENDPOINT_URL } });
    expect(message).toContain("s3.endpoint (SPRITE_S3_ENDPOINT_URL) has a user or password in it");
    expect(message).not.toContain("hunter2");
  });

  it("refuses an endpoint that is no address", () => {
    expect(refusal({ env: { ...all, SPRITE_S3_ENDPOINT_URL: "s3" } })).toMatch(
      /SPRITE_S3_ENDPOINT_URL\) is "s3": allowed is an address/,
    );
  });
});

describe("variables", () => {
  it("are switches where they say true", () => {
    expect(load({ env: { SPRITE_KEEP_ALIVE_ON_ERROR: "true" } }).config.keepAliveOnError).toBe(
      true,
    );
    expect(load({ env: { SPRITE_KEEP_ALIVE_ON_ERROR: "false" } }).config.keepAliveOnError).toBe(
      false,
    );
    expect(refusal({ env: { SPRITE_KEEP_ALIVE_ON_ERROR: "yes" } })).toBe(
      'SPRITE_KEEP_ALIVE_ON_ERROR is "yes": allowed is true or false',
    );
  });

  it("put the state below SPRITE_WRITE_DIR, and -juicefs-dir wins over it", () => {
    const env = { SPRITE_WRITE_DIR: "/dev/fly_vol" };

    expect(load({ env }).config.stateDir).toBe("/dev/fly_vol/.sprite");
    expect(load({ env, argv: ["-juicefs-dir", "/j"] }).config.stateDir).toBe("/j/.sprite");
    expect(load({ env, argv: ["-state-dir", "/s"] }).config.stateDir).toBe("/s");
  });

  it("are wanted by spritectl: somewhere to write", () => {
    const program = "spritectl";

    expect(refusal({ program })).toMatch(/^SPRITE_WRITE_DIR is not set/);
    expect(load({ program, env: { SPRITE_WRITE_DIR: "/w" } }).config.writeDir).toBe("/w");
    expect(load({ program, argv: ["-juicefs-dir", "/j"] }).config.writeDir).toBe("/j");
  });

  it("are wanted with an address to listen on: a token, by both names", () => {
    for (const program of ["spritectl", "sprite-env"] as const) {
      const given = { program, env: { SPRITE_WRITE_DIR: "/w" }, argv: ["-listen", ":8080"] };
      expect(refusal(given)).toMatch(/SPRITE_HTTP_API_TOKEN is not set/);
      const env = { ...given.env, SPRITE_HTTP_API_TOKEN: "0123456789abcdef" };
      expect(load({ ...given, env }).config.apiListen).toEqual({ port: 8080 });
    }
  });
});
