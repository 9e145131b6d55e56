import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Probe } from "../../machines/definition.ts";
import { serviceEnvironment } from "../../src/effects/environment.ts";
import { UNTOUCHED } from "../../src/effects/nofile.ts";
import { createProbes } from "../../src/effects/probes.ts";
import { type Children, createChildren } from "../../src/pid1/children.ts";
import { setChildSubreaper } from "../../src/posix/calls.ts";
import type { ProbeRunner, RunnerReport } from "../../src/runtime/ports.ts";
import { runs, until } from "./runner-kit.ts";

let children: Children;
let dir: string;
let probes: ProbeRunner;
let count = 0;
const facts: RunnerReport[] = [];
const begun: string[] = [];
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(() => {
  setChildSubreaper();
  children = createChildren();
  dir = mkdtempSync(join(tmpdir(), "sprite-env-probes-"));
  probes = createProbes({
    report: (_, reported) => void facts.push(...reported),
    children,
    signs: { hear: () => () => {} },
    nofile: UNTOUCHED,
    surroundings: async ({ incarnation }) => {
      const daemon = { PATH: process.env["PATH"], SECRET: "token" };
      return { dir, env: serviceEnvironment(daemon, { OWN: "value" }, incarnation) };
    },
  });
});
afterEach(() => {
  for (const incarnation of begun.splice(0)) probes.stop({ incarnation });
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => {
  children.close();
  rmSync(dir, { recursive: true, force: true });
});

async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.push(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

const web = (answer: RequestListener, host?: string): Promise<number> =>
  listening(createHttpServer(answer), host);
const page = (port: number, path = "/"): Probe => ({ kind: "http", port, path });
const script = (text: string): Probe => ({ kind: "exec", command: ["sh", "-c", text] });
/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks every 10 ms; each question has 2 seconds unless said otherwise. */
function check(probe: Probe, { everyMs = 10, timeoutMs = 2_000, failures = 3 } = {}): string {
  const incarnation = `in_${(count += 1)}`;
  begun.push(incarnation);
  probes.startHealth({
    stream: "service/web",
    incarnation,
    probe,
    everyMs,
    timeoutMs,
    failures,
  });
  return incarnation;
}

function waitReady(probe: Probe): string {
  const incarnation = `in_${(count += 1)}`;
  begun.push(incarnation);
  probes.startReadiness({ stream: "service/web", incarnation, readiness: probe });
  return incarnation;
}

const of = (incarnation: string) => facts.filter((fact) => fact.incarnation === incarnation);
const fact = (incarnation: string, type: RunnerReport["type"]) =>
  until(`${type} of ${incarnation}`, () => of(incarnation).find((one) => one.type === type));
/** Why the first failure was one. */
async function reason(probe: Probe, options: { timeoutMs?: number } = {}): Promise<string> {
  const incarnation = check(probe, { failures: 1, ...options });
  const failed = await fact(incarnation, "health.failed");
  return "reason" in failed ? (failed.reason ?? "") : "";
}
/** A question of every kind was answered yes so often. */
async function isWell(probe: Probe, times: () => number): Promise<void> {
  const incarnation = check(probe);
  const before = times();
  await until("three questions", () => times() >= before + 3);
  expect(of(incarnation)).toEqual([]);
}

describe("a page", () => {
  it.each([200, 204, 301, 399])("that answers %d is a yes", async (status) => {
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(status, { location: "/elsewhere" }).end("body");
    });

    await isWell(page(port), () => asked);
  });

  it.each([400, 404, 500, 503])("that answers %d is a no", async (status) => {
    const port = await web((_, response) => void response.writeHead(status).end());

    expect(await reason(page(port, "/healthz"))).toBe(
      `http://localhost:${port}/healthz answered ${status}`,
    );
  });

  it("is asked with its query, which stays out of the reason", async () => {
    const urls: (string | undefined)[] = [];
    const port = await web(({ url }, response) => {
      urls.push(url);
      response.writeHead(500).end();
    });

    expect(await reason(page(port, "/ready?token=secret"))).toBe(
      `http://localhost:${port}/ready answered 500`,
    );
    expect(urls).toEqual(["/ready?token=secret"]);
  });

  it("is found where only the IPv6 address of this machine has it", async () => {
    let asked = 0;
    const port = await web((_, response) => void response.end(`${(asked += 1)}`), "::1");

    await isWell(page(port), () => asked);
  });

  it("on a port that nobody listens on is a no", async () => {
    const port = await closedPort();

    expect(await reason(page(port))).toBe(`http://localhost:${port}/: Connection refused`);
  });

  it("that is not HTTP is a no", async () => {
    const port = await listening(createServer((socket) => void socket.end("220 mail ready\r\n")));

    expect(await reason(page(port))).toContain("does not speak HTTP");
  });

  it("that hangs up is a no", async () => {
    const port = await listening(createServer((socket) => void socket.destroy()));

    expect(await reason(page(port))).toContain(`http://localhost:${port}/: `);
  });

  it("that never answers is a no after its time", async () => {
    const port = await web(() => {});

    expect(await reason(page(port), { timeoutMs: 50 })).toBe("no answer within 50ms");
  });

  it.each([
    ["its head", "HTTP/1.1 200 OK\r\nX-Slow: "],
    ["its body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
  ])("that drips %s is a no after its time", async (_, beginning) => {
    const port = await listening(
      createServer((socket) => {
        socket.write(beginning);
        const drip = setInterval(() => socket.write("a"), 5);
        socket.on("close", () => clearInterval(drip));
      }),
    );

    expect(await reason(page(port), { timeoutMs: 100 })).toBe("no answer within 100ms");
  });

  it("is not read to its end where it has none", async () => {
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", pour).on("error", () => {});
      pour();
    });

    await isWell(page(port), () => asked);
  });
});

describe("a port", () => {
  it("that takes connections is a yes", async () => {
    let asked = 0;
    const port = await listening(createServer(() => void (asked += 1)));

    await isWell({ kind: "tcp", port }, () => asked);
  });

  it("that nobody listens on is a no", async () => {
    const port = await closedPort();

    expect(await reason({ kind: "tcp", port, host: "127.0.0.1" })).toBe(
      `connecting to 127.0.0.1:${port}: Connection refused`,
    );
  });

  it("of a host that is none is a no", async () => {
    expect(await reason({ kind: "tcp", port: 1, host: "no-such-host.invalid" })).toContain(
      "connecting to no-such-host.invalid:1: ",
    );
  });
});

/** What a command has written to a file so far. */
const lines = (name: string): string[] => {
  try {
    return readFileSync(join(dir, name), "utf8").split("\n").slice(0, -1);
  } catch {
    return []; // nothing was written yet
  }
};
const pid = (name: string) => until(name, () => Number(lines(name)[0]) || undefined);

describe("a command", () => {
  it("that exits with 0 is a yes", async () => {
    await isWell(script("echo >> yes"), () => lines("yes").length);
  });

  it("that exits with anything else is a no", async () => {
    expect(await reason(script("exit 3"))).toBe("`sh` exited with code 3");
  });

  it("that is killed is a no", async () => {
    expect(await reason(script("kill -SEGV $$"))).toMatch(/^`sh` killed by signal SEGV/);
  });

  it("that is not there is a no which names it", async () => {
    expect(await reason({ kind: "exec", command: ["no-such-check"] })).toContain("`no-such-check`");
  });

  it("runs in the service's directory and environment, marked as its own, with nothing of ours", async () => {
    const incarnation = check(script("env > env; pwd > pwd"));
    await until("the directory", () => lines("pwd").length > 0);
    const env = lines("env");

    expect(lines("pwd")).toEqual([dir]);
    expect(env).toContain("OWN=value");
    expect(env).toContain(`SPRITE_ENV_INCARNATION=${incarnation}`);
    expect(env.filter((line) => line.startsWith("SECRET"))).toEqual([]);
  });

  it("may say as much as it likes: nobody listens", async () => {
    await isWell(
      script("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo >> noisy"),
      () => lines("noisy").length,
    );
  });

  it("that takes too long is a no, and killed with its group", async () => {
    const asked = script("trap '' TERM; sleep 1000 & echo $! > inner; echo $$ > outer; wait");

    expect(await reason(asked, { timeoutMs: 500 })).toBe("no answer within 500ms");
    const all = [await pid("outer"), await pid("inner")];
    await until("the end of its group", () => all.every((one) => !runs(one)));
  });

  it("takes what it leaves in its group with it, and leaves no zombie", async () => {
    await reason(script("sleep 1000 & echo $! > left; echo $$ > gone; exit 1"));
    const [left, gone] = [await pid("left"), await pid("gone")];

    await until("the end of what it left", () => !runs(left));
    expect(children.has(gone)).toBe(false);
  });

  it("is killed when the questions are stopped", async () => {
    const incarnation = check(script("echo $$ > asked; exec sleep 1000"));
    const asked = await pid("asked");
    probes.stop({ incarnation });

    await until("its end", () => !runs(asked));
    expect(of(incarnation)).toEqual([]);
  });
});

describe("health", () => {
  it("tells a change and the reason, not what stays the same", async () => {
    let asked = 0;
    let well = true;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(well ? 200 : 500).end();
    });
    const incarnation = check(page(port), { failures: 1_000 });
    const more = async () => {
      const before = asked;
      await until("three more questions", () => asked >= before + 4);
    };
    await more();
    well = false;
    await more();
    well = true;
    await more();

    expect(of(incarnation)).toEqual([
      {
        type: "health.changed",
        incarnation,
        ok: false,
        reason: `http://localhost:${port}/ answered 500`,
      },
      { type: "health.changed", incarnation, ok: true },
    ]);
  });

  it("fails at so many failures in a row, and asks no more", async () => {
    const port = await closedPort();
    const incarnation = check({ kind: "tcp", port });
    const failed = await fact(incarnation, "health.failed");
    await fact(check({ kind: "tcp", port }), "health.failed");

    expect(failed).toMatchObject({ failures: 3, reason: expect.stringContaining("refused") });
    expect(of(incarnation).map(({ type }) => type)).toEqual(["health.changed", "health.failed"]);
  });

  it("counts from 0 after each success", async () => {
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(asked % 3 === 0 ? 200 : 500).end();
    });
    const incarnation = check(page(port));
    await until("a dozen questions", () => asked > 12);

    expect(of(incarnation).map(({ type }) => type)).not.toContain("health.failed");
  });

  it("may be asked anew after it failed", async () => {
    const port = await closedPort();
    const incarnation = check({ kind: "tcp", port }, { failures: 1 });
    await fact(incarnation, "health.failed");
    facts.length = 0;
    probes.startHealth({
      stream: "service/web",
      incarnation,
      probe: { kind: "tcp", port },
      everyMs: 10,
      timeoutMs: 1_000,
      failures: 1,
    });

    expect(await fact(incarnation, "health.failed")).toMatchObject({ failures: 1 });
  });

  it("is asked one at a time, so long after the last answer", async () => {
    const times: { begun: number; ended: number }[] = [];
    let open = 0;
    let most = 0;
    const port = await web((_, response) => {
      open += 1;
      most = Math.max(most, open);
      const begunAt = performance.now();
      setTimeout(() => {
        times.push({ begun: begunAt, ended: performance.now() });
        open -= 1;
        response.end();
      }, 60);
    });
    check(page(port), { everyMs: 40 });
    await until("four questions", () => times.length >= 4);
    const gaps = times.slice(1).map(({ begun: next }, index) => next - (times[index]?.ended ?? 0));

    expect(most).toBe(1);
    expect(Math.min(...gaps)).toBeGreaterThan(38);
  });

  it("says nothing any more once it is stopped, not even of a question under way", async () => {
    let asked = 0;
    const port = await web(() => void (asked += 1));
    const incarnation = check(page(port), { timeoutMs: 50 });
    await until("a question under way", () => asked > 0);
    probes.stop({ incarnation });
    await until("its connection to be given up", () => sockets.size === 0);
    await reason({ kind: "tcp", port: await closedPort() });

    expect(of(incarnation)).toEqual([]);
    expect(asked).toBe(1);
  });
});

/** The loop stands still, as when the daemon is stopped. */
const pause = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

describe("a pause of the daemon", () => {
  it("makes the question under way worthless: it is put again", async () => {
    let asked = 0;
    const port = await web(() => void (asked += 1));
    const incarnation = check(page(port), { timeoutMs: 100, failures: 1 });
    await until("a question under way", () => asked > 0);
    pause(1_300);
    const failed = await fact(incarnation, "health.failed");

    expect(failed).toMatchObject({ failures: 1 });
    expect(asked).toBe(2);
  });

  it("arms anew what became due in it", async () => {
    const asked: number[] = [];
    const port = await web((_, response) => {
      asked.push(performance.now());
      response.end();
    });
    check(page(port), { everyMs: 200 });
    await until("a question", () => asked.length > 0);
    pause(1_500);
    const woke = performance.now();
    const next = await until("the next question", () => asked.find((at) => at > woke));

    expect(next - woke).toBeGreaterThan(190);
  });
});

describe("readiness", () => {
  it("is told once, at the first yes", async () => {
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end();
    });
    const incarnation = waitReady(page(port));
    await fact(incarnation, "readiness.reached");
    await reason({ kind: "tcp", port: await closedPort() });

    expect(of(incarnation)).toEqual([{ type: "readiness.reached", incarnation }]);
    expect(asked).toBe(3);
  });

  it("is not told once it is stopped", async () => {
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    const incarnation = waitReady(page(port));
    await until("a question", () => asked > 0);
    probes.stop({ incarnation });
    await fact(waitReady(script("true")), "readiness.reached");

    expect(of(incarnation)).toEqual([]);
  });

  it("that lasts in saying no is told with its reason, and again for another reason only", async () => {
    let status = 503;
    let asked = 0;
    const port = await web((_, response) => {
      asked += 1;
      response.writeHead(status).end();
    });
    const incarnation = waitReady(page(port));
    await fact(incarnation, "readiness.failed");
    const before = asked;
    await until("two more questions", () => asked > before + 1);
    status = 500;
    await until("another reason", () => of(incarnation).length > 1);
    status = 200;
    await fact(incarnation, "readiness.reached");

    const answered = (code: number) => `http://localhost:${port}/ answered ${code}`;
    expect(of(incarnation)).toEqual([
      { type: "readiness.failed", incarnation, reason: answered(503) },
      { type: "readiness.failed", incarnation, reason: answered(500) },
      { type: "readiness.reached", incarnation },
    ]);
  });

  it("of a server that drips for ever is a no after its time", async () => {
    const port = await listening(
      createServer((socket) => {
        socket.write("HTTP/1.1 200 OK\r\nX-Slow: ");
        const drip = setInterval(() => socket.write("a"), 5);
        socket.on("close", () => clearInterval(drip));
      }),
    );
    const incarnation = waitReady(page(port));

    expect(await fact(incarnation, "readiness.failed")).toMatchObject({
      reason: "no answer within 5s",
    });
  });

  it("and health of one incarnation are stopped together", async () => {
    let asked = 0;
    const port = await web(() => void (asked += 1));
    const incarnation = waitReady(page(port));
    probes.startHealth({
      stream: "service/web",
      incarnation,
      probe: page(port),
      everyMs: 10,
      timeoutMs: 5_000,
      failures: 1,
    });
    await until("both questions", () => asked === 2);
    probes.stop({ incarnation });

    await until("both connections to be given up", () => sockets.size === 0);
    expect(of(incarnation)).toEqual([]);
  });
});
