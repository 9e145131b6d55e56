import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type Datagram,
  MAX_NAME_BYTES,
  openDatagramSocket,
  parseControl,
  receive,
} from "../../src/posix/datagram.ts";
import { watchReadable } from "../../src/posix/poll.ts";
import { until } from "../support/until.ts";

let dir: string;
const open: number[] = [];

beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "sprite-env-datagram-"))));
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
  rmSync(dir, { recursive: true });
});

const opened = (name = join(dir, "s")): { fd: number; name: string } => {
  const fd = openDatagramSocket(name);
  open.push(fd);
  return { fd, name };
};

/** Sends from a process of its own. @returns its pid */
function send(name: string, python: string): number {
  const script = `
import array, os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(${JSON.stringify(name)}.replace("@", "\\0", 1) if ${name.startsWith("@") ? "True" : "False"} else ${JSON.stringify(name)})
${python}
print(os.getpid())`;
  return Number(execFileSync("python3", ["-c", script], { encoding: "utf8" }));
}

it("takes messages in order, each with its sender, and says when there is none", () => {
  const { fd, name } = opened();
  const pid = send(name, `s.send(b"one\\ntwo"); s.send(b"")`);

  expect(receive(fd)).toEqual({ bytes: Buffer.from("one\ntwo"), truncated: false, pid, fds: [] });
  expect(receive(fd)).toEqual({ bytes: Buffer.alloc(0), truncated: false, pid, fds: [] });
  expect(receive(fd)).toBeUndefined();
});

it("can be named in the abstract", () => {
  const { fd, name } = opened(`@sprite-env-test/${process.pid}`);
  const pid = send(name, `s.send(b"hello")`);

  expect(receive(fd)).toMatchObject({ bytes: Buffer.from("hello"), pid });
});

it("cuts what is larger than anybody means to send, and says so", () => {
  const { fd, name } = opened();
  send(name, `s.send(b"x" * 100_000)`);

  const { bytes, truncated } = receive(fd) as Datagram;
  expect([bytes.length, truncated]).toEqual([65_536, true]);
});

const openFds = (): string[] => readdirSync("/proc/self/fd");

it("hands over the descriptors that came along, closed in children, and no more than a few", () => {
  const { fd, name } = opened();
  const sending = (count: number) =>
    `s.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [os.open("/dev/null", 0)] * ${count}))])`;
  send(name, sending(1));
  send(name, sending(200));
  const before = openFds().length;

  const [one, many] = [receive(fd), receive(fd)] as [Datagram, Datagram];
  expect(one.fds).toHaveLength(1);
  expect(many.fds.length).toBeLessThan(10);
  expect(openFds().length).toBe(before + 1 + many.fds.length);
  expect(many.bytes.toString()).toBe("BARRIER=1");
  for (const each of [...one.fds, ...many.fds]) closeSync(each);
});

it("is closed in children", () => {
  const { fd } = opened();

  const seen = execFileSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" });
  expect(seen).not.toMatch(new RegExp(` ${fd} -> socket`));
});

it("refuses a name that is taken, and one whose directory is not there", () => {
  const { name } = opened();

  expect(() => openDatagramSocket(name)).toThrow("Address already in use");
  expect(() => openDatagramSocket(join(dir, "none", "s"))).toThrow("No such file or directory");
});

it("takes the longest name there is", () => {
  const name = join(dir, "n".repeat(MAX_NAME_BYTES - dir.length - 1));
  const { fd } = opened(name);
  send(name, `s.send(b"hello")`);

  expect(existsSync(name)).toBe(true);
  expect(receive(fd)?.bytes.toString()).toBe("hello");
});

it("is torn apart by no control data, however garbled", () => {
  const header = (length: number, level: number, type: number, data: number[]) => {
    const bytes = Buffer.alloc(16 + 4 * data.length);
    bytes.writeBigUInt64LE(BigInt(length));
    bytes.writeInt32LE(level, 8);
    bytes.writeInt32LE(type, 12);
    data.forEach((word, index) => bytes.writeInt32LE(word, 16 + 4 * index));
    return bytes;
  };

  expect(parseControl(Buffer.alloc(0))).toEqual({ pid: 0, fds: [] });
  expect(parseControl(header(0, 1, 2, [7, 0, 0]))).toEqual({ pid: 0, fds: [] });
  expect(parseControl(header(9_999, 1, 1, [7]))).toEqual({ pid: 0, fds: [] });
  expect(parseControl(header(20, 6, 1, [7]))).toEqual({ pid: 0, fds: [] });
  expect(parseControl(header(20, 1, 1, [7]))).toEqual({ pid: 0, fds: [7] });
});

it("is watched without a thread: each time somebody sends, and not between", async () => {
  const { fd, name } = opened();
  let times = 0;
  const watch = watchReadable(fd, () => {
    times += 1;
    while (receive(fd));
    watch.again();
  });
  send(name, `s.send(b"one")`);
  await until("the first call", () => times === 1);
  send(name, `s.send(b"two")`);
  await until("the second call", () => times === 2);
  watch.close();
  watch.close();
  watch.again();
  send(name, `s.send(b"three")`);
  await new Promise((resolve) => setImmediate(resolve));

  expect(times).toBe(2);
});

it("runs promises of what it calls, though nothing else happens", async () => {
  const { fd, name } = opened();
  const heard = new Promise<string>((resolve) => {
    const watch = watchReadable(fd, () => {
      void Promise.resolve(receive(fd)?.bytes.toString() ?? "").then((text) => {
        watch.close();
        resolve(text);
      });
    });
  });
  spawn("python3", [
    "-c",
    `import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", ${JSON.stringify(name)})`,
  ]);

  expect(await heard).toBe("x");
});
