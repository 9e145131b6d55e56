import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EventRow } from "../../src/journal/record.ts";
import { caller, CommandWorld, linesOf, typesOf } from "../support/commands.ts";

let world: CommandWorld;
beforeEach(async () => {
  world = new CommandWorld();
  await world.boot();
});
afterEach(() => world.assertFoldIsLive());

const put = async (name: string, definition: object = {}): Promise<void> => {
  await linesOf(await world.commands.put(name, { cmd: name, ...definition }, 0, caller));
  await world.settle();
};

const rollback = (version?: number, who: Partial<typeof caller> = {}) =>
  world.commands.rollback("web", version, 0, { ...caller, ...who });

const definitionNow = () => world.dispatcher.view.service("web")?.context;

const lastChange = (): EventRow | undefined =>
  world.rows.findLast(({ type }) => type === "service.changed");

describe("a rollback", () => {
  it("gives a service the definition before its newest, as a new version, and replaces what runs", async () => {
    await put("web", { args: ["1"] });
    await put("web", { args: ["2"] });

    expect(await typesOf(await rollback())).toEqual(["stopping", "stopped", "started", "complete"]);
    expect(definitionNow()).toMatchObject({ version: 3, definition: { args: ["1"] } });
    expect(lastChange()).toMatchObject({ actor: "uid:0", data: { version: 3, start: true } });
  });

  it("goes forth and back when it is repeated", async () => {
    await put("web", { args: ["1"] });
    await put("web", { args: ["2"] });
    await linesOf(await rollback());
    await linesOf(await rollback());

    expect(definitionNow()).toMatchObject({ version: 4, definition: { args: ["2"] } });
  });

  it("goes back to any version that is named", async () => {
    for (const arg of ["1", "2", "3"]) await put("web", { args: [arg] });

    await linesOf(await rollback(1));

    expect(definitionNow()).toMatchObject({ version: 4, definition: { args: ["1"] } });
  });

  it("takes the references of variables as they were, and reads no value", async () => {
    await put("web", { env: { A: "first" } });
    const before = definitionNow()?.definition.env;
    await put("web", { env: { A: "second" } });
    const sealed = world.log.reader.sealedValue.bind(world.log.reader);
    world.log.reader.sealedValue = (ref) => (sealed(ref) ? new Uint8Array([1]) : undefined); // not to be opened

    await linesOf(await rollback());

    expect(definitionNow()?.definition.env).toEqual(before);
  });

  it("leaves alone what has that definition already", async () => {
    await put("web", { args: ["1"] });
    await put("web", { args: ["2"] });
    const rows = world.rows.length;

    expect(await linesOf(await rollback(2))).toMatchObject([
      { type: "complete", message: expect.stringContaining("already running") },
    ]);
    expect(world.rows).toHaveLength(rows);
  });

  it("starts what should run and is down", async () => {
    await put("web", { args: ["1"] });
    world.programs["web"] = { spawnFails: "ENOENT" };
    await put("web", { args: ["2"], restart: "never" });
    expect(world.phase("web")).toBe("failed");
    world.programs["web"] = {};

    expect(await typesOf(await rollback())).toEqual(["started", "complete"]);
    expect(world.phase("web")).toBe("running");
  });

  it("leaves down what somebody stopped", async () => {
    await put("web", { args: ["1"] });
    await put("web", { args: ["2"] });
    await linesOf(await world.commands.stop("web", { withDependents: false }, caller));

    expect(await typesOf(await rollback())).toEqual(["complete"]);
    expect(world.phase("web")).toBe("stopped");
    expect(definitionNow()).toMatchObject({ version: 3, definition: { args: ["1"] } });
  });

  it("does not go back unasked to a service of that name that was deleted, but does when it is named", async () => {
    await put("web", { args: ["1"] });
    await world.commands.remove("web", caller);
    await put("web", { args: ["2"] });

    await expect(rollback()).rejects.toMatchObject({
      code: "version_not_found",
      message: 'service "web" has no version before 2: it was created with it',
    });
    await linesOf(await rollback(1));
    expect(definitionNow()).toMatchObject({ version: 3, definition: { args: ["1"] } });
  });

  it("happens once for each idempotency key", async () => {
    await put("web", { args: ["1"] });
    await put("web", { args: ["2"] });
    const key = { value: "k", request: "r" };
    await linesOf(await rollback(undefined, { key }));
    await linesOf(await rollback(undefined, { key }));

    expect(definitionNow()).toMatchObject({ version: 3 });
  });
});

describe("a rollback is refused", () => {
  beforeEach(async () => {
    await put("db");
    await put("web", { args: ["1"], needs: ["db"], httpPort: 80, env: { A: "first" } });
    await put("web", { args: ["2"] });
  });

  it.each([0, 3, 99])("to version %i, which there is not", async (version) => {
    await expect(rollback(version)).rejects.toMatchObject({
      code: "version_not_found",
      message: expect.stringContaining("kept is 1 to 2"),
    });
  });

  it("of a service that there is not", async () => {
    await expect(world.commands.rollback("nope", undefined, 0, caller)).rejects.toMatchObject({
      code: "service_not_found",
    });
  });

  it("where the definition was changed meanwhile", async () => {
    await expect(rollback(1, { ifMatch: 1 })).rejects.toMatchObject({ code: "version_conflict" });
    await linesOf(await rollback(1, { ifMatch: 2 }));
  });

  it("where what it needed is gone", async () => {
    await world.commands.remove("db", caller);

    await expect(rollback()).rejects.toMatchObject({
      code: "invalid_request",
      message: 'needs of "web": dependency not found: db',
    });
    expect(definitionNow()).toMatchObject({ version: 2 });
  });

  it("where another service has the HTTP port by now", async () => {
    await put("other", { httpPort: 80 });

    await expect(rollback()).rejects.toMatchObject({ code: "http_port_taken" });
  });

  it("where it would close a circle of needs", async () => {
    await put("db", { needs: ["web"] });

    await expect(rollback()).rejects.toMatchObject({
      message: expect.stringContaining("circular dependency detected: web -> db -> web"),
    });
  });

  it("where values of its variables are not kept any more, and names them", async () => {
    world.log.reader.sealedValue = () => undefined;

    await expect(rollback()).rejects.toMatchObject({
      code: "version_not_found",
      message: expect.stringContaining("the values of A are not kept any more"),
    });
  });

  it("while it is being deleted", async () => {
    world.programs["web"] = { immortal: true };
    void world.commands.remove("web", caller).catch(() => {});
    await world.settle();

    await expect(rollback()).rejects.toMatchObject({ code: "service_deleting" });
  });
});
