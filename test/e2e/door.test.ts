import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeHistory } from "../../bench/history.ts";
import { bootedSprite, fixture, type BootOptions, type Sprite, sprite } from "../support/daemon.ts";
import { seeded } from "../support/random.ts";
import { type OpenapiDocument, requestsOf } from "../support/requests-of.ts";
import { until } from "../support/until.ts";

const TOKEN = "CANARY-9f3b1c7e5a2d4860";

const LISTENING: BootOptions = {
  flags: ["-listen", "127.0.0.1:0"],
  env: { SPRITE_HTTP_API_TOKEN: TOKEN },
};

const portOf = (made: Sprite): number =>
  Number(/ listen=127\.0\.0\.1:(\d+) /.exec(made.daemon?.said() ?? "")?.[1]);

interface Question {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | undefined;
}

/** Sends a request over TCP with the token; resolves when the head of the answer is there. */
function ask(port: number, { path, method = "GET", headers = {}, body }: Question) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      path,
      method,
      agent: false,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...headers,
        ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      },
    };
    request(options, resolve).once("error", reject).end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return text;
}

const answer = async (port: number, question: Question) => {
  const response = await ask(port, question);
  return { status: response.statusCode ?? 0, text: await textOf(response) };
};

describe("the token", () => {
  it("is nowhere but in the daemon's memory: not in its environment, its command line, a service, a log or a file", async () => {
    const made = await bootedSprite(LISTENING);
    const port = portOf(made);
    const pid = made.daemon?.pid ?? 0;
    await made.put("web", {
      cmd: "sh",
      args: ["-c", "env; tr '\\0' '\\n' </proc/$PPID/environ; exec sleep 1000"],
    });
    await made.untilLogged("web", "PATH=");
    const answers = [
      await answer(port, { path: "/v1/services" }),
      await answer(port, { path: "/v1/events" }),
      await answer(port, { path: "/nowhere" }),
      await answer(port, {
        path: "/v1/services/web",
        headers: { authorization: `Bearer x${TOKEN}` },
      }),
      await answer(port, { path: "/metrics" }),
    ];
    const missing = await made.put("x", {
      cmd: "x",
      env: { A: { $env: "SPRITE_HTTP_API_TOKEN" } },
    });

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 401, 200]);
    for (const { text } of [...answers, missing]) expect(text).not.toContain(TOKEN);
    for (const of of ["environ", "cmdline"]) {
      expect(readFileSync(`/proc/${pid}/${of}`, "utf8")).not.toContain(TOKEN);
    }
    await made.shutDown();
    expect(made.daemon?.said()).not.toContain(TOKEN);
    const files = readdirSync(made.dir, { recursive: true, encoding: "utf8" })
      .map((name) => join(made.dir, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((path) => readFileSync(path).includes(TOKEN))).toEqual([]);
  });

  it("is the actor of what it was used for, and the socket's user is of the rest", async () => {
    const made = await bootedSprite(LISTENING);
    const body = JSON.stringify({ cmd: fixture("forever") });
    await answer(portOf(made), { method: "PUT", path: "/v1/services/web?duration=0s", body });
    await made.ask({ method: "POST", path: "/v1/services/web/stop" });

    const actors = made
      .rowsOf("web")
      .filter(({ type }) => /created|stop_requested/.test(type))
      .map(({ actor }) => actor);
    expect(actors).toEqual(["token:default", `uid:${process.getuid?.()}`]);
  });
});

it.each([
  ["-listen", (_: Sprite) => ["-listen", "127.0.0.1:0"]],
  [
    "api_listen_addr",
    (made: Sprite) => {
      const file = join(made.dir, "config.json");
      writeFileSync(file, JSON.stringify({ api_listen_addr: "127.0.0.1:0" }));
      return ["-config", file];
    },
  ],
])("it listens where %s says, for whoever has the token", async (_, flags) => {
  const made = sprite();
  await made.boot({ ...LISTENING, flags: flags(made) });
  const [path, authorization] = ["/v1/services", "Bearer another-token-of-that-length"];

  expect(await answer(portOf(made), { path })).toEqual({ status: 200, text: "[]" });
  const refused = await answer(portOf(made), { path, headers: { authorization } });
  expect(refused.status).toBe(401);
});

it("a taken port keeps the daemon from starting, and leaves no trace", async () => {
  const first = await bootedSprite(LISTENING);
  const second = sprite();
  const daemon = second.launch({ ...LISTENING, flags: ["-listen", `127.0.0.1:${portOf(first)}`] });
  const { code, stderr } = await daemon.ended;

  expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+: .*address already in use.*--listen/);
  expect(code).toBe(7);
  expect(readdirSync(second.dir)).not.toContain("api.sock");
});

it("a client that loses its connection a hundred times at random has the log exactly", async () => {
  const made = await bootedSprite(LISTENING);
  const port = portOf(made);
  const random = seeded(62);
  await made.put("flap", { cmd: fixture("exits"), backoff: { first: "0s", max: "100ms" } });
  const got: { seq: number; id: string }[] = [];
  for (let connection = 0; connection < 100; connection += 1) {
    const response = await ask(port, {
      path: "/v1/events",
      headers: {
        accept: "text/event-stream",
        ...(got.length > 0 && { "last-event-id": String(got.at(-1)?.seq) }),
      },
    });
    expect(response.statusCode).toBe(200);
    const breakAt = random.below(6_000);
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length >= breakAt) break; // which destroys the connection, wherever that is
    }
    const whole = text.slice(0, text.lastIndexOf("\n\n") + 2);
    for (const [, data] of whole.matchAll(/^data: (.*)$/gm))
      got.push(JSON.parse(data ?? "") as never);
  }
  const stored = made.rows().slice(0, got.length);

  expect(got.length).toBeGreaterThan(100);
  expect(got.map(({ seq, id }) => ({ seq, id }))).toEqual(
    stored.map(({ seq, id }) => ({ seq, id })),
  );
});

it("a hundred clients that follow cost the daemon one read", async () => {
  const made = await bootedSprite(LISTENING);
  const port = portOf(made);
  await made.put("web", { cmd: fixture("forever") });
  const last = made.rows().length;
  const path = `/v1/events?follow=true&from=${last + 1}&limit=200`;
  const readers = await Promise.all(Array.from({ length: 100 }, () => ask(port, { path })));
  const texts = readers.map(textOf);
  const reads = async () => {
    const { text } = await answer(port, { path: "/metrics" });
    return Number(/^sprite_env_event_reads_total (\d+)$/m.exec(text)?.[1]);
  };
  const before = await reads();
  const signal = {
    method: "POST",
    path: "/v1/services/signal",
    body: { name: "web", signal: "CONT" },
  };
  for (let n = 0; n < 50; n += 1) {
    await Promise.all(Array.from({ length: 4 }, () => made.ask(signal)));
  }
  const all = await Promise.all(texts);

  expect(all.every((text) => text === all[0])).toBe(true);
  expect(all[0]?.trimEnd().split("\n")).toHaveLength(200);
  expect((await reads()) - before).toBeLessThan(20);
});

it("/healthz and list answer within a second while replay --check reads a long log, a hundred clients read it too, and the reference is made", async () => {
  const made = sprite();
  await writeHistory(made.stateDir, 60_000, 5);
  await made.boot(LISTENING);
  const port = portOf(made);
  const worst = { healthz: 0, list: 0, count: 0 };
  const over = new AbortController();
  const watch = async () => {
    while (!over.signal.aborted) {
      worst.count += 1;
      for (const [name, path] of [
        ["healthz", "/healthz"],
        ["list", "/v1/services"],
      ] as const) {
        const began = performance.now();
        const { status } = await made.ask({ path });
        expect(status).toBe(200);
        worst[name] = Math.max(worst[name], performance.now() - began);
      }
    }
  };
  const watching = watch();
  const checked = made.cli("replay", "--check");
  const readers = Array.from({ length: 100 }, async (_, n) => {
    const { text } = await answer(port, { path: `/v1/events?from=${1 + n * 500}&limit=2000` });
    return text.trimEnd().split("\n").length;
  });
  const docs = [
    answer(port, { path: "/openapi.json" }),
    answer(port, { path: "/docs" }),
    answer(port, { path: "/metrics" }),
  ];
  const lengths = await Promise.all(readers);
  const statuses = (await Promise.all(docs)).map(({ status }) => status);
  const { code } = await checked;
  over.abort();
  await watching;

  expect(code).toBe(0);
  expect(statuses).toEqual([200, 200, 200]);
  expect(lengths.every((length) => length === 2_000)).toBe(true);
  expect(worst.count).toBeGreaterThan(10);
  expect(worst.healthz).toBeLessThan(1_000); // the contract, not a speed
});

describe("whatever comes", () => {
  it("as a request of any route, nothing breaks, and what is refused stores nothing", async () => {
    const made = await bootedSprite(LISTENING);
    const port = portOf(made);
    const { text } = await answer(port, { path: "/openapi.json" });
    const document = JSON.parse(text) as OpenapiDocument;
    const head = async () =>
      (JSON.parse((await made.ask({ path: "/v1/events/head" })).text) as { seq: number }).seq;
    const isOurs = (method: string, path: string) =>
      method !== "GET" && !path.startsWith("/v1/services/db"); // nobody else writes to what no process has
    const check = fc.asyncProperty(
      requestsOf(document, { follow: "false", duration: "0s", timeout: "100ms" }),
      async ({ method, url, headers, body }) => {
        const before = await head();
        const { status, text: said } = await answer(port, { method, path: url, headers, body });
        expect({ status, method, url, body, said }).toMatchObject({
          status: expect.not.toSatisfy((code: number) => code === 500 || code > 504) as number,
        });
        if (status < 400 || !isOurs(method, url)) return;
        const actors = made.rows(before + 1).map(({ actor }) => actor);
        expect(actors).not.toContain("token:default");
      },
    );
    await fc.assert(check, { numRuns: 250, endOnFailure: true });

    expect((await made.ask({ path: "/healthz" })).status).toBe(200);
    expect(made.daemon?.said()).not.toMatch(
      /a request failed inside|broke off inside|a runner threw/,
    );
  });

  it("as bytes on the port, the daemon answers the next one", async () => {
    const made = await bootedSprite(LISTENING);
    const port = portOf(made);
    const before = made.rows().length;
    const heads = [
      "",
      "GET ",
      "GET / HTTP/1.1\r\n",
      "POST /v1/services/web/start HTTP/1.1\r\nHost: x\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01",
    ];
    const check = fc.asyncProperty(
      fc.constantFrom(...heads),
      fc.uint8Array({ maxLength: 2_000 }),
      async (start, bytes) => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => {});
        socket.end(Buffer.concat([Buffer.from(start, "latin1"), bytes]));
        await new Promise((resolve) => socket.resume().once("close", resolve));
      },
    );
    await fc.assert(check, { numRuns: 300, endOnFailure: true });

    expect((await answer(port, { path: "/healthz" })).status).toBe(200);
    expect(made.rows()).toHaveLength(before);
  });

  it("slowly, it is cut while others are answered", async () => {
    const made = await bootedSprite(LISTENING);
    const port = portOf(made);
    const drips = Array.from({ length: 20 }, (_, n) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n");
      const drip = setInterval(() => socket.write(`X-${n}: a\r\n`), 500);
      return new Promise<void>((resolve) =>
        socket.once("close", () => {
          clearInterval(drip);
          resolve();
        }),
      );
    });
    const silent = connect(port, "127.0.0.1");
    const closed = new Promise((resolve) => silent.resume().once("close", resolve));

    expect((await answer(port, { path: "/healthz" })).status).toBe(200);
    await Promise.all([...drips, closed]);
  });
});

it("promtool has nothing to say about the metrics of a daemon at work", async () => {
  const made = await bootedSprite(LISTENING);
  await made.put("web", { cmd: fixture("forever") });
  await made.put("flap", { cmd: fixture("exits"), backoff: { first: "10s" } });
  await until("it crashed", async () => (await made.state("flap")).phase === "crashed");
  const { text } = await answer(portOf(made), { path: "/metrics" });
  const isThere = (() => {
    try {
      return execFileSync("promtool", ["--version"]).length > 0;
    } catch {
      return false;
    }
  })();
  if (isThere) execFileSync("promtool", ["check", "metrics"], { input: text });

  expect(text).toContain('sprite_env_service_up{service="web"} 1');
  expect(text).toContain('sprite_env_services{phase="crashed"} 1');
  expect(text).toMatch(/sprite_env_service_last_exit_code\{service="flap"\} \d+/);
  expect(text).toMatch(/sprite_env_commit_duration_seconds_count [1-9]/);
});
