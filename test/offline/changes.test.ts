import { beforeEach, describe, expect, it } from "vitest";
import { changesBetween, type Changes, changesJson } from "../../src/offline/changes.ts";
import { changeInWords } from "../../src/offline/definitions.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, powerCut, storeOf } from "./fixture.ts";

let world: World;
let from: number;
beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web", {
    args: ["1"],
    env: { A: "sv_1", B: "sv_2" },
    backoff: { maxMs: 1_000 },
  });
  await world.create("db");
  from = world.rows.length;
});

const since = async (service?: string, to?: string): Promise<Changes> =>
  changesBetween(await storeOf(world), { service, from: String(from), to, now: 9_000_000 });

const change = (definition: object, version = 2): Promise<unknown> =>
  world.wish("service/web", {
    type: "service.changed",
    definition: { cmd: "web", ...definition },
    version,
    start: true,
  });

describe("what changed between two moments", () => {
  it("is nothing where nothing happened", async () => {
    const changes = await since();

    expect(changes.services).toEqual([]);
    expect(changes.unchanged).toEqual(["db", "web"]);
    expect(changes).toMatchObject({ from: { seq: from }, to: { seq: from }, boots: [] });
  });

  it("is a crash that was got over, seen by its counts alone", async () => {
    await world.exits("web", { code: 1 });
    await world.pass(200);
    await world.pass(60_000);

    const [web] = (await since()).services;

    expect(web).toMatchObject({
      name: "web",
      kind: "changed",
      before: { phase: "running", pid: 101, restart_count: 0 },
      after: { phase: "running", pid: 103, restart_count: 1 },
      starts: 1,
      crashes: 1,
      wishes: [],
    });
  });

  it("counts the failure that is not tried again, too", async () => {
    await world.create("twice", { maxFailures: 2 });
    from = world.rows.length;
    await world.exits("twice", { code: 1 });
    await world.pass(1_000);
    await world.exits("twice", { code: 1 });

    const [twice] = (await since()).services;

    expect(twice).toMatchObject({ after: { phase: "failed" }, starts: 1, crashes: 2 });
  });

  it("is a service that came, one that went, and one that did both", async () => {
    await world.create("new");
    await world.wish("service/db", { type: "service.delete_requested" });
    await world.create("brief");
    await world.wish("service/brief", { type: "service.delete_requested" });

    const { services, unchanged } = await since();

    expect(services.map(({ name, kind }) => [name, kind])).toEqual([
      ["brief", "passing"],
      ["db", "gone"],
      ["new", "new"],
    ]);
    expect(unchanged).toEqual(["web"]);
  });

  it("is another service of the same name", async () => {
    await world.wish("service/web", { type: "service.delete_requested" });
    await world.create("web");

    expect((await since()).services).toMatchObject([{ name: "web", kind: "replaced" }]);
  });

  it("is who asked for what", async () => {
    await world.wish("service/web", { type: "service.stop_requested" });

    expect((await since()).services).toMatchObject([
      {
        name: "web",
        before: { desired: "running" },
        after: { desired: "stopped", phase: "stopped" },
        wishes: [{ actor: "uid:0", text: "uid 0 asked to stop web" }],
      },
    ]);
  });

  it("is fields of definitions, and of variables no more than that they changed", async () => {
    await change({
      args: ["1", "2"],
      env: { A: "sv_9", C: "sv_3" },
      backoff: { maxMs: 2_000 },
      needs: ["db"],
    });

    const changes = await since("web");
    const [web] = changes.services;

    expect(web?.definition.map(changeInWords)).toEqual([
      "args: 1 → 1 2",
      "needs: db",
      "backoff.max: 1s → 2s",
      "env.A: gets another value",
      "env.B: is removed",
      "env.C: is set",
    ]);
    expect(JSON.stringify(changesJson(changes))).not.toContain("sv_");
  });

  it("is asked of one service, or up to a moment", async () => {
    await world.exits("db", { code: 1 });
    const middle = world.rows.length;
    await world.wish("service/web", { type: "service.stop_requested" });

    expect((await since("db")).services.map(({ name }) => name)).toEqual(["db"]);
    expect((await since(undefined, String(middle))).services.map(({ name }) => name)).toEqual([
      "db",
    ]);
  });

  it("is daemons that began", async () => {
    await powerCut(world);

    const { boots } = await since();

    expect(boots.map(({ bootId }) => bootId)).toEqual(["bt_2"]);
  });

  it("is refused the wrong way round, and for names nobody ever had", async () => {
    await world.exits("web", { code: 1 });
    const ask = (request: object) => async () =>
      changesBetween(await storeOf(world), { from: "now", now: 9_000_000, ...request });

    await expect(ask({ to: "2" })).rejects.toMatchObject({
      code: "invalid_request",
      message: `--to (event 2) is before --from (event ${world.rows.length}): give the earlier moment first`,
    });
    await expect(ask({ service: "nope" })).rejects.toMatchObject({ code: "service_not_found" });
    await expect(ask({ from: "then" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining('--from is "then": allowed is'),
    });
  });
});
