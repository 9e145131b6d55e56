import { expect, it } from "vitest";
import { serviceEnvironment } from "../../src/effects/environment.ts";

const DAEMON = {
  PATH: "/bin",
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  SHELL: "/bin/sh",
  LANG: "C",
  TZ: "UTC",
  SPRITE_HTTP_API_TOKEN: "secret",
  AWS_SECRET_ACCESS_KEY: "secret",
};

it("lets seven variables of the daemon's through, and adds the mark", () => {
  expect(serviceEnvironment(DAEMON, {}, "in_1")).toEqual({
    PATH: "/bin",
    HOME: "/root",
    USER: "root",
    LOGNAME: "root",
    SHELL: "/bin/sh",
    LANG: "C",
    TZ: "UTC",
    SPRITE_ENV_INCARNATION: "in_1",
  });
});

it("puts the service's own over the daemon's", () => {
  const env = serviceEnvironment(DAEMON, { PATH: "/opt/bin", PORT: "80", EMPTY: "" }, "in_1");
  expect(env).toMatchObject({ PATH: "/opt/bin", PORT: "80", EMPTY: "" });
});

it("lets no service pretend to be another incarnation", () => {
  const env = serviceEnvironment(DAEMON, { SPRITE_ENV_INCARNATION: "in_2" }, "in_1");
  expect(env["SPRITE_ENV_INCARNATION"]).toBe("in_1");
});

it("takes a name that objects have anyway as any other", () => {
  const own = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
  expect(Object.entries(serviceEnvironment(DAEMON, own, "in_1"))).toEqual(
    expect.arrayContaining([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]),
  );
});

it("finds a home and a search path where the daemon was started with nothing", () => {
  const env = serviceEnvironment({}, {}, "in_1");
  expect(env["PATH"]).toContain("/usr/bin");
  expect(env["HOME"]).toMatch(/^\//);
  expect(env).not.toHaveProperty("LANG");
});
