import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import type { ProjectionNews } from "../../src/journal/protocol.ts";
import { startThreadJournal, type ThreadJournal } from "../../src/journal/thread-journal.ts";
import { openReader } from "../../src/journal/read.ts";
import { openForReading } from "../../src/journal/database.ts";
import { headOf } from "../../src/projections/heads.ts";
import { allServices } from "../../src/projections/services.ts";
import { groupOf } from "../offline/fixture.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";
import { temporaryDirectory } from "./fixture.ts";

const SOURCES = new URL("../../src/projections/", import.meta.url);

/** A module with our projections as another release, or a bug, has them. */
function projectionsModule(directory: string, change: string): string {
  const file = join(directory, "projections.ts");
  writeFileSync(
    file,
    `import { services } from "${new URL("services.ts", SOURCES).href}";\nexport const projections = [${change}];\n`,
  );
  return pathToFileURL(file).href;
}

/** One that needs all rows, and takes its time with each. */
const SLOW = `{
  name: "spawns", version: 1,
  schema: (table) => \`CREATE TABLE \${table} (seq INTEGER PRIMARY KEY)\`,
  on: { "process.spawned": (db, { row }, table) => {
    const until = performance.now() + 1;
    while (performance.now() < until);
    db.prepare(\`INSERT INTO \${table} VALUES (?)\`).run(row.seq);
  } },
}`;

/** A log of some thousand rows. */
async function longWorld(): Promise<World> {
  const world = new World();
  await world.boot();
  for (const name of ["a", "b", "c"]) await world.create(name);
  for (let round = 0; round < 120; round += 1) {
    for (const name of ["a", "b", "c"]) await world.exits(name, { code: 1 });
    await world.pass(31_000);
  }
  return world;
}

interface Started {
  journal: ThreadJournal;
  news: ProjectionNews[];
}

async function start(stateDirectory: string, projections?: string): Promise<Started> {
  const news: ProjectionNews[] = [];
  const journal = await startThreadJournal(
    { stateDirectory, ...(projections !== undefined && { projections }) },
    (one) => void news.push(one),
  );
  onTestFinished(() => journal.close().catch(() => {}));
  return { journal, news };
}

it("makes read models anew on the side, while rows go on being stored", async () => {
  const world = await longWorld();
  const directory = temporaryDirectory();
  const first = await start(directory);
  await first.journal.append([groupOf(world.rows)]);
  await first.journal.close();
  expect(world.rows.length).toBeGreaterThan(2_000);

  const raised = "{ ...services, version: services.version + 1 }";
  const { journal, news } = await start(
    directory,
    projectionsModule(directory, `${raised}, ${SLOW}`),
  );
  let appended = 0;
  while (news.filter(({ outcome }) => outcome === "made").length < 2) {
    const before = world.rows.length;
    await world.exits("a", { code: 1 });
    await world.pass(31_000);
    const result = await journal.append([groupOf(world.rows, before)]);
    expect(result.outcome).toBe("committed");
    appended += 1;
  }

  expect(appended).toBeGreaterThan(3);
  expect(news.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const db = openForReading(directory);
  onTestFinished(() => void db.close());
  expect(headOf(db, "services")).toMatchObject({ version: 2, stale: null, seq: world.rows.length });
  expect(allServices(db).map(({ name, seq }) => [name, seq])).toEqual(
    ["a", "b", "c"].map((name) => [
      name,
      world.rows.findLast(({ stream }) => stream === `service/${name}`)?.seq,
    ]),
  );
  expect(db.prepare("SELECT seq FROM spawns ORDER BY seq").pluck().all()).toEqual(
    world.rows.filter(({ type }) => type === "process.spawned").map(({ seq }) => seq),
  );
});

it("stores on where a handler throws, and says so", async () => {
  const world = new World();
  await world.boot();
  await world.create("web");
  const directory = temporaryDirectory();
  const broken = `{ ...services, on: { ...services.on, "process.exited": () => { throw new Error("a bug"); } } }`;
  const { journal, news } = await start(directory, projectionsModule(directory, broken));
  await world.exits("web", { code: 1 });

  expect(await journal.append([groupOf(world.rows)])).toMatchObject({ outcome: "committed" });

  await until("the read model was made anew", () => news.some(({ outcome }) => outcome === "made"));
  expect(news[0]).toMatchObject({
    projection: "services",
    outcome: "stale",
    reason: expect.stringContaining("a bug"),
  });
  const reader = openReader(directory);
  onTestFinished(() => reader.close());
  expect(reader.head().seq).toBe(world.rows.length);
});

it("makes one anew that is asked for, and refuses one that there is not", async () => {
  const world = new World();
  await world.boot();
  await world.create("web");
  const directory = temporaryDirectory();
  const { journal, news } = await start(directory);
  await journal.append([groupOf(world.rows)]);

  await journal.rebuild("services", "a test");

  expect(news.map(({ outcome }) => outcome)).toEqual(["stale", "made"]);
  await expect(journal.rebuild("nothing", "a test")).rejects.toMatchObject({ code: "not_found" });
});

it("leaves nobody waiting for a read model when it is closed", async () => {
  const world = await longWorld();
  const directory = temporaryDirectory();
  const { journal } = await start(directory, projectionsModule(directory, SLOW));
  await journal.append([groupOf(world.rows)]);
  const waiting = journal.rebuild("spawns", "a test").catch((error: unknown) => error);
  await journal.close();

  expect(await waiting).toMatchObject({ code: "storage_failed" });
});
