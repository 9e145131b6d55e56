import { beforeEach, describe, expect, it } from "vitest";
import { changeInWords } from "../../src/offline/definitions.ts";
import {
  toldVersions,
  versionDiff,
  versionDiffJson,
  versionJson,
} from "../../src/offline/versions.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, storeOf } from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web", { args: ["1"], env: { A: "sv_1" } });
});

const change = async (definition: object): Promise<unknown> => {
  const version = world.dispatcher.view.nextVersion("web");
  const event = { type: "service.changed", definition: { cmd: "web", ...definition }, version };
  return world.wish("service/web", { ...event, start: true });
};

const told = async (): Promise<string[]> =>
  toldVersions(await storeOf(world), "web").map(
    ({ version, isFirst, sameAs, isCurrent, changes }) =>
      [
        version,
        isFirst ? "created" : changes.map(changeInWords).join("; "),
        ...(sameAs === undefined ? [] : [`as ${sameAs}`]),
        ...(isCurrent ? ["current"] : []),
      ].join(" | "),
  );

describe("the versions of a definition", () => {
  it("are told with what each changed", async () => {
    await change({ args: ["2"], env: { A: "sv_1" } });
    await change({ args: ["2"], env: { A: "sv_2", B: "sv_3" }, httpPort: 80 });

    expect(await told()).toEqual([
      "1 | created",
      "2 | args: 1 → 2",
      "3 | http_port: 80; env.A: gets another value; env.B: is set | current",
    ]);
  });

  it("are known again where an older one came back", async () => {
    await change({ args: ["2"], env: { A: "sv_1" } });
    await change({ args: ["1"], env: { A: "sv_1" } });

    expect((await told())[2]).toBe("3 | args: 2 → 1 | as 1 | current");
  });

  it("go on over a delete, and begin with another creation", async () => {
    await world.wish("service/web", { type: "service.delete_requested" });
    expect(await told()).toEqual(["1 | created"]);

    await world.create("web", { args: ["1"], env: { A: "sv_1" } });
    expect(await told()).toEqual(["1 | created", "2 | created | current"]);
  });

  it("say who and when, and have no values", async () => {
    const [version] = toldVersions(await storeOf(world), "web").map(versionJson);
    const row = world.rows.find(({ type }) => type === "service.created");

    expect(version).toEqual({
      version: 1,
      seq: row?.seq,
      time: new Date(row?.wall ?? 0).toISOString(),
      actor: "uid:0",
      type: "service.created",
      current: true,
      changes: [],
      definition: { cmd: "web", args: ["1"], env_names: ["A"], needs: [] },
    });
  });
});

describe("the difference between two versions", () => {
  const diff = async (from?: number, to?: number) =>
    versionDiff(await storeOf(world), "web", from, to);

  beforeEach(async () => {
    await change({ args: ["2"], env: { A: "sv_1" } });
    await change({ args: ["3"] });
  });

  it("is of the newest and the one before it", async () => {
    const found = await diff();

    expect(found).toMatchObject({ from: { version: 2 }, to: { version: 3 } });
    expect(found.changes.map(changeInWords)).toEqual(["args: 2 → 3", "env.A: is removed"]);
  });

  it("is of one and the newest, or of any two", async () => {
    expect(await diff(1)).toMatchObject({ from: { version: 1 }, to: { version: 3 } });
    expect((await diff(2, 1)).changes.map(changeInWords)).toEqual(["args: 2 → 1"]);
    expect((await diff(2, 2)).changes).toEqual([]);
  });

  it("says of a variable in JSON no more than whether it was, and is, set", async () => {
    expect(versionDiffJson(await diff())).toMatchObject({
      changes: [
        { field: "args", before: ["2"], after: ["3"] },
        { field: "env.A", was_set: true, is_set: false },
      ],
    });
  });

  it("is refused for versions that are not there", async () => {
    await expect(diff(9)).rejects.toMatchObject({
      code: "version_not_found",
      message:
        'version 9 of service "web" is not there: there was none of that number; kept is 1 to 3',
    });
    await world.create("db");
    await expect(
      (async () => versionDiff(await storeOf(world), "db", undefined, undefined))(),
    ).rejects.toMatchObject({
      code: "version_not_found",
      message: 'service "db" has no version before 1: it was created with it',
    });
  });
});
