import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cli, failing, fakeDaemon, temporary, type FakeDaemon } from "./harness.ts";

let daemon: FakeDaemon;

beforeEach(async () => {
  daemon = await fakeDaemon({
    "GET /v1/tasks": () => ({ ok: true }),
    "POST /v1/tasks": () => "made\n",
    "HEAD /v1/tasks": () => "",
    "GET /v1/bad": failing(400, "invalid_request", "no"),
  });
});

afterEach(() => daemon.close());

const curl = (...words: string[]) => cli(["curl", ...words], { socket: daemon.socket });

it("prints the answer as it is", async () => {
  expect(await curl("/v1/tasks")).toMatchObject({ code: 0, stdout: '{"ok":true}', stderr: "" });
  expect(await curl("http://sprite/v1/tasks")).toMatchObject({ stdout: '{"ok":true}' });
});

it("sends methods, headers and bodies as curl does, JSON unless it is told otherwise", async () => {
  await curl("-XPOST", "/v1/tasks", "-d", '{"a":1}');
  await curl(
    "/v1/tasks",
    "-d",
    "a=1",
    "--data",
    "b=2",
    "-H",
    "content-type: text/x",
    "-H",
    'If-Match: "3"',
  );
  await curl("-s", "-X", "POST", "/v1/tasks");

  const sent = daemon.seen.map(({ method, body, headers }) => [
    method,
    body,
    headers["content-type"],
  ]);
  expect(sent).toEqual([
    ["POST", '{"a":1}', "application/json"],
    ["POST", "a=1&b=2", "text/x"],
    ["POST", "", undefined],
  ]);
  expect(daemon.seen[1]?.headers["if-match"]).toBe('"3"');
});

it("reads bodies from files, -d without their newlines", async () => {
  const { path, remove } = temporary();
  const file = join(path, "body");
  writeFileSync(file, "a\nb\n");

  await curl("/v1/tasks", "-d", `@${file}`);
  await curl("/v1/tasks", "--data-binary", `@${file}`);
  await curl("/v1/tasks", "--data-raw", `@${file}`);
  remove();

  expect(daemon.seen.map(({ body }) => body)).toEqual(["ab", "a\nb\n", `@${file}`]);
});

it("-i prints the head, too; -I asks for it alone", async () => {
  const { stdout } = await curl("-si", "/v1/tasks");

  expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\{"ok":true\}$/);
  expect((await curl("-I", "/v1/tasks")).stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
  expect(daemon.seen[1]?.method).toBe("HEAD");
});

it("an answer of 400 is no failure, with -f it is one and its body is not printed", async () => {
  expect(await curl("/v1/bad")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("invalid_request"),
  });
  expect(await curl("-f", "/v1/bad")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("400"),
  });
});

it("-o writes the body to a file", async () => {
  const { path, remove } = temporary();

  const { stdout } = await curl("/v1/tasks", "-o", join(path, "out"));

  expect(stdout).toBe("");
  expect(readFileSync(join(path, "out"), "utf8")).toBe('{"ok":true}');
  remove();
});

it.each([
  [["/v1/tasks", "/v1/other"], "one request at a time"],
  [["v1/tasks"], "is no path"],
  [["/v1/tasks", "-H", "nonsense"], "is no header"],
  [["/v1/tasks", "-H", "A: b\r\nHost: x"], "is no header"],
  [["/v1/tasks", "-X"], "-X needs a value"],
  [["--proxy", "x", "/v1/tasks"], "--proxy is not supported here"],
  [["/v1/tasks", "-d", "@/no/such/file"], "cannot read /no/such/file"],
])("refuses %j and sends nothing", async (words, sentence) => {
  const { code, stderr } = await curl(...words);

  expect(stderr).toContain(sentence);
  expect({ code, seen: daemon.seen }).toEqual({ code: 2, seen: [] });
});
