import { afterEach, beforeEach, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { caller, CommandWorld, typesOf } from "../support/commands.ts";

let world: CommandWorld;
beforeEach(async () => {
  world = new CommandWorld();
  await world.boot();
});
afterEach(() => world.assertFoldIsLive());

const put = (definition: object, who = caller) =>
  world.commands.put("web", { cmd: "web", ...definition }, 0, who);
const update = (change: object) => world.commands.update("web", change, 0, caller);
const NO_SUCH = new AppError("invalid_request", "this machine has no user `bob`");

it("the machine is asked about users, groups and variables of the daemon's, before anything is stored", async () => {
  world.refusal = NO_SUCH;
  const before = world.rows.length;
  for (const definition of [{ user: "bob" }, { group: "bob" }, { env: { A: { $env: "B" } } }]) {
    await expect(put(definition)).rejects.toBe(NO_SUCH);
    expect(world.asked.pop()).toMatchObject(definition);
  }
  expect(world.rows).toHaveLength(before);
});

it("it is not asked about what it has no say in", async () => {
  world.refusal = NO_SUCH;
  expect(await typesOf(await put({ env: { A: "1" }, dir: "/tmp" }))).toContain("started");
  await world.commands.stop("web", { withDependents: false }, caller);
  expect(world.asked).toEqual([]);
});

it("a change is asked about by itself: what has gone wrong since does not stand in the way of others", async () => {
  await put({ user: "bob" });
  await world.settle();
  world.refusal = NO_SUCH;
  await update({ args: ["x"] });
  await update({ user: null, group: null });
  await expect(update({ user: "eve" })).rejects.toBe(NO_SUCH);
  await world.settle();
  expect(world.commands.get("web", caller).definition).not.toHaveProperty("user");
});

it("a repeated request gets its answer, whatever the machine says now", async () => {
  const key = { value: "once", request: "PUT web" };
  await typesOf(await put({ user: "bob" }, { ...caller, key }));
  world.refusal = NO_SUCH;
  expect(await typesOf(await put({ user: "bob" }, { ...caller, key }))).toEqual(["complete"]);
});
