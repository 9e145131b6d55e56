import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gidIn, gidOf } from "../../src/api/group.ts";
import { listenOnSocket, type SocketOptions } from "../../src/api/socket.ts";

let dir: string;
let servers: Server[];
let children: ChildProcess[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sprite-socket-"));
  servers = [];
  children = [];
});
afterEach(() => {
  children.forEach((child) => child.kill("SIGKILL"));
  servers.forEach((server) => server.close());
  rmSync(dir, { recursive: true });
});

function listen(options: Partial<SocketOptions> = {}): Promise<() => void> {
  const server = createServer((socket) => socket.on("error", () => {}).end("hello"));
  servers.push(server);
  return listenOnSocket(
    { path: join(dir, "api.sock"), mode: 0o600, group: undefined, ...options },
    (path) =>
      new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve)),
  );
}

const greeting = (path = join(dir, "api.sock")): Promise<string> =>
  new Promise((resolve, reject) => {
    connect(path)
      .once("data", (data) => resolve(data.toString()))
      .once("error", reject);
  });

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

/** A socket whose owner was killed: the file is there, nobody listens. */
async function leaveSocketBehind(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(lstatSync(path).isSocket()).toBe(true);
}

it.each([0o600, 0o660, 0o666])(
  "has the mode asked for, %o, and nothing lies beside it",
  async (mode) => {
    await listen({ mode });

    expect(modeOf(join(dir, "api.sock"))).toBe(mode);
    expect(readdirSync(dir)).toEqual(["api.sock"]);
    expect(await greeting()).toBe("hello");
  },
);

it("is bound where nobody else can reach it", async () => {
  let found: { mode: number; name: string } | undefined;
  const server = createServer();
  servers.push(server);
  await listenOnSocket(
    { path: join(dir, "api.sock"), mode: 0o600, group: undefined },
    async (path) => {
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const [name = ""] = readdirSync(dir);
      found = { name, mode: modeOf(join(dir, name)) };
    },
  );

  expect(found?.name).not.toBe("api.sock");
  expect(found?.mode).toBe(0o700);
});

it("makes the directory, as narrow as the socket", async () => {
  await listen({ path: join(dir, "a/b/api.sock") });
  await listen({ path: join(dir, "c/api.sock"), mode: 0o660 });

  expect(modeOf(join(dir, "a/b"))).toBe(0o700);
  expect(modeOf(join(dir, "c"))).toBe(0o755);
});

it("works at the longest path the kernel takes", async () => {
  const path = join(dir, "s".repeat(107 - dir.length - 1));
  expect(path).toHaveLength(107);
  await listen({ path });

  expect(await greeting(path)).toBe("hello");
});

it("replaces the socket of a daemon that was killed", async () => {
  await leaveSocketBehind(join(dir, "api.sock"));
  await listen();

  expect(await greeting()).toBe("hello");
});

it("refuses a socket that answers, and leaves it alone", async () => {
  await listen();
  await expect(listen()).rejects.toMatchObject({
    code: "daemon_running",
    message: expect.stringMatching(
      /another daemon answers on the API socket .*api\.sock.*--socket/,
    ),
  });

  expect(await greeting()).toBe("hello");
});

it("refuses what is no socket, and leaves it alone", async () => {
  const path = join(dir, "api.sock");
  writeFileSync(path, "mine");
  await expect(listen()).rejects.toMatchObject({
    code: "socket_unusable",
    message: expect.stringMatching(/a file that is no socket: remove it/),
  });

  expect(readFileSync(path, "utf8")).toBe("mine");
});

it("refuses a symlink, wherever it leads", async () => {
  symlinkSync(join(dir, "elsewhere"), join(dir, "api.sock"));
  await expect(listen()).rejects.toMatchObject({ code: "socket_unusable" });
});

it("says why where it cannot be made", async () => {
  writeFileSync(join(dir, "file"), "");
  await expect(listen({ path: join(dir, "file/api.sock") })).rejects.toMatchObject({
    code: "socket_unusable",
    message: expect.stringMatching(/(ENOTDIR|EEXIST).*name another place with --socket/),
  });
});

it("leaves nothing behind where listening fails", async () => {
  const failing = listenOnSocket(
    { path: join(dir, "api.sock"), mode: 0o600, group: undefined },
    async () => {
      throw new Error("no descriptors left");
    },
  );

  await expect(failing).rejects.toThrow("no descriptors left");
  expect(readdirSync(dir)).toEqual([]);
});

it("removes its own socket, and not one that took its place", async () => {
  const remove = await listen();
  rmSync(join(dir, "api.sock"));
  await listen();
  remove();
  expect(await greeting()).toBe("hello");

  rmSync(join(dir, "api.sock"));
  const removeNew = await listen();
  removeNew();
  removeNew();
  expect(existsSync(join(dir, "api.sock"))).toBe(false);
});

it.runIf(process.getuid?.() === 0)("belongs to the group that was named", async () => {
  const group = readFileSync("/etc/group", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === "daemon");
  await listen({ group: "daemon", mode: 0o660 });

  expect(lstatSync(join(dir, "api.sock")).gid).toBe(Number(group?.[2]));
});

it("refuses a group that is not there", async () => {
  await expect(listen({ group: "no-such-group" })).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining('socket_group is "no-such-group"'),
  });
  expect(readdirSync(dir)).toEqual([]);
});

it("reads group numbers", () => {
  expect(gidIn("root:x:0:\nweb:x:33:ada,bob\n", "web")).toBe(33);
  expect(gidIn("root:x:0:\n", "web")).toBeUndefined();
  expect(gidOf("1234")).toBe(1234);
});

it.runIf(process.getuid?.() === 0)(
  "says what permission is missing, to a user without it",
  async () => {
    mkdirSync(join(dir, "locked"), { mode: 0o755 });
    chmodSync(dir, 0o755);
    const script = `
    import { listenOnSocket } from "./src/api/socket.ts";
    const path = ${JSON.stringify(join(dir, "locked/api.sock"))};
    listenOnSocket({ path, mode: 0o600, group: undefined }, async () => {}).catch((error) => console.log(error.code, error.message));
  `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      uid: 65_534,
      gid: 65_534,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    let text = "";
    child.stdout.on("data", (data: Buffer) => (text += data.toString()));
    child.stderr.on("data", (data: Buffer) => (text += data.toString()));
    await new Promise((resolve) => child.once("close", resolve));

    expect(text).toMatch(/socket_unusable the API socket .*EACCES.*--socket/);
  },
);
