import { describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { fakeApi } from "./fake-services.ts";
import { errorOf as error, putRequest as put } from "./requests.ts";

describe("PUT refuses", () => {
  const ALLOWED_NAME = /allowed is 1 to 63 of A-Z/;
  it.each([
    [{}, "cmd", /^cmd field is required$/],
    [{ cmd: "" }, "cmd", /^cmd field is required$/],
    [{ cmd: null }, "cmd", /cmd is null: allowed is the program alone/],
    [{ cmd: 5 }, "cmd", /cmd is 5/],
    [{ cmd: "a\0b" }, "cmd", /cmd is "a\\u0000b"/],
    [{ cmd: "x".repeat(4_097) }, "cmd", /cmd is "x{76}…: allowed/],
    [{ cmdd: "x" }, "cmdd", /^there is no cmdd: did you mean cmd\?$/],
    [{ cmd: "x", arguments: [] }, "arguments", /^there is no arguments: known are name, cmd, args/],
    [{ cmd: "x", args: "a,b" }, "args", /args is "a,b": allowed is a list of texts/],
    [
      { cmd: "x", args: ["a", 5] },
      "args[1]",
      /args\[1\] is 5: allowed is text of at most 131071 characters/,
    ],
    [{ cmd: "x", args: ["a\0"] }, "args[0]", /args\[0\]/],
    [{ cmd: "x", env: ["A=1"] }, "env", /env is not an object of names with texts/],
    [
      { cmd: "x", env: { "1A": "x" } },
      "env",
      /env has the name "1A": allowed is letters, digits and _/,
    ],
    [{ cmd: "x", env: { "A=B": "x" } }, "env", /env has the name "A=…"/],
    [{ cmd: "x", env: { A: 5 } }, "env.A", /^env\.A is not a text without NUL, or \{"\$env"/],
    [{ cmd: "x", env: { A: "b\0" } }, "env.A", /^env\.A is not a text without NUL/],
    [
      { cmd: "x", env_names: ["A"] },
      "env_names",
      /names without values cannot be written: give env/,
    ],
    [{ cmd: "x", dir: "relative" }, "dir", /dir is "relative": allowed is an absolute path/],
    [{ cmd: "x", dir: "/a\0" }, "dir", /dir is/],
    [
      { cmd: "x", needs: "db" },
      "needs",
      /needs is "db": allowed is a list of at most 100 different names/,
    ],
    [{ cmd: "x", needs: ["a/b"] }, "needs[0]", ALLOWED_NAME],
    [{ cmd: "x", needs: ["a", "a"] }, "needs", /different names/],
    [
      { cmd: "x", http_port: 0 },
      "http_port",
      /http_port is 0: allowed is a whole number from 1 to 65535/,
    ],
    [{ cmd: "x", http_port: 65_536 }, "http_port", /65536/],
    [{ cmd: "x", http_port: "80" }, "http_port", /http_port is "80"/],
    [
      { cmd: "x", http_port: 80, httpPort: 81 },
      "httpPort",
      /httpPort is 81: allowed is the same as http_port \(80\)/,
    ],
    [
      { cmd: "x", restart: "sometimes" },
      "restart",
      /restart is "sometimes": allowed is one of always, on-failure, never/,
    ],
    [
      { cmd: "x", backoff: { frist: "1s" } },
      "backoff.frist",
      /there is no backoff\.frist: did you mean first\?/,
    ],
    [
      { cmd: "x", backoff: { max: "-1s" } },
      "backoff.max",
      /backoff\.max is "-1s": allowed is a duration such as/,
    ],
    [
      { cmd: "x", backoff: { max: 30 } },
      "backoff.max",
      /backoff\.max is 30: allowed is a duration/,
    ],
    [{ cmd: "x", backoff: { max: "600h" } }, "backoff.max", /backoff\.max is "600h"/],
    [
      { cmd: "x", backoff: { first: "1m" } },
      "backoff.first",
      /backoff\.first is "1m0s": allowed is at most backoff\.max, 30s/,
    ],
    [{ cmd: "x", backoff: { factor: 0.5 } }, "backoff.factor", /from 1 to 100/],
    [{ cmd: "x", backoff: { jitter: 2 } }, "backoff.jitter", /from 0 to 1/],
    [
      { cmd: "x", health: {} },
      "health",
      /health is \[\]: allowed is exactly one of http, tcp and exec|health/,
    ],
    [
      { cmd: "x", health: { every: "1s" } },
      "health",
      /health is \["every"\]: allowed is exactly one of http, tcp and exec/,
    ],
    [{ cmd: "x", health: { tcp: 1, exec: ["x"] } }, "health", /exactly one/],
    [
      { cmd: "x", health: { http: "https://x/" } },
      "health.http",
      /health\.http is "https:\/\/x\/": allowed is a URL such as/,
    ],
    [{ cmd: "x", health: { http: "http://u:p@x/" } }, "health.http", /without a password/],
    [{ cmd: "x", health: { http: "http://x:0/" } }, "health.http", /health\.http/],
    [{ cmd: "x", health: { http: { path: "/" } } }, "health.http", /allowed is a URL such as/],
    [{ cmd: "x", health: { tcp: "db:0" } }, "health.tcp", /a port from 1 to 65535/],
    [{ cmd: "x", health: { tcp: "db:99999" } }, "health.tcp", /a port from 1 to 65535/],
    [{ cmd: "x", health: { tcp: "db" } }, "health.tcp", /allowed is a port, "localhost:5432"/],
    [{ cmd: "x", health: { exec: [] } }, "health.exec", /a program and its arguments as a list/],
    [{ cmd: "x", health: { exec: [""] } }, "health.exec[0]", /a program/],
    [{ cmd: "x", health: { tcp: 1, every: "0s" } }, "health.every", /more than 0/],
    [{ cmd: "x", health: { tcp: 1, failures: 0 } }, "health.failures", /from 1 to 1000/],
    [{ cmd: "x", env: { A: { $env: "1X" } } }, "env.A", /^env\.A is not a text/],
    [{ cmd: "x", env: { A: { $env: "X", or: "y" } } }, "env.A", /^env\.A is not a text/],
    [{ cmd: "x", user: "" }, "user", /user/],
    [{ cmd: "x", user: "a b" }, "user", /user is "a b": allowed is the name or number of a user/],
    [{ cmd: "x", user: "-rf" }, "user", /user is "-rf"/],
    [{ cmd: "x", user: -1 }, "user", /user is -1/],
    [{ cmd: "x", user: 1.5 }, "user", /user is 1\.5/],
    [{ cmd: "x", user: 4_294_967_295 }, "user", /user is 4294967295/],
    [{ cmd: "x", user: "4294967295" }, "user", /user is "4294967295"/],
    [{ cmd: "x", user: ["root"] }, "user", /name or number of a user/],
    [{ cmd: "x", group: "a:b" }, "group", /group is "a:b": allowed is the name or number of a gr/],
    [{ cmd: "x", umask: 27 }, "umask", /umask is 27: allowed is an octal number as text/],
    [{ cmd: "x", umask: "0788" }, "umask", /umask is "0788"/],
    [{ cmd: "x", umask: "01777" }, "umask", /umask is "01777"/],
    [{ cmd: "x", umask: "0o27" }, "umask", /umask is "0o27"/],
    [{ cmd: "x", umask: "-1" }, "umask", /such as "0027"/],
    [{ cmd: "x", env_file: "app.env" }, "env_file", /"app\.env": allowed is an absolute path/],
    [{ cmd: "x", env_file: "" }, "env_file", /env_file/],
    [{ cmd: "x", env_file: "/a\0" }, "env_file", /env_file/],
    [{ cmd: "x", success_exit_codes: 0 }, "success_exit_codes", /a list of different whole numb/],
    [{ cmd: "x", success_exit_codes: [0, 0] }, "success_exit_codes", /different whole numbers/],
    [{ cmd: "x", success_exit_codes: [256] }, "success_exit_codes[0]", /from 0 to 255/],
    [{ cmd: "x", success_exit_codes: [0, "3"] }, "success_exit_codes[1]", /from 0 to 255/],
    [{ cmd: "x", max_failures: 0 }, "max_failures", /from 1 to 1000/],
    [{ cmd: "x", max_failures: 2.5 }, "max_failures", /a whole number from 1 to 1000/],
    [{ cmd: "x", window: "0s" }, "window", /window is "0s": allowed is a duration .* more than 0/],
    [{ cmd: "x", window: "1" }, "window", /window is "1"/],
    [{ cmd: "x", window: "600h" }, "window", /window is "600h"/],
    [
      { cmd: "x", stop_signal: "FOO" },
      "stop_signal",
      /stop_signal is "FOO": allowed is one of HUP/,
    ],
    [{ cmd: "x", stop_signal: 15 }, "stop_signal", /stop_signal is 15: allowed is the name of a/],
    [{ cmd: "x", stop_signal: "0" }, "stop_signal", /stop_signal is "0"/],
    [{ cmd: "x", stop_signal: "RTMIN+31" }, "stop_signal", /RTMIN to RTMIN\+30/],
    [{ cmd: "x", stop_timeout: "-1s" }, "stop_timeout", /stop_timeout is "-1s"/],
    [{ cmd: "x", stop_timeout: 10 }, "stop_timeout", /stop_timeout is 10: allowed is a duration/],
    [{ cmd: "x", stop_command: "a b" }, "stop_command", /a program and its arguments as a list/],
    [{ cmd: "x", stop_command: [] }, "stop_command", /a program and its arguments as a list/],
    [{ cmd: "x", stop_command: [""] }, "stop_command[0]", /a program/],
    [{ cmd: "x", stop_command: ["a", "b\0"] }, "stop_command[1]", /text without NUL/],
    [{ cmd: "x", ready: {} }, "ready", /ready is \{\}: allowed is an object with exactly one of/],
    [{ cmd: "x", ready: true }, "ready", /ready is true/],
    [
      { cmd: "x", ready: { tcp: 1, fd: 3 } },
      "ready",
      /exactly one of http, tcp, exec, log, notify/,
    ],
    [{ cmd: "x", ready: { htp: 1 } }, "ready.htp", /there is no ready\.htp: did you mean http\?/],
    [{ cmd: "x", ready: { http: "https://x/" } }, "ready.http", /ready\.http is "https/],
    [{ cmd: "x", ready: { http: "http://u:p@x/" } }, "ready.http", /ready\.http is/],
    [{ cmd: "x", ready: { tcp: "db:0" } }, "ready.tcp", /ready\.tcp is "db:0"/],
    [{ cmd: "x", ready: { exec: [""] } }, "ready.exec[0]", /ready\.exec\[0\]/],
    [{ cmd: "x", ready: { log: "" } }, "ready.log", /ready\.log/],
    [{ cmd: "x", ready: { log: "a\nb" } }, "ready.log", /without line breaks/],
    [
      { cmd: "x", ready: { notify: false } },
      "ready.notify",
      /ready\.notify is false: allowed is true/,
    ],
    [{ cmd: "x", ready: { notify: 1 } }, "ready.notify", /allowed is true/],
    [
      { cmd: "x", ready: { fd: 2 } },
      "ready.fd",
      /ready\.fd is 2: allowed is a whole number from 3/,
    ],
    [{ cmd: "x", ready: { fd: 1_024 } }, "ready.fd", /from 3 to 1023/],
    [{ cmd: "x", ready: { fd: "3" } }, "ready.fd", /from 3 to 1023/],
    [{ cmd: "x", ready_timeout: "0s" }, "ready_timeout", /more than 0/],
    [{ cmd: "x", oneshot: "yes" }, "oneshot", /oneshot is "yes": allowed is true or false/],
    [{ cmd: "x", labels: ["a=b"] }, "labels", /an object of names with texts, at most 64/],
    [{ cmd: "x", labels: { "-a": "b" } }, "labels", /labels has the name "-a": allowed is 1 to 63/],
    [{ cmd: "x", labels: { "": "b" } }, "labels", /labels has the name ""/],
    [{ cmd: "x", labels: { a: 1 } }, "labels.a", /printable text of at most 255 characters/],
    [{ cmd: "x", labels: { a: "x\n" } }, "labels.a", /printable text/],
    [{ cmd: "x", labels: { a: "x".repeat(256) } }, "labels.a", /at most 255/],
    [
      {
        cmd: "x",
        labels: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`l${at}`, ""])),
      },
      "labels",
      /at most 64/,
    ],
    [{ cmd: "x", name: "api" }, "name", /name is "api": allowed is the name in the path, web/],
    [{ cmd: "x", __proto__x: 1 }, "__proto__x", /there is no __proto__x/],
  ])("%j", async (body, field, message) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put(body));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({
      error: "invalid_request",
      field,
      message: expect.stringMatching(message),
      allowed: expect.any(String),
    });
    expect(asked).toEqual([]);
  });

  it.each(["limits", "schedule", "http_autostart"])(
    "%s by name, since nothing acts on it yet",
    async (field) => {
      const { app, asked } = fakeApi();
      const response = await app.inject(put({ cmd: "x", [field]: "y" }));

      expect(response.statusCode).toBe(400);
      expect(error(response)).toMatchObject({
        error: "not_built_yet",
        field,
        message: `${field} is known, but this release does not act on it yet: leave it out`,
      });
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ["", /the body is missing: expected is a JSON object with at least cmd/],
    ["null", /the body is missing/],
    ["[]", /the body is \[\]: allowed is a JSON object/],
    ['"cmd"', /the body is "cmd"/],
    ['{"cmd":', /the body is not JSON/],
    ['{"cmd":"x","__proto__":{"a":1}}', /there is no __proto__/],
  ])("the body %j", async (payload, message) => {
    const response = await fakeApi().app.inject({
      method: "PUT",
      url: "/v1/services/web",
      payload,
    });

    expect(response.statusCode).toBe(400);
    expect(error(response)["message"]).toMatch(message);
  });

  it("values of env without repeating them", async () => {
    const response = await fakeApi().app.inject(put({ cmd: "x", env: { TOKEN: "hunter2\0" } }));

    expect(response.statusCode).toBe(400);
    expect(response.body).not.toContain("hunter2");
  });

  it("arguments in cmd, saying where they go", async () => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put({ cmd: "npm start" }));

    expect(response.statusCode).toBe(400);
    expect(error(response)["message"]).toBe(
      'cmd is "npm start", and there is no file of that name: cmd is the program alone, arguments go in args (--cmd npm --args "start")',
    );
    expect(asked).toEqual([]);
  });

  it.each([
    "?duration=-1s",
    "?duration=5",
    "?duration=",
    "?duration=1s&duration=2s",
    "?timeout=1s&duration=2s",
    "?duraton=5s",
    "?x=1",
  ])("the query %s", async (query) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put({ cmd: "x" }, query));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({
      error: "invalid_request",
      field: expect.stringMatching(/^(dura|time|x)/),
    });
    expect(asked).toEqual([]);
  });

  it.each(["a%2Fb", "-web", ".web", "signal", "a%20b", "%C3%BC", "a%00", "x".repeat(64)])(
    "the name %s, whatever is asked of it",
    async (name) => {
      const { app, asked } = fakeApi();
      const url = `/v1/services/${name}`;
      const all = await Promise.all([
        app.inject({ method: "PUT", url, payload: '{"cmd":"x"}' }),
        app.inject({ method: "DELETE", url }),
        app.inject({ method: "POST", url: `${url}/start` }),
        app.inject(`${url}/logs`),
        app.inject({
          method: "POST",
          url: "/v1/services/signal",
          payload: JSON.stringify({ name: decodeURIComponent(name), signal: "HUP" }),
        }),
      ]);

      expect(all.map((response) => response.statusCode)).toEqual([400, 400, 400, 400, 400]);
      for (const response of all) {
        expect(error(response)).toMatchObject({
          field: "name",
          message: expect.stringMatching(ALLOWED_NAME),
        });
      }
      expect(asked).toEqual([]);
    },
  );

  it("with the status of the command's own refusal, and its facts", async () => {
    const { app } = fakeApi({
      put: async () => {
        throw new AppError(
          "http_port_taken",
          "another service already has an HTTP port configured",
          {
            details: { service: "api" },
          },
        );
      },
    });
    const response = await app.inject(put({ cmd: "x" }));

    expect(response.statusCode).toBe(409);
    expect(response.headers["content-type"]).toContain("application/json");
    expect(response.json()).toEqual({
      error: "http_port_taken",
      message: "another service already has an HTTP port configured",
      service: "api",
    });
  });
});
