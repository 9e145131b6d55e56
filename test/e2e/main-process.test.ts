import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootedSprite, fixture, sprite, type Sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Says which signals it got, and leaves with a code of its own at TERM and INT. */
const TELLS = `
for s in HUP USR1 USR2 WINCH QUIT ALRM PWR; do trap "echo got $s" $s; done
trap 'echo got TERM; exit 7' TERM; trap 'echo got INT; exit 8' INT
echo "up in $(pwd)"; while :; do sleep 0.05; done`;

const withMain = (...command: string[]) => ({ flags: ["--", ...command] });
const shell = (script: string) => withMain("sh", "-c", script);

const untilSaid = (made: Sprite, text: string) =>
  until(
    `the daemon says ${text}`,
    () => made.daemon?.said().includes(text) ?? false,
    undefined,
    () => made.daemon?.said(),
  );

describe("the command after --", () => {
  it("is the service main, and is said on our own output", async () => {
    const made = await bootedSprite(withMain("bash", "-c", TELLS));

    await untilSaid(made, `up in ${made.dir}`);
    expect(await made.get("main")).toMatchObject({
      cmd: "bash",
      restart: "never",
      stop_timeout: "30s",
      state: { status: "running" },
    });
  });

  it("gets every signal that we get, and its exit code is ours", async () => {
    const made = await bootedSprite(withMain("bash", "-c", TELLS));
    await untilSaid(made, "up in");
    for (const name of ["HUP", "USR1", "USR2", "WINCH", "QUIT", "ALRM", "PWR"] as const) {
      made.daemon?.signal(`SIG${name}`);
      await untilSaid(made, `got ${name}`);
    }

    made.daemon?.signal("SIGTERM");
    expect(await made.daemon?.ended).toMatchObject({
      code: 7,
      stdout: expect.stringContaining("got TERM"),
    });
  });

  it("gets INT where we get INT", async () => {
    const made = await bootedSprite(withMain("bash", "-c", TELLS));
    await untilSaid(made, "up in");
    made.daemon?.signal("SIGINT");

    expect(await made.daemon?.ended).toMatchObject({ code: 8 });
  });

  it.each([
    ["exit 0", 0],
    ["exit 42", 42],
    ["kill -KILL $$", 137],
    ["kill -TERM $$", 143],
  ])("that ends by itself (%s) ends us with %d", async (script, code) => {
    const made = sprite();
    const { ended } = made.launch(shell(`${script}; sleep 100`));

    expect((await ended).code).toBe(code);
  });

  it.each([
    [["no-such-program"], 127, /`no-such-program` not found/],
    [["/etc/passwd"], 126, /\/etc\/passwd/],
  ])("that cannot be run (%j) ends us with %d", async (command, code, why) => {
    const made = sprite();
    const ended = await made.launch(withMain(...command)).ended;

    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(why);
  });

  it("has our environment but for our tokens, its own over it, and its directory", async () => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    const config = {
      process_command: [
        "sh",
        "-c",
        'echo "$MINE $OURS [$SPRITE_HTTP_API_TOKEN] in $(pwd)"; sleep 100',
      ],
      process_environment: ["MINE=own"],
      process_working_dir: made.home,
    };
    writeFileSync(file, JSON.stringify(config));
    await made.boot({
      flags: ["--config", file],
      env: { MINE: "not this", OURS: "ours", SPRITE_HTTP_API_TOKEN: "0123456789abcdefgh" },
    });

    await untilSaid(made, `own ours [] in ${made.home}`);
    const { env } = await made.get("main");
    expect(env).toMatchObject({ OURS: { $env: "OURS" }, MINE: "own" });
    expect(readFileSync(join(made.stateDir, "events.db")).includes("ours")).toBe(false);
  });

  it("gets KILL after the graceful timeout, and at once when we are told a second time", async () => {
    const short = sprite();
    const script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    await short.boot({ flags: ["-graceful-shutdown-timeout", "300ms", "--", "sh", "-c", script] });
    await untilSaid(short, "up");
    expect(await short.shutDown()).toMatchObject({ code: 137 });

    const made = await bootedSprite(shell(script));
    await untilSaid(made, "up");
    made.daemon?.signal("SIGTERM");
    await untilSaid(made, "stopping all services");
    made.daemon?.signal("SIGTERM");
    expect(await made.daemon?.ended).toMatchObject({ code: 137 });
  });

  it("that ended by itself is no first word to the services: the TERM that comes then is", async () => {
    const made = await bootedSprite(shell("while ! test -e over; do sleep 0.05; done; exit 4"));
    const cleansUp =
      "trap 'sleep 1; echo cleaned up; exit' TERM; echo up; while :; do sleep 0.05; done";
    await made.put("db", { cmd: "sh", args: ["-c", cleansUp] });
    await made.untilLogged("db", "up");
    writeFileSync(join(made.dir, "over"), "");
    await untilSaid(made, "stopping all services");
    made.daemon?.signal("SIGTERM");

    expect(await made.daemon?.ended).toMatchObject({ code: 4 });
    expect(made.log("db")).toContain("cleaned up");
    expect(made.daemon?.said()).not.toContain("told to end again");
  });

  it("that never ran, since a component is not ready, has no exit code: ours is 0", async () => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    const db = { start_command: ["sleep", "1000"], ready_command: ["false"] };
    writeFileSync(file, JSON.stringify({ components: { db } }));
    await made.boot({ flags: ["--config", file, "--", fixture("forever")] });

    expect((await made.state("main")).phase).toBe("pending");
    expect(await made.shutDown()).toMatchObject({ code: 0 });
  });

  it("ends before the services do, whatever needs whom", async () => {
    const made = await bootedSprite(
      shell("trap 'sleep 0.5; exit 5' TERM; echo up; while :; do sleep 0.05; done"),
    );
    await made.put("db", { cmd: fixture("forever") });
    await made.put("web", { cmd: fixture("forever"), needs: ["db"] });
    await untilSaid(made, "up");

    expect(await made.shutDown()).toMatchObject({ code: 5 });
    const order = made
      .rows()
      .filter(({ type }) => type === "service.drain_requested")
      .map(({ stream }) => stream);
    expect(order).toEqual(["service/main", "service/web", "service/db"]);
    const [, firstOfTheOthers] = made
      .rows()
      .filter(({ type }) => type === "service.drain_requested");
    const ofMain = made.rowsOf("main", "incarnation.emptied").at(-1);
    expect(firstOfTheOthers?.seq).toBeGreaterThan(ofMain?.seq ?? Infinity);
  });

  it("that fails leaves the API up where SPRITE_KEEP_ALIVE_ON_ERROR says so, with the failure to see", async () => {
    const made = await bootedSprite({
      ...shell("exit 9"),
      env: { SPRITE_KEEP_ALIVE_ON_ERROR: "true" },
    });
    await untilSaid(made, "the API stays");

    expect(await made.state("main")).toMatchObject({ status: "failed", last_exit: { code: 9 } });
    expect(await made.shutDown()).toMatchObject({ code: 9 });
  });

  it("that was started again after such a failure ends the daemon when it succeeds", async () => {
    const made = await bootedSprite({
      ...shell("test -e works || exit 9"),
      env: { SPRITE_KEEP_ALIVE_ON_ERROR: "true" },
    });
    await untilSaid(made, "the API stays");
    writeFileSync(join(made.dir, "works"), "");
    await made.cli("services", "start", "main", "--no-stream");

    expect(await made.daemon?.ended).toMatchObject({ code: 0 });
  });

  it("is tried again as often as process_restart_max_retries says", async () => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    writeFileSync(file, JSON.stringify({ process_restart_max_retries: 2 }));
    const { ended } = made.launch({
      flags: ["--config", file, "--", "sh", "-c", "echo try; exit 6"],
    });

    const { code, stdout } = await ended;
    expect(code).toBe(6);
    expect(stdout.match(/try/g)).toHaveLength(3);
  });

  it("may be stopped and started by a person, and the daemon stays", async () => {
    const made = await bootedSprite(withMain(fixture("forever")));
    const pid = await made.untilRunning("main");
    expect(await made.cli("services", "stop", "main")).toMatchObject({ code: 0 });
    expect(isLive(pid)).toBe(false);
    expect(await made.cli("services", "start", "main", "--no-stream")).toMatchObject({ code: 0 });

    await made.untilRunning("main", pid);
  });

  it("is another one at the next boot, of which the old one sees nothing, and none where none is given", async () => {
    const made = await bootedSprite(shell("echo first; sleep 100"));
    await untilSaid(made, "first");
    await made.shutDown();
    await made.boot(shell("echo second; sleep 100"));
    await untilSaid(made, "second");
    expect(made.log("main").match(/first/g)).toHaveLength(1);
    await made.killDaemon();
    await made.boot();

    await until("main is gone", async () => {
      const { status } = await made.ask({ path: "/v1/services/main" });
      return status === 404;
    });
  });
});

it("without a main process USR1, USR2 and HUP end nobody, and TERM ends us with 0", async () => {
  const made = await bootedSprite();
  for (const name of ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGWINCH"] as const)
    made.daemon?.signal(name);

  expect((await made.ask({ path: "/healthz" })).status).toBe(200);
  expect(await made.shutDown()).toMatchObject({ code: 0 });
});
