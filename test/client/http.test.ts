import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { exchange, openSocket, type HttpRequest } from "../../src/client/http.ts";
import { jsonLines } from "../../src/client/lines.ts";
import { temporary } from "../cli/harness.ts";

let server: Server | undefined;
let folder: ReturnType<typeof temporary> | undefined;

const peers: Socket[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  await new Promise((resolve) => server?.close(resolve));
  folder?.remove();
});

/** A socket on which each connection is answered by `serve`. */
async function listening(serve: (socket: Socket) => void): Promise<Socket> {
  folder?.remove();
  folder = temporary();
  const path = join(folder.path, "s");
  server?.close();
  server = createServer((socket) => {
    peers.push(socket.on("error", () => undefined));
    serve(socket);
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return openSocket(path);
}

const GET: HttpRequest = { method: "GET", path: "/x" };

async function answered(text: string, request = GET): Promise<string> {
  const socket = await listening((peer) => peer.end(text));
  const reply = await exchange(socket, request);
  let body = "";
  for await (const piece of reply.body) body += piece.toString();
  return body;
}

it("reads a body of a given length, one in chunks, and one that ends with the connection", async () => {
  expect(await answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, more")).toBe("hello");
  expect(
    await answered(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n",
    ),
  ).toBe("hello");
  expect(await answered("HTTP/1.1 200 OK\r\n\r\nhello")).toBe("hello");
});

it("expects no body where there is none, whatever the headers say", async () => {
  expect(await answered("HTTP/1.1 204 No Content\r\n\r\n")).toBe("");
  expect(
    await answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { method: "HEAD", path: "/" }),
  ).toBe("");
});

it("passes over interim answers", async () => {
  expect(
    await answered("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  ).toBe("ok");
});

it("puts an answer together that comes byte by byte", async () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\näö";
  const socket = await listening((peer) => {
    const bytes = [...Buffer.from(text)];
    const next = (): void => {
      const byte = bytes.shift();
      if (byte === undefined) return void peer.end();
      peer.write(Buffer.of(byte), () => setImmediate(next));
    };
    next();
  });

  const pieces: Buffer[] = [];
  for await (const piece of (await exchange(socket, GET)).body) pieces.push(piece);

  expect(Buffer.concat(pieces).toString()).toBe("äö");
});

it.each([
  ["a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"],
  ["chunks without the last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"],
  ["a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
  ["a head cut short", "HTTP/1.1 200 OK\r\nContent-"],
  ["nothing", ""],
  ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
])("%s is no answer", async (_what, text) => {
  await expect(answered(text)).rejects.toMatchObject({ code: "daemon_unreachable" });
});

it("gives up on a head that does not come, and names what it asked for", async () => {
  const socket = await listening(() => undefined);

  await expect(exchange(socket, { ...GET, headMs: 20 })).rejects.toMatchObject({
    code: "timed_out",
    message: expect.stringContaining("GET /x"),
  });
});

it("yields lines as they come, before the body ends", async () => {
  let more: (() => void) | undefined;
  const socket = await listening((peer) => {
    peer.write('HTTP/1.1 200 OK\r\n\r\n{"type":"started","timestamp":1}\n\n{"type":');
    more = () => peer.end('"complete","timestamp":2}');
  });
  const lines = jsonLines((await exchange(socket, GET)).body);

  expect((await lines.next()).value).toMatchObject({ type: "started" });
  more?.();
  expect((await lines.next()).value).toEqual({ type: "complete", timestamp: 2 });
  expect((await lines.next()).done).toBe(true);
});

it("refuses a line without an end instead of holding it", async () => {
  const socket = await listening((peer) => {
    peer.write("HTTP/1.1 200 OK\r\n\r\n");
    const fill = (): void => {
      while (peer.writable && peer.write("x".repeat(65_536)));
    };
    peer.on("drain", fill);
    fill();
  });
  const lines = jsonLines((await exchange(socket, GET)).body);

  await expect(lines.next()).rejects.toMatchObject({ code: "internal" });
});

it("holds back a sender that is faster than its reader", async () => {
  let sent = 0;
  const socket = await listening((peer) => {
    peer.write("HTTP/1.1 200 OK\r\n\r\n");
    const fill = (): void => {
      while (peer.writable && sent < 64 << 20) {
        sent += 65_536;
        if (!peer.write("x".repeat(65_536))) return;
      }
      peer.end();
    };
    peer.on("drain", fill);
    fill();
  });
  const { body } = await exchange(socket, GET);

  await body.next();
  await new Promise((resolve) => setTimeout(resolve, 200)); // time for a sender that is not held back
  expect(sent).toBeLessThan(8 << 20);

  let received = 0;
  for await (const piece of body) received += piece.length;
  expect(received).toBeGreaterThan((64 << 20) - 131_072);
});

it("sends a body with its length", async () => {
  let got = "";
  const socket = await listening((peer) =>
    peer.on("data", (piece: Buffer) => {
      got += piece.toString();
      if (got.endsWith("ü")) peer.end("HTTP/1.1 204 No Content\r\n\r\n");
    }),
  );

  await exchange(socket, { method: "PUT", path: "/x", headers: { "If-Match": '"3"' }, body: "ü" });

  expect(got).toBe(
    'PUT /x HTTP/1.1\r\nHost: sprite\r\nConnection: close\r\nIf-Match: "3"\r\nContent-Length: 2\r\n\r\nü',
  );
});

it("a body that the daemon does not read to its end is too large for it", async () => {
  const socket = await listening((peer) => peer.once("readable", () => peer.destroy()));
  const request = { method: "PUT", path: "/x", body: Buffer.alloc(4 << 20) };

  await expect(exchange(socket, request)).rejects.toMatchObject({ code: "body_too_large" });
});
