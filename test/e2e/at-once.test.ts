import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootedSprite, fixture, linesOf, type Sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";
import { ofServices } from "../support/services.ts";
import { until } from "../support/until.ts";

const forever = { cmd: fixture("forever") };

it("takes 50 starts, stops and restarts at the same time one after the other: one life at a time, and the last wish stands", async () => {
  const made = await bootedSprite();
  const file = join(made.dir, "web");
  await made.put("web", { cmd: fixture("once"), args: [file] });
  const verbs = ["start", "stop", "restart", "stop", "start"];
  const asked = Array.from({ length: 50 }, (_, index) => {
    const verb = verbs[index % verbs.length] ?? "";
    const query = verb === "stop" ? "timeout=2s" : "duration=0s";
    return made.ask({ method: "POST", path: `/v1/services/web/${verb}?${query}` });
  });
  const statuses = (await Promise.all(asked)).map(({ status }) => status);

  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  const last = made.rowsOf("web").findLast(({ actor }) => actor.startsWith("uid:"));
  const desired = last?.type === "service.stop_requested" ? "stopped" : "running";
  await made.untilState("web", `is ${desired}`, ({ phase }) => phase === desired);
  expect(existsSync(`${file}.twice`)).toBe(false);
  const mains = ofServices(made).filter((line) => line.endsWith(" sleep 100000 "));
  expect(mains).toHaveLength(desired === "running" ? 2 : 0); // the main process and its child
});

describe("a request with an idempotency key", () => {
  const restart = (made: Sprite, key: string, query = "duration=0s") =>
    made.ask({
      method: "POST",
      path: `/v1/services/web/restart?${query}`,
      headers: { "Idempotency-Key": key },
    });
  const lastLine = (text: string) => linesOf(text).at(-1);

  it("is carried out once, and its repeat gets the same last line", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const first = await restart(made, "once");
    const again = await restart(made, "once");

    expect(again.status).toBe(200);
    expect(lastLine(again.text)).toEqual(lastLine(first.text));
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is waited for by a repeat that comes while it runs", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const both = await Promise.all([restart(made, "once"), restart(made, "once")]);

    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(lastLine(both[0].text)).toEqual(lastLine(both[1].text));
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is carried out once over a SIGKILL of the daemon", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const taken = restart(made, "once", "duration=30s").catch(() => undefined);
    await until("it is taken", () => made.rowsOf("web", "service.restart_requested").length === 1);
    await made.killDaemon();
    await taken;
    await made.boot();
    const again = await restart(made, "once", "duration=30s");

    expect(again.status).toBe(200);
    expect(lastLine(again.text)).toMatchObject({
      type: "complete",
      message: expect.stringContaining("carried out before") as string,
    });
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is refused with another request's key", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    await restart(made, "once");
    const before = made.rows().length;
    const other = await restart(made, "once", "duration=1s");

    expect(other.status).toBe(409);
    expect(other.text).toContain("idempotency_conflict");
    expect(made.rows()).toHaveLength(before);
  });
});

describe("If-Match", () => {
  it("refuses a change of a definition that somebody else changed, and stores nothing", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const { headers } = await made.ask({ path: "/v1/services/web" });
    expect(headers["etag"]).toBe('"1"');
    await made.cli("services", "update", "web", "--args", "first", "--no-stream");
    const before = made.rows().length;
    const late = await made.ask({
      method: "PUT",
      path: "/v1/services/web?duration=0s",
      headers: { "If-Match": '"1"' },
      body: { ...forever, args: ["second"] },
    });
    const { code, stderr } = await made.cli(
      ...(["services", "update", "web", "--args", "third", "--if-match", "1"] as const),
    );

    expect(late.status).toBe(412);
    expect(code).toBe(4);
    expect(stderr).toContain("is at version 2, not at 1");
    expect(await made.get("web")).toMatchObject({ args: ["first"], state: { version: 2 } });
    expect(made.rows().length).toBe(before);
  });

  it("takes the change of who read the newest version", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const { pid } = await made.state("web");
    const { code } = await made.cli(
      ...([
        "services",
        "update",
        "web",
        "--args",
        "new",
        "--if-match",
        "1",
        "--no-stream",
      ] as const),
    );

    expect(code).toBe(0);
    expect(await made.get("web")).toMatchObject({ args: ["new"], state: { version: 2 } });
    expect(isLive(pid ?? 0)).toBe(false);
  });
});
