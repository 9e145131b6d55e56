import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { AppError, Client } from "../../src/client/client.ts";
import { json, onPort, onSocket } from "./fixture.ts";

const STARTED = '{"type":"started","timestamp":1}\n';
const COMPLETE = '{"type":"complete","timestamp":2}\n';

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

it("sends a command again whose reply was lost, with the same key, and gives the answer", async () => {
  const { socket, asked } = await onSocket((_asked, response, count) => {
    if (count < 3) response.destroy();
    else response.end(STARTED + COMPLETE);
  });
  const lost: string[] = [];
  const client = new Client({ socket, onRetry: ({ code }) => lost.push(code) });

  const lines = await all(await client.put("web", { cmd: "sleep" }));

  expect(lines.map(({ type }) => type)).toEqual(["started", "complete"]);
  expect(lost).toEqual(["daemon_unreachable", "daemon_unreachable"]);
  expect(asked.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual(
    Array(3).fill('PUT /v1/services/web {"cmd":"sleep"}'),
  );
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  expect(keys[0]).toMatch(/^[\da-f-]{36}$/);
  expect(new Set(keys).size).toBe(1);
});

it("waits for a daemon that went away in the middle and comes back", async () => {
  const first = await onSocket((_asked, response) => {
    first.server.close();
    response.destroy();
    setTimeout(() => first.server.listen(first.socket), 200); // as a supervisor of the supervisor would
    first.server.removeAllListeners("request");
    first.server.on("request", (_request, later) => void later.end(COMPLETE));
  });

  const lines = await all(await new Client({ socket: first.socket }).start("web"));

  expect(lines.map(({ type }) => type)).toEqual(["complete"]);
});

it("gives up when the time is over, with what was lost", async () => {
  const { socket, asked } = await onSocket((_asked, response) => void response.destroy());

  const failing = new Client({ socket, retryMs: 300 }).restart("web");

  await expect(failing).rejects.toMatchObject({ code: "daemon_unreachable" });
  expect(asked.length).toBeGreaterThan(1);
});

it.each([
  ["retryMs is 0", { retryMs: 0 }],
  ["it is a question", undefined],
])("sends nothing again where %s", async (_why, options) => {
  const { socket, asked } = await onSocket((_asked, response) => void response.destroy());
  const client = new Client({ socket, ...options });

  const failing = options ? client.stop("web") : client.get("web");

  await expect(failing).rejects.toMatchObject({ code: "daemon_unreachable" });
  expect(asked).toHaveLength(1);
});

it("an answer is an answer: a refused command is not sent again", async () => {
  const { socket, asked } = await onSocket((_asked, response) =>
    json(response, { error: "service_needed", message: "app needs it", service: "app" }, 409),
  );

  const failing = new Client({ socket }).stop("db");

  await expect(failing).rejects.toBeInstanceOf(AppError);
  await expect(failing).rejects.toMatchObject({
    code: "service_needed",
    message: "app needs it",
    details: { service: "app" },
  });
  expect(asked).toHaveLength(1);
});

it("a key that is given is the one that is sent", async () => {
  const { socket, asked } = await onSocket((_asked, response) => void response.end(COMPLETE));

  await all(await new Client({ socket }).start("web", { idempotencyKey: "mine" }));

  expect(asked[0]?.headers["idempotency-key"]).toBe("mine");
});

it("a signal that is given ends a question that nobody answers, with its reason", async () => {
  const { socket } = await onSocket(() => undefined);
  const ending = new AbortController();
  setTimeout(() => ending.abort(new Error("enough")), 50);

  await expect(new Client({ socket }).list({ signal: ending.signal })).rejects.toThrow("enough");
});

it("a signal that was given before is heeded before anything is sent", async () => {
  const { socket, asked } = await onSocket((_asked, response) => json(response, []));

  await expect(new Client({ socket }).list({ signal: AbortSignal.abort() })).rejects.toThrow(
    expect.objectContaining({ name: "AbortError" }),
  );
  expect(asked).toHaveLength(0);
});

it("a signal ends a stream in its middle, and the connection with it", async () => {
  let closed = false;
  const { socket } = await onSocket((_asked, response) => {
    response.on("close", () => (closed = true));
    response.write(STARTED);
  });
  const ending = new AbortController();
  const stream = await new Client({ socket }).start("web", { signal: ending.signal });

  expect((await stream.next()).value).toEqual({ type: "started", timestamp: 1 });
  ending.abort();

  await expect(stream.next()).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  await expect.poll(() => closed).toBe(true);
});

it("whoever leaves a stream early closes its connection", async () => {
  let closed = false;
  const { socket } = await onSocket((_asked, response) => {
    response.on("close", () => (closed = true));
    response.write(STARTED);
  });

  for await (const line of await new Client({ socket }).start("web")) {
    expect(line.type).toBe("started");
    break;
  }

  await expect.poll(() => closed).toBe(true);
});

it("an answer that does not come in the time given is `timed_out`", async () => {
  const { socket } = await onSocket(() => undefined);

  const failing = new Client({ socket, timeoutMs: 50 }).health();

  await expect(failing).rejects.toMatchObject({ code: "timed_out" });
});

it("asks a URL with its token, its own host, and its path before every other", async () => {
  const { url, asked } = await onPort((_asked, response) => json(response, []));

  await new Client({ url: `${url}/supervisor/`, token: "secret-token" }).list();

  expect(asked[0]).toMatchObject({
    url: "/supervisor/v1/services",
    headers: { host: url.slice("http://".length), authorization: "Bearer secret-token" },
  });
});

it("asks for a sprite by its name", async () => {
  const { socket, asked } = await onSocket((_asked, response) => json(response, []));

  const client = new Client({ socket, sprite: "my/sprite" });
  await client.list({ labels: { tier: "web" } });
  await client.health();

  expect(asked.map(({ url }) => url)).toEqual([
    "/v1/sprites/my%2Fsprite/services?label=tier%3Dweb",
    "/healthz",
  ]);
});

it.each([
  ["ftp://x", undefined, "is no URL of a daemon"],
  ["nonsense", undefined, "is no URL of a daemon"],
  ["http://user:hunter2@x", undefined, "must not hold a secret"],
  ["http://x?token=hunter2", undefined, "ends with its path"],
  ["http://x", "hunter2\r\nX-Evil: 1", "characters that no HTTP header takes"],
  ["http://x", "hunter2 ü", "characters that no HTTP header takes"],
])("refuses %s with token %j, without repeating a secret", (url, token, sentence) => {
  const failure = (): Error => {
    try {
      void new Client({ url, token });
      return new Error("it was taken");
    } catch (error) {
      return error as Error; // the client throws no other
    }
  };

  expect(failure()).toMatchObject({ code: "invalid_request" });
  expect(failure().message).toContain(sentence);
  expect(failure().message).not.toContain("hunter2");
});

it("nobody at a URL: says which, and why", async () => {
  const { url } = await onPort(() => undefined);
  const free = new URL(url);
  free.port = "1";

  await expect(new Client({ url: free.href }).list()).rejects.toMatchObject({
    code: "daemon_unreachable",
    message: "no daemon answers at http://127.0.0.1:1: nobody listens there",
  });
});

it("a name that no machine has is said to be that", async () => {
  const failing = new Client({ url: "http://no-such-host.invalid:8080" }).list();

  await expect(failing).rejects.toMatchObject({
    code: "daemon_unreachable",
    message: expect.stringMatching(/no machine has that name|names cannot be looked up/) as string,
  });
});

it("takes its place from the environment where none is given, as the CLI does", async () => {
  const { socket, asked } = await onSocket((_asked, response) => json(response, []));
  const before = process.env["SPRITE_ENV_SOCKET"];
  process.env["SPRITE_ENV_SOCKET"] = socket;
  try {
    await new Client().list();
  } finally {
    if (before === undefined) delete process.env["SPRITE_ENV_SOCKET"];
    else process.env["SPRITE_ENV_SOCKET"] = before;
  }

  expect(existsSync(socket)).toBe(true);
  expect(asked).toHaveLength(1);
});

it("metrics are text, as they came", async () => {
  const { socket } = await onSocket((asked, response) => void response.end(`# ${asked.url}\n`));

  expect(await new Client({ socket }).metrics()).toBe("# /metrics\n");
});
