import { describe, expect, it } from "vitest";
import { parseFlags } from "../../src/config/flags.ts";

it("takes one dash and two, with a space and with =", () => {
  const expected = { log_level: "warn", state_dir: "/s", socket_path: "/s/a", log_dir: "/l" };
  const one = ["-log-level", "warn", "-state-dir=/s", "-socket", "/s/a", "-log-dir=/l"];

  expect(parseFlags(one).values).toEqual(expected);
  expect(parseFlags(one.map((word) => word.replace(/^-/, "--"))).values).toEqual(expected);
});

it("takes every documented flag that this release acts on", () => {
  const flags = parseFlags(["-config", "config.json", "-debug", "-log-json", "-version"]);

  expect(flags).toMatchObject({
    configFile: "config.json",
    version: true,
    help: false,
    values: { debug: "true", log_json: "true" },
  });
});

it("takes the address to listen on by the name of its flag and by its key", () => {
  expect(parseFlags(["-listen", ":8080"]).values).toEqual({ api_listen_addr: ":8080" });
  expect(parseFlags(["--api-listen-addr=[::1]:1"]).values).toEqual({ api_listen_addr: "[::1]:1" });
});

it.each(["--api-tokens", "--api_tokens", "--api-hosts"])(
  "refuses %s, which a command line would show to all",
  (flag) => {
    expect(() => parseFlags([flag, "x"])).toThrow(
      /is no flag: write it into the configuration file/,
    );
  },
);

it("takes switches with a value", () => {
  expect(parseFlags(["--debug=false", "--version=false"])).toMatchObject({
    version: false,
    values: { debug: "false" },
  });
});

it("lets a later flag win and a value hold anything after =", () => {
  expect(parseFlags(["--socket=/a", "--socket=/b=c"]).values.socket_path).toBe("/b=c");
  expect(parseFlags(["--socket="]).values.socket_path).toBe("");
});

describe("refuses", () => {
  it.each([
    [["--log-levle", "info"], "there is no flag --log-levle: did you mean --log-level?"],
    [["--socket_path=/x"], "there is no flag --socket_path: did you mean --socket-path?"],
    [["-x"], "there is no flag --x: --help lists them"],
    [["--state-dir"], "--state-dir needs a value"],
    [["--state-dir", "--debug"], "--state-dir needs a value"],
    [["serve"], 'unexpected argument "serve"'],
    [["-"], 'unexpected argument "-"'],
  ])("%j: %s", (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(message);
  });

  it.each(["--proxy-listen", "--proxy-listen-addr"])(
    "%s by name, since nothing acts on it yet",
    (flag) => {
      expect(() => parseFlags([flag, "x"])).toThrow(
        expect.objectContaining({
          code: "not_built_yet",
          message: expect.stringContaining(flag.replace(/^-+/, "--")),
        }),
      );
    },
  );
});

it("takes what stands after -- as it is, for the main process", () => {
  expect(parseFlags(["--debug", "--", "node", "app.js", "--debug", "--"])).toMatchObject({
    values: { debug: "true" },
    command: ["node", "app.js", "--debug", "--"],
  });
  expect(parseFlags(["-debug", "--"]).command).toEqual([]);
});

it.each([
  [["-components-dir", "/c"], { components_dir: "/c" }],
  [["--juicefs-dir=/j"], { write_dir: "/j" }],
  [["-graceful-shutdown-timeout", "5s"], { process_graceful_shutdown_timeout: "5s" }],
  [["-log-json", "-debug"], { log_json: "true", debug: "true" }],
  [["-keep-alive-on-error", "-local-mode"], { keep_alive_on_error: "true", local_mode: "true" }],
])("%j is understood", (argv, values) => {
  expect(parseFlags(argv).values).toEqual(values);
});
