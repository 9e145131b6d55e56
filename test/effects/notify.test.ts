import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ResolvedDefinition } from "../../machines/definition.ts";
import type { Logger } from "../../src/base/logger.ts";
import { saysReady } from "../../src/effects/notify.ts";
import { createKit, fixture, type Kit } from "./runner-kit.ts";

const NOTIFY = { ready: { kind: "notify" } } as const;
const notifier = fixture("notifier.py");

let kit: Kit;
const warnings: { fields: { pid?: number; service?: string }; message: string }[] = [];
const logger = {
  warn: (fields: object, message: string) => void warnings.push({ fields, message }),
  error: (fields: object, message: string) => void warnings.push({ fields, message }),
} as unknown as Logger; // what the runner uses of one

beforeAll(() => {
  kit = createKit({ logger });
});
afterAll(() => kit.close());

/** Spawns a service that has a socket, and waits for it to be ready as soon as its spawn is known. */
function starting(definition: Partial<ResolvedDefinition> & { cmd: string }): string {
  const incarnation = kit.spawn({ ...NOTIFY, ...definition });
  void kit.fact(incarnation, "process.spawned").then(
    () => wait(incarnation),
    () => {},
  );
  return incarnation;
}
const wait = (incarnation: string) =>
  kit.probes.startReadiness({
    stream: "service/web",
    incarnation,
    readiness: { kind: "notify" },
  });
const sh = (script: string) => starting({ cmd: "/bin/sh", args: ["-c", script] });
const says = (...words: string[]) => starting({ cmd: notifier, args: words });
const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);

/** Runs something of nobody's that sends to a service's socket. @returns its pid */
async function stranger(name: string, ...words: string[]): Promise<number> {
  const program = words[0] === "setpriv" ? words : [notifier, ...words];
  const child = spawn(program[0] ?? "", program.slice(1), {
    env: { PATH: process.env["PATH"], NOTIFY_SOCKET: name },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  return child.pid ?? 0;
}

const socketOf = async (incarnation: string): Promise<string> =>
  (await kit.line(incarnation, /at (\S+)\n/))[1] ?? "";

/** Tells where its socket is, then lives until it is ended. */
const QUIET = "echo at $NOTIFY_SOCKET; exec sleep 1000";

describe("a service with a socket is ready", () => {
  it("when its main process says so", async () => {
    const incarnation = says("READY=1", "%stay");

    await kit.fact(incarnation, "readiness.reached");
    expect(types(incarnation)).toEqual(["process.spawned", "readiness.reached"]);
  });

  it("though it said so before anybody waited for it", async () => {
    const incarnation = kit.spawn({
      ...NOTIFY,
      cmd: notifier,
      args: ["READY=1", "%wait", "%echo=said", "%stay"],
    });
    await kit.line(incarnation, /said/);
    expect(types(incarnation)).toEqual(["process.spawned"]);
    wait(incarnation);

    expect(types(incarnation)).toEqual(["process.spawned", "readiness.reached"]);
  });

  it("when one line of many says so", async () => {
    const message = String.raw`STATUS=Loading…\nMAINPID=1\nERRNO=0\nREADY=1\nWATCHDOG=1\nX=\xff`;

    await kit.fact(says(message, "%stay"), "readiness.reached");
  });

  it("when a helper says so that ends at once, and its parent has not asked how", async () => {
    await kit.fact(sh(`${notifier} READY=1 & exec sleep 1000`), "readiness.reached");
  });

  it("when a helper in a session of its own says so, and waits for its message to be taken", async () => {
    const incarnation = sh(`setsid ${notifier} READY=1 %wait %echo=taken; exec sleep 1000`);

    await kit.fact(incarnation, "readiness.reached");
    await kit.line(incarnation, /taken/);
  });

  it("when a helper says so that shows nothing but its parent", async () => {
    const bare = "env -i NOTIFY_SOCKET=$NOTIFY_SOCKET PATH=$PATH";
    const incarnation = sh(
      `setsid sh -c "${bare} ${notifier} READY=1 %stay >/dev/null 2>&1; true"; exit 1`,
    );

    await kit.fact(incarnation, "readiness.reached");
  });

  it("once, however often it says so", async () => {
    const incarnation = says(...Array.from({ length: 100 }, () => "READY=1"), "%wait", "%stay");
    await kit.fact(incarnation, "readiness.reached");
    kit.stop(incarnation);
    await kit.fact(incarnation, "incarnation.emptied");

    expect(types(incarnation).filter((type) => type === "readiness.reached")).toHaveLength(1);
  });

  it("after any garbage", async () => {
    const garbage = [
      "READY=0",
      "XREADY=1",
      "READY=1 ",
      "ready=1",
      "READY",
      "\\n\\n",
      "=",
      "\u0001",
    ];
    const large = `STATUS=${"x".repeat(100_000)}`;
    const incarnation = says(...garbage, large, "%wait", "%echo=taken", "%stay");
    await kit.line(incarnation, /taken/);
    expect(types(incarnation)).not.toContain("readiness.reached");
    kit.stop(incarnation);

    await kit.fact(says(...garbage, large, "READY=1", "%stay"), "readiness.reached");
  });

  it("and may go on saying things for as long as it lives", async () => {
    const incarnation = says("READY=1", "%many=3000", "%wait", "%echo=all taken", "%stay");
    await kit.fact(incarnation, "readiness.reached");

    await kit.line(incarnation, /all taken/);
  });
});

describe("a message of READY=1 from elsewhere", () => {
  it("is ignored, with one warning that names who sent it", async () => {
    const incarnation = sh(QUIET);
    const name = await socketOf(incarnation);
    const before = warnings.length;
    const pid = await stranger(name, ...Array.from({ length: 50 }, () => "READY=1"), "%wait");
    await stranger(name, "READY=1", "%wait");

    expect(types(incarnation)).not.toContain("readiness.reached");
    expect(warnings.slice(before)).toEqual([
      {
        fields: { service: "web", incarnation, pid },
        message: `READY=1 from process ${pid} is ignored: nothing proves that it is of the service`,
      },
    ]);
  });

  it("is why the service is not ready, where anybody asks", async () => {
    const incarnation = sh(QUIET);
    const pid = await stranger(await socketOf(incarnation), "READY=1", "%wait");

    const { reason } = await kit.fact(incarnation, "readiness.failed");
    expect(reason).toContain(`READY=1 came from process ${pid}, which nothing proves`);
  });

  it("of another service is a stranger's", async () => {
    const incarnation = sh(QUIET);
    const name = await socketOf(incarnation);
    const other = kit.spawn({
      cmd: notifier,
      args: ["READY=1", "%wait", "%echo=sent", "%stay"],
      env: { NOTIFY_SOCKET: name },
    });
    await kit.line(other, /sent/);

    expect(types(incarnation)).not.toContain("readiness.reached");
  });

  it("holds up no message of its own, though strangers flood the socket", async () => {
    const incarnation = sh(`echo at $NOTIFY_SOCKET; sleep 1; exec ${notifier} READY=1 %stay`);
    const name = await socketOf(incarnation);
    const flood = spawn(
      "python3",
      [
        "-c",
        `import socket\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\nwhile True: s.sendto(b"READY=1", ${JSON.stringify(name)}.replace("@", "\\0", 1))`,
      ],
      { stdio: "ignore" },
    );

    await kit.fact(incarnation, "readiness.reached", 20_000);
    flood.kill("SIGKILL");
  });
});

describe("the socket", () => {
  it("is for services that declare it, whatever they say of it themselves", async () => {
    const without = kit.spawn({ cmd: "/bin/sh", args: ["-c", QUIET] });
    await kit.line(without, /at\n/);
    const env = { NOTIFY_SOCKET: "/nowhere" };
    const own = starting({ cmd: "/bin/sh", args: ["-c", QUIET], env });

    expect(await socketOf(own)).not.toBe("/nowhere");
  });

  it("is a path that everybody can reach, and gone when the service is", async () => {
    chmodSync(kit.dir, 0o755);
    const incarnation = sh(QUIET);
    const name = await socketOf(incarnation);
    expect(name).toBe(join(kit.dir, ".notify", incarnation));
    if (process.getuid?.() === 0) {
      const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const send = `socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, "X=1", 0, sockaddr_un("${name}")) or die`;
      await stranger(name, ...nobody, "perl", "-MSocket", "-e", send);
    }
    kit.stop(incarnation);
    await kit.fact(incarnation, "incarnation.emptied");

    expect(existsSync(name)).toBe(false);
  });

  it("and all that came through it is closed when the service is gone", async () => {
    const files = () => readdirSync("/proc/self/fd").length;
    const before = files();
    const incarnation = says("READY=1", "%wait", "%wait", "%echo=taken");
    await kit.line(incarnation, /taken/);
    await kit.fact(incarnation, "output.ended");

    await expect.poll(() => files() <= before).toBe(true);
  });

  it("has no path where that would be too long, and works", async () => {
    const above = mkdtempSync(join(tmpdir(), "sprite-env-notify-"));
    const runDir = join(above, "d".repeat(100));
    mkdirSync(runDir);
    const other = createKit({ runDir, logger });
    const incarnation = other.spawn({
      ...NOTIFY,
      cmd: "/bin/sh",
      args: ["-c", `echo at $NOTIFY_SOCKET; exec ${notifier} READY=1 %stay`],
    });
    await other.fact(incarnation, "process.spawned");
    const readiness = { kind: "notify" } as const;
    other.probes.startReadiness({ stream: "service/web", incarnation, readiness });

    await other.fact(incarnation, "readiness.reached");
    expect((await other.line(incarnation, /at (\S+)\n/))[1]).toBe(`@sprite-env/${incarnation}`);
    await other.close();
    rmSync(above, { recursive: true });
  });

  it("of an earlier daemon is removed by the next one", async () => {
    const runDir = mkdtempSync(join(tmpdir(), "sprite-env-notify-"));
    mkdirSync(join(runDir, ".notify"));
    writeFileSync(join(runDir, ".notify", "in_old"), "");
    const other = createKit({ runDir, logger });

    expect(existsSync(join(runDir, ".notify", "in_old"))).toBe(false);
    await other.close();
  });

  it("that cannot be made is a spawn that failed, and says where", async () => {
    const runDir = mkdtempSync(join(tmpdir(), "sprite-env-notify-"));
    chmodSync(runDir, 0o755);
    writeFileSync(join(runDir, ".notify"), "");
    const other = createKit({ runDir, logger });
    const incarnation = other.spawn({ ...NOTIFY, cmd: "sleep", args: ["1000"] });

    const { error } = await other.fact(incarnation, "process.spawn_failed");
    expect(error.message).toContain(join(runDir, ".notify"));
    await other.close();
  });
});

describe("a message", () => {
  const of = (text: string, truncated = false) =>
    saysReady({ bytes: Buffer.from(text, "latin1"), truncated });

  it("says ready by a line that is exactly that", () => {
    expect(
      ["READY=1", "A=1\nREADY=1", "READY=1\n", "\0\nREADY=1\nX"].map((text) => of(text)),
    ).toEqual([true, true, true, true]);
    expect(["", "READY=0", " READY=1", "READY=1\r", "READY=1\0"].map((text) => of(text))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("that was cut counts by its whole lines", () => {
    expect(of("READY=1\nSTATUS=xxx", true)).toBe(true);
    expect(of("STATUS=xxx\nREADY=1", true)).toBe(false);
  });
});
