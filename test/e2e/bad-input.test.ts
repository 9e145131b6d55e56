import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, Question } from "../support/api.ts";
import { fixture, Sprite } from "../support/daemon.ts";

const made = new Sprite();
beforeAll(async () => {
  await made.boot();
  await made.put("db", { cmd: fixture("forever"), http_port: 4000 });
  await made.put("api", { cmd: fixture("forever"), needs: ["db"] });
  await made.put("page", { cmd: fixture("forever"), needs: ["api"] });
  await made.untilRunning("page");
});
afterAll(() => made.cleanUp());

/** Everything that a request could have left: rows of the log, and files. */
const stored = () => ({
  rows: made.rows().map(({ type }) => type),
  logs: readdirSync(made.logDir).filter((name) => !name.endsWith(".new")), // there for a moment, whenever a service writes
  state: readdirSync(made.stateDir),
  around: readdirSync(made.dir),
});

const create = (name: string, ...flags: string[]): string[] => [
  ...["services", "create", name, "--cmd", "sleep", "--args", "1000", "--no-stream"],
  ...flags,
];

const longName = "x".repeat(300);

describe("a verb is refused in a sentence, with its exit code, and nothing is stored", () => {
  it.each<[string, string[], number, RegExp]>([
    ["an unknown need", create("web", "--needs", "nope"), 2, /dependency not found: nope/],
    ["itself as a need", create("web", "--needs", "web"), 2, /service cannot depend on itself/],
    [
      "needs in a circle",
      ["services", "update", "db", "--needs", "page"],
      2,
      /circular dependency detected: db -> page -> api -> db/,
    ],
    [
      "a second HTTP port",
      create("web", "--http-port", "4001"),
      4,
      /another service already has an HTTP port configured/,
    ],
    ["a name with a slash", create("a/b"), 2, /name is "a\/b": allowed is 1 to 63 of A-Z/],
    ["a name that leads out", create("../x"), 2, /name is "\.\.\/x": allowed is/],
    ["a name of one dot", create("."), 2, /name is "\.": allowed is/],
    ["a name of two dots", create(".."), 2, /name is "\.\.": allowed is/],
    ["an empty name", create(""), 2, /name/],
    ["a name with a newline", create("a\nb"), 2, /name is "a\\nb": allowed is/],
    ["a name with a space", create("a b"), 2, /name is "a b": allowed is/],
    ["a name of 300 characters", create(longName), 2, /name is "x+….*allowed is 1 to 63/],
    ["a name of 64 characters", create("x".repeat(64)), 2, /allowed is 1 to 63/],
    ["__proto__ as a name", create("__proto__"), 2, /name is "__proto__": allowed is/],
    ["a name that looks like another", create("wеb"), 2, /name is "wеb": allowed is/],
    ["signal as a name", create("signal"), 2, /name is "signal".*not signal/],
    ["an empty program", ["services", "create", "web", "--cmd", ""], 2, /cmd/],
    ["no program", ["services", "create", "web"], 2, /--cmd is missing/],
    [
      "arguments in --cmd",
      ["services", "create", "web", "--cmd", "npm start"],
      2,
      /"npm start".*--args/s,
    ],
    ["a signal that is none", ["services", "signal", "db", "FOO"], 2, /"FOO": allowed is one of/],
    ["a negative duration", create("web", "--duration", "-1s").toSpliced(7, 1), 2, /"-1s"/],
    ["a duration without a unit", ["services", "restart", "db", "--duration", "5"], 2, /"5"/],
    ["a negative timeout", ["services", "stop", "db", "--timeout", "-1s"], 2, /"-1s"/],
    ["a port that is none", create("web", "--http-port", "70000"), 2, /--http-port is "70000"/],
    ["an unknown flag", create("web", "--comand", "x"), 2, /--comand.*\n?.*--help/s],
    [
      "an unknown verb",
      ["services", "creat", "web"],
      2,
      /did you mean "sprite-env services create"/,
    ],
    ["a stray word", ["services", "create", "web", "--cmd", "sleep", "1000"], 2, /--args/],
    ["a variable without a value", create("web", "--env", "PORT"), 2, /part 1 of --env has no "="/],
    ["a variable with a bad name", create("web", "--env", "1A=x"), 2, /1A/],
    ["no such service", ["services", "get", "nope"], 3, /no service named "nope"/],
    ["no such service to stop", ["services", "stop", "nope"], 3, /no service named "nope"/],
    ["no such service to signal", ["services", "signal", "nope", "HUP"], 3, /no service named/],
    ["no such service to delete", ["services", "delete", "nope"], 3, /no service named "nope"/],
    ["no such service to update", ["services", "update", "nope", "--cmd", "x"], 3, /no service/],
    ["nothing to change", ["services", "update", "db"], 2, /nothing to change is given/],
    [
      "a policy that is none",
      create("web", "--restart", "sometimes"),
      2,
      /always.*on-failure.*never/,
    ],
  ])("%s", async (_, words, code, sentence) => {
    const before = stored();
    const ended = await made.cli(...words);

    expect(ended.stderr).toMatch(sentence);
    expect(ended.stderr).toMatch(/^sprite-env: /);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(stored()).toEqual(before);
  });

  it.each(["limits", "schedule", "http-autostart"])(
    "--%s, which this release does not act on, by its name",
    async (flag) => {
      const before = stored();
      const field = flag.replaceAll("-", "_");
      const ended = await made.cli(...create("web", `--${flag}`, "x"));
      const sent = await made.put("web", { cmd: "true", [field]: "x" });

      expect(ended).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr).toContain(`--${flag}`);
      expect(sent.status).toBe(400);
      expect(sent.text).toContain("not_built_yet");
      expect(sent.text).toContain(field);
      expect(stored()).toEqual(before);
    },
  );
});

describe("a request is refused with its status, and nothing is stored", () => {
  const put = (path: string, body: unknown = { cmd: "true" }): Question => ({
    method: "PUT",
    path: `/v1/services/${path}`,
    body,
  });
  const nothing = (path: string, method = "POST"): Question => ({ method, path });

  it.each<[string, Question, number, RegExp]>([
    ["a body that is no JSON", put("web", "{cmd"), 400, /the body is not JSON/],
    ["a body that is no object", put("web", []), 400, /a JSON object with at least cmd/],
    ["no body", nothing("/v1/services/web", "PUT"), 400, /cmd/],
    ["an empty program", put("web", { cmd: "" }), 400, /cmd field is required/],
    ["a negative duration", put("web?duration=-1s"), 400, /duration.*-1s/],
    ["an unknown field", put("web", { cmd: "true", comand: 1 }), 400, /there is no comand/],
    ["an unknown parameter", put("web?durations=1s"), 400, /durations/],
    ["a name with NUL", put("a%00b"), 400, /allowed is/],
    ["a name with a slash", put("a%2Fb"), 400, /allowed is/],
    ["a name that leads out", put("..%2F..%2Fetc%2Fx"), 400, /allowed is/],
    ["a name of 300 characters", put(longName), 400, /allowed is/],
    ["a name in other letters", put("w%D0%B5b"), 400, /allowed is/],
    ["a name that is no UTF-8", put("%ff"), 400, /./],
    ["a cycle", put("db", { cmd: "true", needs: ["page"] }), 400, /db -> page -> api -> db/],
    ["a second HTTP port", put("web", { cmd: "true", http_port: 1 }), 409, /already has an HTTP/],
    ["another method", nothing("/v1/services/db", "POST"), 405, /./],
    ["another path", nothing("/v1/nothing", "GET"), 404, /there is no \/v1\/nothing/],
    [
      "another sprite",
      nothing("/v1/sprites/other/services", "GET"),
      404,
      /no sprite named \\"other\\"/,
    ],
  ])("%s", async (_, question, status, text) => {
    const before = stored();
    const answer: Answer = await made.ask(question);

    expect(answer.text).toMatch(text);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({
      error: expect.any(String) as string,
      message: expect.any(String) as string,
    });
    expect(stored()).toEqual(before);
  });

  it("a body of 10 MB", async () => {
    const file = join(made.home, "big.json");
    writeFileSync(file, JSON.stringify({ cmd: "true", args: ["x".repeat(10_000_000)] }));
    const before = stored();
    const headers = { Connection: "keep-alive" }; // else the server closes while we write still
    const sent = await made.ask({ ...put("web", readFileSync(file, "utf8")), headers });
    const created = await made.cli("services", "create", "web", "--from", file);

    expect(sent.text).toContain("the request body is over 1048576 bytes");
    expect(sent.status).toBe(413);
    expect(created).toMatchObject({ code: 2, stdout: "" });
    expect(created.stderr).toMatch(/^sprite-env: .*\d+ bytes/);
    expect(stored()).toEqual(before);
  });
});

const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

it.skipIf(process.getuid?.() !== 0)("the socket is for the daemon's own user alone", async () => {
  chmodSync(made.dir, 0o755);
  const curl = ["curl", "-s", "-w", "%{http_code}", "--unix-socket", made.socket];
  const ended = await made.run([...asNobody, ...curl, "http://sprite/v1/services"]);

  expect(ended.stdout).toBe("000");
  expect(ended.code).not.toBe(0);
});
