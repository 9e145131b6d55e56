import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.ts";
import type { ShownKey } from "../../src/offline/config-shown.ts";
import { type Ran, run, SOURCE } from "./harness.ts";

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sprite-env-config-"));
  file = join(folder, "config.json");
  writeFileSync(
    file,
    JSON.stringify({
      log_dir: "logs",
      log_level: "warn",
      api_tokens: [{ name: "ci", token: { $env: "CI_TOKEN" } }],
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cli = (words: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  run(process.execPath, [SOURCE, "config", ...words], {
    env: { HOME: folder, CI_TOKEN: "s3cr3t-of-sixteen-bytes", ...env },
  });

const shown = async (
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Map<string, ShownKey>> => {
  const { code, stdout, stderr } = await cli(["show", ...words], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return new Map((JSON.parse(stdout) as ShownKey[]).map((one) => [one.key, one]));
};

describe("config show", () => {
  it("has every key once, with what is in effect and where that is from", async () => {
    const keys = await shown(["--config", file, "--log-level", "debug"], {
      SPRITE_ENV_STATE_DIR: "/state",
    });

    expect([...keys.keys()]).toEqual(Object.keys(configSchema.properties));
    expect(keys.get("log_level")).toMatchObject({ value: "debug", from: "flag --log-level" });
    expect(keys.get("log_dir")).toMatchObject({
      value: join(folder, "logs"),
      from: `file ${file}`,
    });
    expect(keys.get("state_dir")).toMatchObject({
      value: "/state",
      from: "environment SPRITE_ENV_STATE_DIR",
    });
    expect(keys.get("log_json")).toMatchObject({ value: false, from: "default" });
  });

  it("shows what follows from another key, and from which", async () => {
    const keys = await shown(["-debug", "--juicefs-dir", "/data", "--", "app", "--json", "-x"], {
      SPRITE_S3_BUCKET: "b",
      SPRITE_LOCAL_MODE: "true",
    });

    expect(keys.get("log_level")).toMatchObject({
      value: "debug",
      from: "default, after debug (flag --debug)",
    });
    expect(keys.get("state_dir")).toMatchObject({
      value: "/data/.sprite",
      from: "default, after write_dir (flag --juicefs-dir)",
    });
    expect(keys.get("socket_mode")).toMatchObject({ value: "0600", from: "default" });
    expect(keys.get("shutdown_timeout")).toMatchObject({ value: "40s", from: "default" });
    expect(keys.get("process_command")?.value).toEqual(["app", "--json", "-x"]);
    expect(keys.get("s3")).toMatchObject({
      value: { bucket: "b" },
      from: "environment SPRITE_S3_BUCKET",
    });
  });

  it("shows S3 as it comes together, and where each part is from", async () => {
    const half = join(folder, "half.json");
    const s3 = { access_key: "A", secret_key: "s3cr3t", endpoint: "https://s3.example.com" };
    writeFileSync(half, JSON.stringify({ s3 }));
    const keys = await shown(["--config", half], { SPRITE_S3_BUCKET: "b" });

    expect(keys.get("s3")).toMatchObject({
      value: { endpoint: "https://s3.example.com", bucket: "b", secret_key: "(not shown)" },
      from: `file ${half}, environment SPRITE_S3_BUCKET`,
    });
  });

  it("shows no token", async () => {
    const { stdout } = await cli(["show", "--config", file]);

    expect(stdout).toContain('"ci"');
    expect(stdout).not.toContain("s3cr3t");
  });

  it("refuses what serve refuses", async () => {
    expect(await cli(["show", "--log-level", "loud"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--log-level is "loud"'),
    });
  });
});

describe("config check", () => {
  it("says that a file is good, and starts nothing", async () => {
    expect(await cli(["check", file])).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    ['{"log_levle": "warn"}', "log_levle"],
    ['{"log_level": 7}', "log_level is 7"],
    ['{"log_level": {"$env": "NOBODY_SET_IT"}}', "NOBODY_SET_IT"],
    ["{", "JSON"],
    [
      '{"services": {"a": {"cmd": "x", "needs": ["b"]}, "b": {"cmd": "x", "needs": ["a"]}}}',
      "circular dependency detected",
    ],
    ['{"services": {"a": {"cmd": "x", "needs": ["b"]}}}', "services.a: needs of"],
    [
      '{"services": {"a": {"cmd": "x", "http_port": 1}, "b": {"cmd": "x", "http_port": 2}}}',
      "HTTP port",
    ],
    ['{"services": {"a": {"$env": "HOME"}}}', "stands for one value"],
    ['{"services": [{"name": "a", "env": {"PW": "hunter2"}}]}', "services is a list"],
  ])("says what is wrong with %s", async (text, message) => {
    const wrong = join(folder, "wrong.json");
    writeFileSync(wrong, text);

    expect(await cli(["check", wrong])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });
  });

  it("says so where there is no file", async () => {
    const { code, stderr } = await cli(["check", join(folder, "nosuch.json")]);

    expect(code).not.toBe(0);
    expect(stderr).toContain("nosuch.json");
  });

  it("looks at services and components, too", async () => {
    const wrong = join(folder, "services.json");
    writeFileSync(wrong, JSON.stringify({ services: { web: { cmd: "a", argz: [] } } }));
    expect(await cli(["check", wrong])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("services.web: there is no argz: did you mean args"),
    });
    writeFileSync(wrong, JSON.stringify({ components_dir: "nowhere" }));
    expect((await cli(["check", wrong])).stderr).toContain("components_dir cannot be read");
  });
});

it("config show shows no key of S3 and no value of the main process's environment", async () => {
  const secret = join(folder, "secret.json");
  writeFileSync(
    secret,
    JSON.stringify({
      process_environment: ["PASSWORD=hunter2=x"],
      s3: {
        access_key: "AKIA",
        secret_key: "hunter2",
        endpoint: "https://s3.example.com",
        bucket: "b",
      },
    }),
  );
  const { stdout } = await cli(["show", "--config", secret, "--", "node", "app.js"]);

  expect(stdout).not.toMatch(/hunter2|AKIA/);
  const keys = new Map((JSON.parse(stdout) as ShownKey[]).map((one) => [one.key, one]));
  expect(keys.get("process_environment")?.value).toEqual(["PASSWORD=(not shown)"]);
  expect(keys.get("s3")?.value).toMatchObject({ bucket: "b", secret_key: "(not shown)" });
  expect(keys.get("process_command")).toMatchObject({
    value: ["node", "app.js"],
    from: "command line, after --",
  });
});
