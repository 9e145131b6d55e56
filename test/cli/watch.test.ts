import { type ChildProcess, spawn } from "node:child_process";
import type { ServerResponse } from "node:http";
import { constants } from "node:os";
import { afterEach, beforeEach, expect, it } from "vitest";
import { builtCli, fakeDaemon, WEB, type FakeDaemon } from "./harness.ts";
import { until } from "../support/until.ts";

/** A daemon whose services and events a test decides. */
let daemon: FakeDaemon;
let services: object[];
let followers: ServerResponse[];
let lists: number;
const children: ChildProcess[] = [];

beforeEach(async () => {
  services = [WEB];
  followers = [];
  lists = 0;
  daemon = await fakeDaemon({
    "GET /v1/events/head": () => ({ seq: 5, hash: "x", first: 1 }),
    "GET /v1/services": () => {
      lists += 1;
      return services;
    },
    "GET /v1/events": (_request, response) => {
      response.write("\n");
      followers.push(response);
      return response;
    },
  });
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await daemon.close();
});

let seq = 6;
const happen = (count = 1): void => {
  for (let left = count; left > 0; left--) {
    const row = { seq: seq++, hash: "h", stream: "service/web", type: "process.exited" };
    for (const follower of followers) follower.write(`${JSON.stringify(row)}\n`);
  }
};

interface Watching {
  child: ChildProcess;
  out: () => string;
  ended: Promise<number | null>;
}

async function watching(program: string, args: readonly string[], env = {}): Promise<Watching> {
  let text = "";
  const child = spawn(program, args, {
    env: { PATH: process.env["PATH"], TERM: "xterm", SPRITE_ENV_SOCKET: daemon.socket, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.push(child);
  child.stdout?.on("data", (piece: Buffer) => (text += piece.toString()));
  child.stderr?.on("data", (piece: Buffer) => (text += piece.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const watched = { child, out: () => text, ended };
  await until(
    "it follows",
    () => followers.length > 0,
    20_000,
    () => text,
  );
  return watched;
}

const piped = async (): Promise<Watching> =>
  watching(process.execPath, [await builtCli(), "services", "list", "--watch"]);

/** On a pseudo-terminal; keys go to its standard input. Source: script(1). */
async function onTerminal(env = {}): Promise<Watching> {
  const command = `'${process.execPath}' '${await builtCli()}' services list --watch`;
  return watching("script", ["-qec", command, "/dev/null"], {
    COLUMNS: "100",
    LINES: "20",
    ...env,
  });
}

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it("piped: a line of JSON for each service, then one for each that changed, and for each that is gone", async () => {
  const { out, child, ended } = await piped();
  services = [WEB, { ...WEB, name: "db" }];
  happen();
  await until("db is told", () => lines(out()).length === 2, undefined, out);
  services = [{ ...WEB, name: "db", http_port: 1 }];
  happen();
  await until("both changes are told", () => lines(out()).length === 4, undefined, out);

  expect(lines(out())).toMatchObject([
    { name: "web", http_port: 3000 },
    { name: "db", http_port: 3000 },
    { name: "web", deleted: true },
    { name: "db", http_port: 1 },
  ]);
  child.kill("SIGINT");
  expect(await ended).toBe(0);
});

it("asks nothing while nothing happens, and once for a storm of events", async () => {
  const { out } = await piped();
  await until("the first is told", () => lines(out()).length === 1, undefined, out);
  const before = lists;

  happen(500);
  services = [{ ...WEB, http_port: 1 }];
  happen(500);
  await until("the change is told", () => lines(out()).length === 2, undefined, out);

  expect(lists - before).toBeLessThanOrEqual(3);
});

it("on a terminal: a page of its own that is drawn anew with each event, and what was last seen stays", async () => {
  const { out, child, ended } = await onTerminal();
  await until("the table is shown", () => out().includes("7353"), undefined, out);
  services = [{ ...WEB, name: "shop" }];
  happen();
  await until("the change is shown", () => out().includes("shop"), undefined, out);
  child.stdin?.write("q");

  expect(await ended).toBe(0);
  const [, page = "", after = ""] = /\[\?1049h([\s\S]*)\[\?1049l([\s\S]*)/.exec(out()) ?? [];
  expect(page).toContain("\u001b[?25l");
  expect(page).toContain("\u001b[?25h");
  expect(page).toContain("1 service: 1 running");
  expect(after).toContain("shop");
  expect(after).not.toContain("web ");
});

it.each(["\u0003", "SIGINT"])(
  "on a terminal: %j ends it with 0 and gives the cursor back",
  async (how) => {
    const { out, child, ended } = await onTerminal();
    await until("the table is shown", () => out().includes("7353"), undefined, out);

    if (how === "SIGINT") process.kill(await pidOfCli(), "SIGINT");
    else child.stdin?.write(how);

    expect(await ended).toBe(0);
    expect(out().lastIndexOf("\u001b[?25h")).toBeGreaterThan(out().lastIndexOf("\u001b[?25l"));
  },
);

/** The CLI under script(1): it alone has the socket of this test in its environment and is no shell. */
async function pidOfCli(): Promise<number> {
  const { readdirSync, readFileSync } = await import("node:fs");
  const pid = readdirSync("/proc").find((entry) => {
    try {
      const isCli = readFileSync(`/proc/${entry}/cmdline`, "utf8").startsWith(process.execPath);
      return isCli && readFileSync(`/proc/${entry}/environ`, "utf8").includes(daemon.socket);
    } catch {
      return false; // gone, or no process
    }
  });
  return Number(pid);
}

it("a TERM gives the terminal back and ends it as TERM does", async () => {
  const { out, ended } = await onTerminal();
  await until("the table is shown", () => out().includes("7353"), undefined, out);

  process.kill(await pidOfCli(), "SIGTERM");

  expect(await ended).toBe(143);
  expect(out().endsWith("\u001b[?25h\u001b[?1049l") || out().includes("\u001b[?1049l")).toBe(true);
});

it.each(["TERM", "HUP", "INT"])("a job in the background ends by %s", async (signal) => {
  const cli = `'${process.execPath}' '${await builtCli()}' services list --watch`;
  // With job control the kernel stops it as soon as it wants the terminal, which the shell tells as 150 first.
  const script = `set -m; ${cli} & job=$!; until grep -q '^State:.T' /proc/$job/status; do sleep 0.05; done; kill -${signal} $job; kill -CONT $job; until wait $job; code=$?; [ $code != 150 ]; do :; done; echo "ended with $code"`;
  const child = spawn(
    "script",
    ["-qec", `bash -c "${script.replaceAll('"', '\\"').replaceAll("$", "\\$")}"`, "/dev/null"],
    {
      env: { PATH: process.env["PATH"], TERM: "xterm", SPRITE_ENV_SOCKET: daemon.socket },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  children.push(child);
  let text = "";
  child.stdout.on("data", (piece: Buffer) => (text += piece.toString()));
  await new Promise((resolve) => child.on("close", resolve));

  expect(text).toContain(`ended with ${128 + constants.signals[`SIG${signal}` as "SIGTERM"]}`);
});

it("on a terminal too low for all: says how many lines have no room", async () => {
  services = Array.from({ length: 30 }, (_, index) => ({ ...WEB, name: `s${index}` }));

  const { out } = await onTerminal({ LINES: "10" });

  await until("the page is drawn", () => out().includes("more lines"), undefined, out);
  expect(out()).toContain("… 24 more lines");
});

it("waits for a daemon that goes away, and shows what it finds then", async () => {
  const { out } = await onTerminal();
  await until("the table is shown", () => out().includes("7353"), undefined, out);

  services = [{ ...WEB, name: "back" }];
  for (const follower of followers.splice(0)) follower.destroy();

  await until("it says so", () => out().includes("waiting for it"), undefined, out);
  await until("it is back", () => out().includes("back"), undefined, out);
});

it("without a daemon there is nothing to watch", async () => {
  const child = spawn(process.execPath, [await builtCli(), "services", "list", "--watch"], {
    env: { PATH: process.env["PATH"], SPRITE_ENV_SOCKET: "/nonexistent" },
  });
  children.push(child);

  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(7);
});
