import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Caller } from "../../src/commands/ports.ts";
import { caller, CommandWorld, linesOf } from "../support/commands.ts";

let world: CommandWorld;
beforeEach(async () => {
  world = new CommandWorld();
  await world.boot();
});
afterEach(() => world.assertFoldIsLive());

const keyed = (value: string, request = "r1", actor = "uid:0"): Caller => ({
  ...caller,
  actor,
  key: { value, request },
});
const create = (who: Caller) => world.commands.put("web", { cmd: "web" }, 0, who);
const births = (): number => world.rows.filter(({ type }) => type === "service.created").length;

describe("an idempotency key", () => {
  it("makes a request that is sent twice happen once, with the same last line", async () => {
    const first = await linesOf(await create(keyed("k")));
    const again = await linesOf(await create(keyed("k")));
    expect(births()).toBe(1);
    expect(again).toEqual([first.at(-1)]);
  });

  it("makes a repeat wait for the first while that runs", async () => {
    const [first, again] = await Promise.all([
      create(keyed("k")).then(linesOf),
      create(keyed("k")).then(linesOf),
    ]);
    expect(births()).toBe(1);
    expect(again).toEqual([first.at(-1)]);
  });

  it("is free for a repeat when the first caller left before the first line", async () => {
    const reply = await create(keyed("k"));
    await reply[Symbol.asyncIterator]().return?.();
    const again = await linesOf(await create(keyed("k")));
    expect(births()).toBe(1);
    expect(again).toMatchObject([{ type: "complete" }]);
  });

  it("stands for one request only", async () => {
    await linesOf(await create(keyed("k")));
    await expect(create(keyed("k", "r2"))).rejects.toMatchObject({ code: "idempotency_conflict" });
  });

  it("is one person's own", async () => {
    await linesOf(await create(keyed("k")));
    await world.commands.remove("web", caller);
    await linesOf(await create(keyed("k", "r1", "uid:7")));
    expect(births()).toBe(2);
  });

  it("is known after the daemon was killed before it could answer", async () => {
    const reply = await create(keyed("k"));
    void reply; // nobody reads it: the reply is lost
    await world.boot();
    const again = await linesOf(await create(keyed("k")));
    expect(births()).toBe(1);
    expect(again).toMatchObject([
      { type: "complete", message: expect.stringContaining("carried out before") },
    ]);
  });

  it("is free again after a request that was refused", async () => {
    const refused = world.commands.put("web", { cmd: "web", needs: ["none"] }, 0, keyed("k"));
    await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
    await linesOf(await create(keyed("k")));
    expect(births()).toBe(1);
  });

  it("is not believed from a row that the runtime does not know to be stored", async () => {
    const at = world.clock.now();
    const last = world.rows.at(-1);
    if (!last) throw new Error("the log is empty");
    const stepped = { type: "clock.stepped", data: { byMs: 1 }, fromState: last.toState };
    const draft = { ...last, ...stepped, id: "ev_in_doubt", version: last.version + 1 };
    const claim = { key: "k", actor: "uid:0", request: "r1", eventId: draft.id, at };
    await world.log.journal.append([{ rows: [{ draft, view: {} }], claim }]);
    await expect(create(keyed("k"))).rejects.toMatchObject({ code: "storage_failed" });
  });

  it("tells a repeat that waits what the first one was told when that is refused", async () => {
    const start = () => world.commands.start("none", 0, keyed("k"));
    const [first, again] = await Promise.allSettled([start(), start()]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "service_not_found" } });
    expect(again).toMatchObject({ status: "rejected", reason: { code: "service_not_found" } });
  });

  it("answers the repeat of a stop after the service was deleted", async () => {
    await linesOf(await create(caller));
    const stop = () => world.commands.stop("web", { withDependents: false }, keyed("k"));
    const [last] = (await linesOf(await stop())).slice(-1);
    await world.commands.remove("web", caller);
    expect(await linesOf(await stop())).toEqual([last]);
  });

  it("stops what needs a service once, too", async () => {
    await linesOf(await create(caller));
    await linesOf(await world.commands.put("api", { cmd: "api", needs: ["web"] }, 0, caller));
    const stop = () => world.commands.stop("web", { withDependents: true }, keyed("k"));
    await linesOf(await stop());
    await linesOf(await world.commands.start("api", 0, caller));
    await world.settle();
    await linesOf(await stop());
    expect(world.phase("api")).toBe("running");
  });

  it("makes the repeat of a delete whose reply was lost wait for its end", async () => {
    world.programs["web"] = { stubborn: true };
    await linesOf(await create(caller));
    await world.settle();
    const lost = world.commands.remove("web", keyed("k"));
    lost.catch(() => {});
    await world.settle();
    await world.boot();
    let isAnswered = false;
    const again = world.commands.remove("web", keyed("k")).then(() => (isAnswered = true));
    await world.settle();
    expect(isAnswered).toBe(false);
    await world.pass(15_000);
    await again;
    expect(world.alive("web")).toBe(0);
  });

  it("makes a delete happen once, and a repeat of it succeed", async () => {
    await linesOf(await create(caller));
    await world.commands.remove("web", keyed("k"));
    await linesOf(await create(caller));
    await world.commands.remove("web", keyed("k"));
    expect(world.phase("web")).toBe("running");
  });

  it("is forgotten after a day", async () => {
    await linesOf(await create(keyed("k")));
    await world.commands.remove("web", caller);
    world.clock.advance(24 * 60 * 60 * 1_000 + 1);
    await linesOf(await create(keyed("k")));
    expect(births()).toBe(2);
  });
});
