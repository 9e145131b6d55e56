import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { styleText } from "node:util";

/**
 * `make run`: a daemon of its own in .demo/ that supervises real programs, and what to try with it. Needs no root, no server, no account.
 * Ctrl-C ends it; the next `make run` finds everything as it was.
 */
const root = resolve(import.meta.dirname, "..");
const bin = join(root, "bin", "sprite-env");
const home = join(root, ".demo");
const programs = join(import.meta.dirname, "demo");
const environment = {
  ...process.env,
  SPRITE_ENV_STATE_DIR: join(home, "state"),
  SPRITE_ENV_SOCKET: join(home, "api.sock"),
};

const say = (text = ""): void => void process.stdout.write(`${text}\n`);
const client = (...args: string[]) => spawnSync(bin, args, { env: environment, encoding: "utf8" });
const answers = (): boolean => client("services", "list", "--json").status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (typeof address === "string" || address === null)
    throw new Error("no port is free on 127.0.0.1");
  return address.port;
}

const onPath = (program: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));

/** A PostgreSQL of the distribution, with a fresh cluster of its own; undefined where none is installed. It does not run as root. */
function postgres(port: number): string[] | undefined {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const folder = versions
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((one) => existsSync(join(one, "postgres")));
  if (!folder) return undefined;
  const isRoot = process.getuid?.() === 0;
  const asUser = isRoot
    ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    : [];
  const data = isRoot ? "/var/tmp/sprite-env-demo-pg" : join(home, "pg");
  try {
    if (!existsSync(join(data, "PG_VERSION"))) {
      mkdirSync(data, { recursive: true });
      chmodSync(data, 0o700);
      if (isRoot) chownSync(data, ...idsOf("postgres"));
      const [program, ...args] = [
        ...asUser,
        join(folder, "initdb"),
        "-D",
        data,
        "-A",
        "trust",
        "--no-sync",
      ];
      execFileSync(program, args, { stdio: "ignore" });
    }
    const [cmd, ...args] = [
      ...asUser,
      join(folder, "postgres"),
      "-D",
      data,
      "-k",
      data,
      "-p",
      String(port),
      "-c",
      "listen_addresses=127.0.0.1",
    ];
    return ["--cmd", cmd, ...args.flatMap((arg) => [`--arg=${arg}`])];
  } catch (error) {
    say(`(PostgreSQL is installed, but its cluster could not be made: ${String(error)})`);
    return undefined;
  }
}

const idsOf = (user: string): [number, number] => [
  Number(execFileSync("id", ["-u", user], { encoding: "utf8" })),
  Number(execFileSync("id", ["-g", user], { encoding: "utf8" })),
];

const shown = (args: readonly string[]): string =>
  args.map((arg) => (/[\s,]/.test(arg) ? `"${arg}"` : arg)).join(" ");

function create(name: string, flags: readonly string[]): void {
  const args = ["services", "create", name, ...flags, "--no-stream"];
  say(styleText("dim", `$ sprite-env ${shown(args)}`));
  const { status, stdout, stderr } = client(...args);
  if (status !== 0) say(`${stdout}${stderr}`.trim());
}

async function createAll(): Promise<number> {
  const port = await freePort();
  create("ticker", ["--cmd", join(programs, "ticker.sh")]);
  create("flaky", ["--cmd", join(programs, "flaky.sh")]);
  const database = postgres(await freePort());
  if (database) create("postgres", database);
  const app = [
    "--cmd",
    process.execPath,
    "--arg",
    join(programs, "app.mjs"),
    "--env",
    `PORT=${port}`,
    "--http-port",
    String(port),
  ];
  create("app", [...app, "--needs", database ? "postgres" : "ticker"]);
  if (onPath("python3")) {
    create("files", [
      "--cmd",
      "python3",
      "--args",
      `-m,http.server,${await freePort()},--bind,127.0.0.1`,
      "--dir",
      programs,
    ]);
  }
  return port;
}

const TRY = (port: string): string => `
In another terminal, in this folder (the two lines point the command at this demo):

  export SPRITE_ENV_STATE_DIR=${join(home, "state")} SPRITE_ENV_SOCKET=${join(home, "api.sock")}
  export PATH=${join(root, "bin")}:$PATH

  sprite-env services list              what runs
  curl 127.0.0.1:${port}                  the application answers
  sprite-env services signal app KILL   kill it: it is back at once, and counted
  sprite-env why app                    why it started again
  sprite-env services stop ticker       stays stopped, also over a restart of the daemon
  sprite-env history flaky              every life it had
  sprite-env services logs -f flaky     what it writes
  sprite-env audit verify               the log proves itself

Pull the plug: kill -9 the daemon, then "make run" again. Ctrl-C here ends all of it in order.
`;

const portOf = (): string => {
  const { stdout, status } = client("services", "get", "app");
  return status === 0 ? String((JSON.parse(stdout) as { http_port: number }).http_port) : "PORT";
};

function table(): void {
  say();
  spawnSync(bin, ["services", "list", ...(process.stdout.isTTY ? [] : ["--table"])], {
    env: environment,
    stdio: "inherit",
  });
}

async function run(): Promise<void> {
  if (answers()) {
    say("The demo is running already.");
    table();
    return say(TRY(portOf()));
  }
  mkdirSync(home, { recursive: true });
  const again = existsSync(join(home, "state", "events.db"));
  const daemon = spawn(bin, ["serve", "--log-level", "warn", "--log-dir", join(home, "logs")], {
    env: environment,
    stdio: "inherit",
    detached: true, // a Ctrl-C in the terminal reaches us alone, and it hears of it once
  });
  const ended = once(daemon, "exit");
  let ending = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (!ending) daemon.kill("SIGTERM");
      ending = true;
    });
  }
  while (!answers() && daemon.exitCode === null) await delay(50);
  if (daemon.exitCode !== null) process.exit(daemon.exitCode);
  say(
    again ? "The daemon is back, and so is what ran on it." : "A daemon runs; now some services:",
  );
  if (!again) await createAll();
  await delay(1_500); // a moment for the programs to say something
  table();
  say(TRY(portOf()));
  const [code] = (await ended) as [number | null];
  say("Everything was stopped in order.");
  process.exitCode = code ?? 1;
}

await run();
