import { describe, expect, it } from "vitest";
import { parseFlags } from "../../src/config/flags.ts";
import { S3_VARIABLES } from "../../src/config/s3.ts";
import { configSchema } from "../../src/config/schema.ts";
import { TOKEN_VARIABLE } from "../../src/config/tokens.ts";
import { VARIABLES as OTHER_VARIABLES } from "../../src/config/variables.ts";
import { fakeApi } from "../api/fake-services.ts";
import { page } from "./markdown.ts";
import { testSource, wrongIn } from "./shown.ts";

const text = page("the-machine.md");

/* What a daemon for a whole machine is held to: each of these has a row, and nothing else has. */

const FLAGS = [
  "-components-dir",
  "-config",
  "-listen",
  "-debug",
  "-log-json",
  "-graceful-shutdown-timeout",
  "-juicefs-dir",
  "-version",
  "--",
];

const VARIABLES = [
  "SPRITE_HTTP_API_TOKEN",
  "SPRITE_WRITE_DIR",
  "SPRITE_S3_ACCESS_KEY",
  "SPRITE_S3_SECRET_ACCESS_KEY",
  "SPRITE_S3_ENDPOINT_URL",
  "SPRITE_S3_BUCKET",
  "SPRITE_S3_REGION",
  "SPRITE_LOCAL_MODE",
  "SPRITE_KEEP_ALIVE_ON_ERROR",
];

const KEYS = [
  "log_level",
  "log_json",
  "api_listen_addr",
  "api_max_wait_time",
  "process_command",
  "process_working_dir",
  "process_environment",
  "process_restart_max_retries",
  "process_graceful_shutdown_timeout",
  "components",
  "components.NAME.start_command",
  "components.NAME.ready_command",
  "components.NAME.checkpoint_command",
  "components.NAME.restore_command",
  "s3.access_key",
  "s3.secret_key",
  "s3.endpoint",
  "s3.bucket",
  "s3.region",
  "exec.wrapper_command",
  "exec.tty_wrapper_command",
  "exec_wrapper_command",
  "exec_tty_wrapper_command",
  "services",
];

const ENDPOINTS = [
  "POST /exec",
  "POST /checkpoint",
  "POST /restore",
  "POST /debug/create-zombie",
  "GET /debug/create-zombie",
  "GET /debug/check-process",
];

const TABLES = {
  "### Flags": FLAGS,
  "### Variables": VARIABLES,
  "### Keys of the configuration file": KEYS,
  "### Endpoints": ENDPOINTS,
  "### Process 1": [
    "process 1",
    "every zombie",
    "exit codes",
    "never blocks",
    "signal handlers",
    "clean end",
    "init programs",
    "s6-overlay",
    "container",
    "debug endpoints",
    "test_zombie_reaping.sh",
  ],
  "### Everything else": [
    "two names",
    "required variables",
    "two dashes",
    "flags and file",
    '{"$env": "NAME"}',
    "missing variables",
    "variables of S3",
    "config.example.json",
    "components",
    "state machines",
    "main process",
    "graceful end",
    "signals",
    "INT",
    "exit code",
    "token",
    "no token",
    "one file",
  ],
  "### Building": [
    "make build",
    "make test",
    "make release-all",
    "make release-linux-amd64",
    "make release-linux-arm64",
    "make release-darwin-amd64",
    "make release-darwin-arm64",
    "sprite-env-linux-amd64.tar.gz",
    "sprite-env-linux-arm64.tar.gz",
    "sprite-env-darwin-amd64.tar.gz",
    "sprite-env-darwin-arm64.tar.gz",
    "SHA256SUMS",
  ],
};

/** A schema, or a part of one. */
interface Schema {
  type?: unknown;
  enum?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: Schema | boolean;
}

const partOf = (schema: Schema | undefined, name: string): Schema | undefined => {
  const others = schema?.additionalProperties;
  return schema?.properties?.[name] ?? (typeof others === "object" ? others : undefined);
};

describe("docs/the-machine.md", () => {
  it("has a row for each thing, and a test that runs for each row", () => {
    expect(wrongIn(text, TABLES)).toEqual([]);
  });

  it.each(FLAGS.filter((flag) => flag !== "--" && flag !== "-version"))(
    "%s is a flag, with one dash and with two",
    (flag) => {
      for (const dashes of [flag, `-${flag}`])
        expect(() => parseFlags([`${dashes}=x`])).not.toThrow();
    },
  );

  it("has variables that are read", () => {
    const read = [TOKEN_VARIABLE, ...Object.values({ ...S3_VARIABLES, ...OTHER_VARIABLES })];

    expect(read).toEqual(expect.arrayContaining(VARIABLES));
  });

  it.each(KEYS)("%s is a key", (key) => {
    expect(key.split(".").reduce<Schema | undefined>(partOf, configSchema)).toBeDefined();
  });

  it.each(ENDPOINTS)("%s is an endpoint", async (endpoint) => {
    const [method = "", url = ""] = endpoint.split(" ");
    const debug = { createZombie: async () => 7, check: () => undefined };
    const { app } = fakeApi({}, { debug });
    const { statusCode } = await app.inject({ method: method as "GET", url }); // POST is one, too

    expect([404, 405]).not.toContain(statusCode);
  });
});

const lineOf = (name: string): string => {
  const line = text.split("\n").find((one) => one.startsWith(`| \`${name}\` `));
  if (line === undefined) throw new Error(`there is no row ${name}`);
  return line;
};

const replaced = (line: string, other: string): string => text.replace(line, () => other);
const renamed = (name: string, other: string): string =>
  replaced(
    lineOf(name),
    lineOf(name).replace(name, () => other),
  );
const shownBy = (name: string, test: string): string =>
  replaced(
    lineOf(name),
    lineOf(name).replace(/[^|]+\|$/, () => ` ${test} |`),
  );

describe("a page is refused", () => {
  it.each<[string, string, readonly string[]]>([
    ["without a row", replaced(`${lineOf("container")}\n`, ""), ["container is missing"]],
    [
      "with an endpoint twice, in the place of another",
      renamed("GET /debug/check-process", "POST /exec"),
      ["GET /debug/check-process is missing", "POST /exec is there twice"],
    ],
    [
      "with a key twice, in the place of another",
      renamed("process_restart_max_retries", "log_level"),
      ["process_restart_max_retries is missing", "log_level is there twice"],
    ],
    [
      "with a row that nobody asked for",
      replaced(
        lineOf("-listen"),
        `${lineOf("-listen")}\n${lineOf("-listen").replace("-listen", "-liston")}`,
      ),
      ["-liston is unknown"],
    ],
    [
      "with a row that has no name",
      replaced(lineOf("--"), `${lineOf("--")}\n${lineOf("--").replaceAll("`", "")}`),
      ["a row has no name in code type"],
    ],
    [
      "with a row that says nothing",
      replaced(lineOf("--"), lineOf("--").replace(/What[^|]*/, "")),
      ["--: it says nothing"],
    ],
    [
      "with a word of a file",
      shownBy("container", "e2e/release.test.ts: spawnSync"),
      ['container: "spawnSync" is too little of a title'],
    ],
    [
      "with words of a file that are no title",
      shownBy("container", "e2e/release.test.ts: import { spawnSync } from"),
      ['container: "import { spawnSync } from" begins 0 titles of e2e/release.test.ts'],
    ],
    [
      "with the middle of a title",
      shownBy("container", "e2e/release.test.ts: what the Dockerfile wants"),
      ['container: "what the Dockerfile wants" begins 0 titles of e2e/release.test.ts'],
    ],
    [
      "with half a word",
      shownBy("container", "e2e/release.test.ts: is what the Docker"),
      ['container: "is what the Docker" begins 0 titles of e2e/release.test.ts'],
    ],
    [
      "without a title",
      shownBy("-listen", "e2e/door.test.ts:"),
      ['-listen: "" is too little of a title'],
    ],
    [
      "with a file that is not there",
      shownBy("-listen", "e2e/nowhere.test.ts: it listens where"),
      ['-listen: "e2e/nowhere.test.ts: it listens where" names no file of tests'],
    ],
    ["without a test", shownBy("-listen", ""), ['-listen: "" names no file of tests']],
  ])("%s", (_, edited, wrong) => {
    expect(edited).not.toBe(text);
    expect(wrongIn(edited, TABLES)).toEqual(wrong);
  });

  it.each<[string, (test: string) => string]>([
    ["skipped", (test) => test.replace("it(", "it.skip(")],
    ["to be written", (test) => test.replace("it(", "it.todo(")],
    ["one that has to fail", (test) => test.replace("it(", "it.fails(")],
    ["commented out", (test) => test.replaceAll(/^/gm, "//")],
  ])("when a test of it is %s", (_, edit) => {
    const edited = (file: string): string | undefined =>
      testSource(file)?.replace(/it\("is what the Dockerfile[^]*?\n {2}\}, 60_000\);/, edit);

    expect(wrongIn(text, TABLES, edited)).toEqual([
      'container: "is what the Dockerfile wants" begins 0 titles of e2e/release.test.ts',
    ]);
  });
});
