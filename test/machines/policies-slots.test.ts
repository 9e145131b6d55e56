import { describe, expect, it } from "vitest";
import { Sprite } from "./sprite.ts";

const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `s${String(index).padStart(3, "0")}`);
const count = (sprite: Sprite, phase: string) =>
  Object.values(sprite.phases()).filter((other) => other === phase).length;

describe("spawns at once", () => {
  it("are 64, and one more for each that came up", () => {
    const sprite = new Sprite();
    for (const name of names(70)) sprite.create(name);

    expect(count(sprite, "starting")).toBe(64);
    sprite.spawned("s000");
    expect(count(sprite, "starting")).toBe(64);
    expect(sprite.phase("s064")).toBe("starting");
  });

  it("are one more for each that failed", () => {
    const sprite = new Sprite();
    for (const name of names(65)) sprite.create(name);
    sprite.report("s003", {
      type: "process.spawn_failed",
      error: { errno: "EAGAIN", message: "no" },
    });

    expect(sprite.phase("s064")).toBe("starting");
  });

  it("are one more where the one that failed waits for something else", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"] } });
    sprite.down("app", 1);
    sprite.wish("app", "start_requested");
    for (const name of names(64)) sprite.create(name);
    sprite.stop("db");
    sprite.wish("app", "changed", {
      definition: { cmd: "x", needs: ["s063"] },
      version: 2,
      start: true,
    });
    sprite.report("app", {
      type: "process.spawn_failed",
      error: { errno: "EAGAIN", message: "no" },
    });

    expect(sprite.phases()).toMatchObject({ app: "pending", s063: "starting" });
  });

  it("are 64 at a boot too, where as many were in flight when the daemon died", () => {
    const sprite = new Sprite();
    for (const name of names(100)) sprite.create(name);
    sprite.boot();

    expect(count(sprite, "starting")).toBe(64);
    while (count(sprite, "starting") > 0)
      for (const name of names(100)) if (sprite.phase(name) === "starting") sprite.spawned(name);
    expect(count(sprite, "running")).toBe(100);
  });
});
