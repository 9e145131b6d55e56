import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bootedSprite, fixture, linesOf, type Sprite } from "../support/daemon.ts";
import type { Row } from "../support/log-of.ts";
import { freePort } from "../support/ports.ts";
import { textAt } from "../support/services.ts";

const BIN_DIR = "/usr/lib/postgresql/15/bin";
/** PostgreSQL refuses to run as root: then it gets its own user. */
const isRoot = process.getuid?.() === 0;
const asPostgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"];

/** A database cluster of the test's own; its socket is in the same directory. */
function initDatabase({ dir }: Sprite): string {
  const data = join(dir, "pgdata");
  chmodSync(dir, 0o755);
  mkdirSync(data, { mode: 0o700 });
  if (isRoot) spawnSync("chown", ["postgres:postgres", data]);
  const words = [`${BIN_DIR}/initdb`, "-D", data, "-A", "trust", "--no-sync", "-U", "postgres"];
  const [program = "", ...args] = isRoot ? [...asPostgres, ...words] : words;
  const { status, stderr } = spawnSync(program, args, { cwd: "/", encoding: "utf8" });
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  return data;
}

const createPostgres = async (made: Sprite, data: string) => {
  const args = ["-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off"];
  return made.cli(
    ...["services", "create", "postgres", "--cmd", `${BIN_DIR}/postgres`, "--args", args.join(",")],
    ...(isRoot ? ["--user", "postgres"] : []),
    ...["--duration", "2s"],
  );
};

const seqOf = (rows: readonly Row[], name: string, type: string): number =>
  rows.find((row) => row.stream === `service/${name}` && row.type === type)?.seq ?? -1;

/** The rows of the newest boot. */
const ofThisBoot = (made: Sprite): Row[] => {
  const rows = made.rows();
  return rows.filter(({ boot_id: id }) => id === rows.at(-1)?.boot_id);
};

it.skipIf(!existsSync(`${BIN_DIR}/initdb`))(
  "PostgreSQL and an app that needs it start in order on every boot, and stop against it",
  async () => {
    const made = await bootedSprite();
    const data = initDatabase(made);
    const port = await freePort();
    const created = await createPostgres(made, data);
    expect(created.code).toBe(0);
    expect(created.stdout).toContain("database system is ready to accept connections");

    const app = await made.cli(
      ...["services", "create", "app", "--cmd", process.execPath, "--needs", "postgres"],
      ...["--args", `${fixture("needs-postgres.mjs")},${data}/.s.PGSQL.5432,${port}`],
      ...["--duration", "1s"],
    );
    expect(linesOf(app.stdout)[0]?.type).toBe("started");
    expect(await textAt(port)).toContain("PostgreSQL 15");

    for (const end of [() => made.cutPower(), () => made.shutDown(), () => made.killDaemon()]) {
      await end();
      await made.boot();
      await made.untilRunning("app"); // what the killed daemon left would answer, too
      expect(await textAt(port)).toContain("PostgreSQL 15");
      const rows = ofThisBoot(made);
      const isUp = seqOf(rows, "postgres", "process.spawned");
      expect(isUp).toBeGreaterThan(0);
      expect(seqOf(rows, "app", "process.spawn_requested")).toBeGreaterThan(isUp);
    }

    await made.shutDown();
    const rows = ofThisBoot(made);
    const appIsGone = rows.findLast(
      ({ stream, type }) => stream === "service/app" && type === "incarnation.emptied",
    );
    expect(seqOf(rows, "postgres", "service.drain_requested")).toBeGreaterThan(appIsGone?.seq ?? 0);
    expect(made.log("postgres")).toContain("database system is shut down");
  },
);

/** How a database of PostgreSQL is run by a definition alone: as its user, ready when it says so or when it is asked, ended by its own tool. */
const definitionOf = (data: string, ready: object) => ({
  ...{ cmd: `${BIN_DIR}/postgres`, ready, dir: data },
  args: ["-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off"],
  ...(isRoot && { user: "postgres" }),
  stop_command: [`${BIN_DIR}/pg_ctl`, "stop", "-D", data, "-m", "fast"],
});

it.skipIf(!existsSync(`${BIN_DIR}/initdb`)).each<[string, (data: string) => object]>([
  ["its line", () => ({ log: "database system is ready to accept connections" })],
  ["pg_isready", (data) => ({ exec: [`${BIN_DIR}/pg_isready`, "-q", "-h", data] })],
])("PostgreSQL is ready by %s, and pg_ctl ends it", async (_, ready) => {
  const made = await bootedSprite();
  const data = initDatabase(made);
  const { status, text } = await made.put("postgres", definitionOf(data, ready(data)));
  expect(text).not.toContain('"message"');
  expect(status).toBe(200);
  await made.put("app", { cmd: "sleep", args: ["100000"], needs: ["postgres"] });
  await made.untilRunning("app");
  expect(made.log("postgres")).toContain("ready to accept connections");
  expect(await psql(made, data, "SELECT 1 + 1")).toBe("2");

  expect((await made.cli("services", "stop", "postgres", "--with-dependents")).code).toBe(0);
  const log = made.log("postgres");
  expect(log).toContain("received fast shutdown request");
  expect(log).toContain("database system is shut down");
  expect(log).toContain("server stopped"); // what pg_ctl says, after the end of the database
  expect(log).not.toContain("gap:");
  expect(made.rowsOf("postgres", "process.kill_sent")).toEqual([]);
  expect(made.rowsOf("postgres", "process.stop_command_failed")).toEqual([]);
  expect(await made.state("postgres")).toMatchObject({ phase: "stopped", last_exit: { code: 0 } });
});

async function psql(made: Sprite, data: string, sql: string): Promise<string> {
  const words = [`${BIN_DIR}/psql`, "-h", data, "-U", "postgres", "-Atc", sql];
  return (await made.run([...asPostgres, ...words])).stdout.trim();
}
