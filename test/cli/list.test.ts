import { afterEach, describe, expect, it } from "vitest";
import { cli, cliOnTerminal, fakeDaemon, WEB, type FakeDaemon, type Ran } from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

const service = (name: string, state: object, more: object = {}) => ({
  ...WEB,
  http_port: undefined,
  name,
  ...more,
  state: { name, status: "starting", desired: "running", version: 1, ...state },
});

const MANY = [
  service("api", { phase: "pending", waiting_for: ["db", "cache"] }),
  service("crash", {
    phase: "crashed",
    restart_count: 7,
    error: "exited with code 3",
    last_exit: { code: 3 },
    next_restart_at: ago(-75),
    flags: ["crash-looping"],
  }),
  service(
    "db",
    { phase: "running", pid: 10, started_at: ago(3_700) },
    { labels: { tier: "data" } },
  ),
  service("lost", {
    phase: "failed",
    error: "given up",
    last_exit: { signal: "SEGV", core: true },
  }),
  service("oom", { phase: "stopped", last_exit: { oom: true, signal: "KILL" } }),
  service("page", { phase: "running", pid: 11, started_at: ago(90) }, { http_port: 8080 }),
];

async function list(
  words: string[],
  options: { terminal?: boolean; env?: Record<string, string> } = {},
): Promise<Ran> {
  daemon = await fakeDaemon({ "GET /v1/services": () => MANY });
  const run = options.terminal ? cliOnTerminal : cli;
  const env = { TERM: "xterm", ...options.env };
  return run(["services", "list", ...words], { socket: daemon.socket, env });
}

const rows = ({ stdout }: Ran): string[] => stdout.split(/\r?\n/).filter(Boolean);

const names = (ran: Ran): string[] => rows(ran).map((line) => line.split(" ")[0] ?? "");

describe("the table of services", () => {
  it("says what a service waits for, when the next try is, how it last ended, and for how long it runs", async () => {
    const lines = rows(await list(["--table"]));

    expect(lines[0]).toMatch(/^name +state +uptime +restarts +last exit +pid +http_port +note$/);
    expect(lines[1]).toMatch(/^api +pending +0 +waits for db, cache$/);
    expect(lines[2]).toMatch(/^crash +crashed +7 +exit 3 +next try in 1m1[45]s; crash-looping$/);
    expect(lines[3]).toMatch(/^db +running +1h1m +0 +10$/);
    expect(lines[4]).toMatch(/^lost +failed +0 +SEGV, core +given up$/);
    expect(lines[5]).toMatch(/^oom +stopped +0 +out of memory$/);
    expect(lines[6]).toMatch(/^page +running +1m30s +0 +11 +8080$/);
  });

  it.each([
    ["state", ["name", "lost", "crash", "api", "db", "page", "oom"]],
    ["uptime", ["name", "db", "page", "api", "crash", "lost", "oom"]],
    ["restarts", ["name", "crash", "api", "db", "lost", "oom", "page"]],
  ])("is put in order by %s", async (column, order) => {
    expect(names(await list(["--table", "--sort", column]))).toEqual(order);
  });

  it("has labels where they are asked for", async () => {
    const lines = rows(await list(["--table", "--labels"]));

    expect(lines[0]).toContain("labels");
    expect(lines[3]).toContain("tier=data");
  });

  it("is no wider than the terminal, unless it is asked to be", async () => {
    const env = { COLUMNS: "50", NO_COLOR: "1" };

    const narrow = rows(await list([], { terminal: true, env }));
    const wide = rows(await list(["--wide"], { terminal: true, env }));

    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(narrow[1]).toContain("waits for");
    expect(narrow[2]).toContain("…");
    expect(Math.max(...wide.map((line) => line.length))).toBeGreaterThan(50);
  });

  it("shows trouble in another weight, not in another colour alone", async () => {
    const { stdout } = await list([], { terminal: true, env: { COLUMNS: "200" } });

    expect(stdout).toContain("\u001b[1;31mcrashed");
    expect(stdout).toContain("\u001b[32mrunning");
  });
});

it.each([
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{}, false, false],
])("with %j, on a terminal: %s, colours: %s", async (env, terminal, coloured) => {
  const { stdout } = await list(["--table"], { terminal, env: env as Record<string, string> });

  expect(stdout.includes("\u001b[")).toBe(coloured);
});

it("is sorted as JSON, too, and a column that is none is refused with those there are", async () => {
  const sorted = JSON.parse((await list(["--sort", "state"])).stdout) as { name: string }[];
  const refused = await cli(["services", "list", "--sort", "colour"]);

  expect(sorted.map(({ name }) => name)[0]).toBe("lost");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("allowed is one of name, state, uptime, restarts");
});
