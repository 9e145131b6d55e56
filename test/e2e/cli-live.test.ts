import { spawn } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { BIN, bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

interface Live {
  lines: () => Record<string, unknown>[];
  said: () => string;
  ended: Promise<number | null>;
  interrupt: () => void;
}

/** A verb that goes on, its output piped. */
function live(sprite: Sprite, ...words: readonly string[]): Live {
  let out = "";
  let err = "";
  const child = spawn(BIN, words, { env: sprite.env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (err += piece.toString()));
  return {
    lines: () =>
      out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    said: () => err,
    ended: new Promise((resolve) => child.on("close", resolve)),
    interrupt: () => void child.kill("SIGINT"),
  };
}

const phases = (lines: readonly Record<string, unknown>[], name: string): unknown[] =>
  lines
    .filter((line) => line["name"] === name)
    .map((line) => (line["state"] as { phase?: string } | undefined)?.phase ?? "gone");

describe("services list --watch, piped", () => {
  it("tells each change, over the death of the daemon, until Ctrl-C", async () => {
    const sprite = await bootedSprite();
    await sprite.put("web", { cmd: fixture("forever") });
    const watch = live(sprite, "services", "list", "--watch");
    await until("web is told", () => phases(watch.lines(), "web").includes("running"));

    await sprite.put("db", { cmd: fixture("forever") });
    await until("db is told", () => phases(watch.lines(), "db").includes("running"));
    await sprite.killDaemon();
    await until("the loss is told", () => watch.said().includes("the daemon went away"));
    await sprite.boot();
    await until("it is back", () => watch.said().includes("it is back"), undefined, watch.said);
    await sprite.ask({ method: "DELETE", path: "/v1/services/db" });
    await until("the delete is told", () => phases(watch.lines(), "db").at(-1) === "gone");

    watch.interrupt();
    expect(await watch.ended).toBe(0);
  });
});

describe("events --follow", () => {
  it("goes on over the death of the daemon, without loss or repeat, and says so", async () => {
    const sprite = await bootedSprite();
    const follow = live(sprite, "events", "--follow", "--from", "1");
    for (const name of ["one", "two", "three"]) {
      // What came after the log was read can only have come over the connection.
      await sprite.put(name, { cmd: fixture("forever") });
      const shown = () => follow.lines().some(({ stream }) => stream === `service/${name}`);
      await until(`${name} is shown`, shown, undefined, follow.said);
    }

    await sprite.killDaemon();
    await until("the loss is told", () => follow.said().includes("the daemon went away"));
    await sprite.boot();
    await sprite.put("web", { cmd: fixture("forever") });
    const spawned = () =>
      follow
        .lines()
        .some(({ type, stream }) => type === "process.spawned" && stream === "service/web");
    await until("what came is shown", spawned, undefined, follow.said);

    const seqs = follow.lines().map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(follow.said()).toContain("it is back; no event was missed");
  });
});

describe("several services", () => {
  it("stop and start in one command, what needs another first and last", async () => {
    const sprite = await bootedSprite();
    await sprite.put("db", { cmd: fixture("forever") });
    await sprite.put("app", { cmd: fixture("forever"), needs: ["db"] });
    await sprite.put("lone", { cmd: fixture("forever") });

    const stopped = await sprite.cli("services", "stop", "db", "app", "lone");
    expect({ code: stopped.code, stderr: stopped.stderr }).toEqual({ code: 0, stderr: "" });
    const started = await sprite.cli("services", "start", "--all", "--no-stream");
    expect({ code: started.code, stderr: started.stderr }).toEqual({ code: 0, stderr: "" });

    const seqOf = (name: string, type: string): number =>
      sprite.rowsOf(name, type).at(-1)?.seq ?? 0;
    expect(seqOf("db", "service.stop_requested")).toBeGreaterThan(
      sprite.rowsOf("app", "process.exited").at(-1)?.seq ?? Infinity,
    );
    expect((await sprite.state("app")).desired).toBe("running");
    await sprite.untilRunning("lone");
  });
});
