import { beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import type { AppendResult, Group } from "../../src/journal/journal.ts";
import { World } from "../support/world.ts";

let world: World;
/** Answers of the journal for the next appends; none: it does its work. */
let answers: AppendResult[];
let appended: (readonly Group[])[];

beforeEach(async () => {
  world = new World();
  answers = [];
  appended = [];
  const { journal } = world.log;
  const append = journal.append.bind(journal);
  world.log.journal.append = async (groups) => {
    appended.push(groups);
    return answers.shift() ?? append(groups);
  };
  await world.boot();
  appended.length = 0;
});

const created = (name: string, definition: object = {}) => ({
  stream: `service/${name}`,
  event: { type: "service.created", definition: { cmd: name, ...definition }, version: 1 },
});

describe("dispatch", () => {
  it("puts commands that come together into one commit, in order", async () => {
    const names = ["a", "b", "c"];
    await Promise.all(
      names.map((name) =>
        world.dispatcher.command({ actor: "uid:0", decide: () => [created(name)] }),
      ),
    );
    expect(appended[0]).toHaveLength(3);
    expect(appended[0]?.map(({ rows }) => rows[0]?.draft.stream)).toEqual(
      names.map((name) => `service/${name}`),
    );
  });

  it("lets a command see what those before it in its batch led to", async () => {
    const seen: unknown[] = [];
    await Promise.all([
      world.dispatcher.command({ actor: "uid:0", decide: () => [created("a", { httpPort: 80 })] }),
      world.dispatcher.command({
        actor: "uid:0",
        decide: (view) => {
          seen.push(view.service("a")?.context.definition.httpPort);
          return [];
        },
      }),
    ]);
    expect(seen).toEqual([80]);
    await world.settle();
    expect(appended).toHaveLength(2); // the birth with its spawn, then the report of the spawn
  });

  it("leaves no trace of a command that refuses itself, and stores the others", async () => {
    const refused = world.dispatcher.command({
      actor: "uid:0",
      decide: () => {
        throw new AppError("http_port_taken", "taken");
      },
    });
    const stored = world.dispatcher.command({ actor: "uid:0", decide: () => [created("a")] });
    await expect(refused).rejects.toThrow("taken");
    expect((await stored)[0]?.type).toBe("service.created");
  });

  it("refuses a command whose machine has no transition for it", async () => {
    const wish = world.wish("service/none", { type: "service.stop_requested" });
    await expect(wish).rejects.toMatchObject({ code: "event_refused" });
  });

  it("answers a full disk with storage_full and changes nothing", async () => {
    answers = [{ outcome: "full", message: "database or disk is full" }];
    await expect(world.create("web")).rejects.toMatchObject({ code: "storage_full" });
    expect(world.phase("web")).toBeUndefined();
    expect(world.spawned).toEqual([]);
    await world.create("web");
    expect(world.phase("web")).toBe("running");
  });

  it("keeps a report until its row is on disk", async () => {
    await world.create("web");
    answers = [
      { outcome: "full", message: "full" },
      { outcome: "failed", message: "EIO" },
    ];
    await world.exits("web", { code: 1 });
    expect(world.phase("web")).toBe("running"); // what is not on disk did not happen yet
    world.errors.length = 0;
    await world.pass(2_000);
    expect(world.history("service/web")).toContain("process.exited crashed");
    expect(world.phase("web")).toBe("running");
    world.assertFoldIsLive();
  });

  it("answers a command that has nothing to do when what it saw before it is stored", async () => {
    const order: string[] = [];
    const { promise: isStored, resolve: store } = Promise.withResolvers<void>();
    const append = world.log.journal.append.bind(world.log.journal);
    world.log.journal.append = async (groups) => {
      await isStored;
      order.push("stored");
      return append(groups);
    };
    const actor = "uid:0";
    const born = world.dispatcher.command({ actor, decide: () => [created("a")] });
    const idle = world.dispatcher.command({ actor, decide: () => [] });
    const refused = world.dispatcher.command({
      actor,
      decide: () => {
        throw new AppError("service_stopped", "stopped already");
      },
    });
    void idle.then(() => order.push("nothing to do"));
    refused.catch(() => order.push("refused"));
    await new Promise((resolve) => void setImmediate(resolve));
    store();
    await born;
    await world.settle();
    expect(order.slice(0, 3)).toEqual(["stored", "nothing to do", "refused"]);
  });

  it("fails a command that has nothing to do with the commit that it rests on", async () => {
    answers = [{ outcome: "full", message: "database or disk is full" }];
    const actor = "uid:0";
    const [, idle] = await Promise.allSettled([
      world.dispatcher.command({ actor, decide: () => [created("a")] }),
      world.dispatcher.command({ actor, decide: () => [] }),
    ]);
    expect(idle).toMatchObject({ status: "rejected", reason: { code: "storage_full" } });
  });

  it("keeps a report that was not taken because of a commit that failed", async () => {
    await world.create("web");
    await world.exits("web", { code: 1 });
    expect(world.phase("web")).toBe("crashed");
    const { armed } = world.timers.get("service/web backoff") ?? { armed: "" };
    answers = [{ outcome: "failed", message: "disk I/O error" }];
    const stop = { stream: "service/web", event: { type: "service.stop_requested" } };
    const stopped = world.dispatcher.command({ actor: "uid:0", decide: () => [stop] });
    world.dispatcher.report("service/web", [{ type: "timer.fired", timer: "backoff", armed }]);
    await expect(stopped).rejects.toMatchObject({ code: "storage_failed" });
    await world.pass(1_000);
    expect(world.phase("web")).toBe("running");
  });

  it("tells the caller of a group that the log refuses, and stores the others of its batch", async () => {
    answers = [{ outcome: "refused", group: 0, message: "a bug" }];
    const [first, second] = await Promise.allSettled([
      world.dispatcher.command({ actor: "uid:0", decide: () => [created("a")] }),
      world.dispatcher.command({ actor: "uid:0", decide: () => [created("b")] }),
    ]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "internal" } });
    expect(second?.status).toBe("fulfilled");
    await world.settle();
    expect(world.phase("a")).toBeUndefined();
    expect(world.phase("b")).toBe("running");
  });

  it("refuses a command when a thousand wait already", async () => {
    const many = Array.from({ length: 1_001 }, () =>
      world.dispatcher.command({ actor: "uid:0", decide: () => [] }),
    );
    const results = await Promise.allSettled(many);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(results.at(-1)).toMatchObject({ status: "rejected", reason: { code: "busy" } });
  });

  it("drops a report of an incarnation that ended", async () => {
    await world.create("web");
    const before = world.rows.length;
    world.dispatcher.report("service/web", [
      { type: "process.exited", incarnation: "in_old", status: {} },
    ]);
    await world.settle();
    expect(world.rows).toHaveLength(before);
    expect(world.skipped.at(-1)).toBe("service/web process.exited: refused");
  });

  it("quarantines a stream whose machine throws, in the same group, and goes on with the others", async () => {
    await world.create("web");
    await world.create("other");
    // A status that is not there makes the guard of the exit throw.
    const incarnation = world.dispatcher.view.service("web")?.context.open?.id ?? "";
    world.dispatcher.report("service/web", [{ type: "process.exited", incarnation }]);
    await world.settle();
    expect(world.rows.at(-1)).toMatchObject({
      type: "stream.quarantined",
      data: { stream: "service/web" },
    });
    expect(world.dispatcher.view.quarantined("web")).toContain("throws on process.exited");
    await world.wish("service/other", { type: "service.stop_requested" });
    expect(world.phase("other")).toBe("stopped");
    await expect(
      world.wish("service/web", { type: "service.stop_requested" }),
    ).rejects.toMatchObject({ code: "event_refused" });
  });

  it("names who asked and what caused each row", async () => {
    await world.create("web");
    const [birth, asked, spawned] = world.rows.filter(({ stream }) => stream === "service/web");
    expect(birth).toMatchObject({ actor: "uid:0", cause: null, correlation: birth?.id });
    expect(asked).toMatchObject({ actor: "runtime", cause: birth?.id, correlation: birth?.id });
    expect(spawned).toMatchObject({ actor: "runtime", cause: asked?.id, correlation: birth?.id });
  });

  it("hands listeners rows with their hashes, as the log has them", async () => {
    const heard: unknown[] = [];
    world.dispatcher.listen((rows) => heard.push(...rows));
    await world.create("web");
    expect(heard).toEqual(world.rows.slice(-heard.length));
  });
});
