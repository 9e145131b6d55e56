import { beforeEach, describe, expect, it } from "vitest";
import { CommandWorld, caller } from "../support/commands.ts";

let world: CommandWorld;
beforeEach(async () => {
  world = new CommandWorld();
  await world.boot();
  await world.commands.put("web", { cmd: "web", env: { A: "1", B: "2" } }, 0, caller);
});

const references = () => world.dispatcher.view.service("web")?.context.definition.env ?? {};

describe("values of env", () => {
  it("keep their reference while they stay the same", () => {
    const { references: next, sealed } = world.values.seal(
      { A: "1", B: "3", C: "1" },
      references(),
    );
    expect(next["A"]).toBe(references()["A"]);
    expect(next["B"]).not.toBe(references()["B"]);
    expect(sealed.map(({ ref }) => ref)).toEqual([next["B"], next["C"]]);
  });

  it("are found again by a daemon that did not seal them", async () => {
    await world.boot();
    expect(world.values.open(references())).toEqual({ A: "1", B: "2" });
  });

  it("that cannot be opened are named, all of them, and no value is", () => {
    const broken = { ...references(), X: "sv_gone", Y: "sv_gone_too" };
    expect(() => world.values.open(broken)).toThrow(/values of X, Y cannot be read/);
  });

  it("takes a name of Object's own for what it is", () => {
    const { references: next } = world.values.seal({ constructor: "1", toString: "2" }, {});
    expect(Object.keys(next)).toEqual(["constructor", "toString"]);
  });
});
