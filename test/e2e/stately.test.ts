import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { bootedSprite, sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

interface Server {
  address(): AddressInfo;
  on(
    event: "connection",
    listener: (socket: { on(event: "message", listener: (data: Buffer) => void): void }) => void,
  ): void;
  close(): void;
}

/** Of the inspector's own package: ours needs none. */
const { WebSocketServer } = createRequire(import.meta.resolve("@statelyai/inspect"))("ws") as {
  WebSocketServer: new (options: { port: number; host: string }) => Server;
};

it("streams the live actors, with their states, to whoever speaks Stately's protocol", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => server.close());
  const heard: { type: string; sessionId?: string; snapshot?: { value?: unknown } }[] = [];
  server.on("connection", (socket) =>
    socket.on(
      "message",
      (data) => void heard.push(JSON.parse(data.toString()) as (typeof heard)[number]),
    ),
  );
  await until("it listens", () => server.address() !== null);
  const made = await bootedSprite({
    flags: ["--inspect-stately", `ws://127.0.0.1:${server.address().port}`],
  });
  await made.put("web", { cmd: "sleep", args: ["1000"], env: { SECRET: "hunter2" } });

  await until("the actor of web is told", () =>
    heard.some(
      ({ type, snapshot }) => type === "@xstate.snapshot" && snapshot?.value === "running",
    ),
  );
  expect(heard.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["@xstate.actor", "@xstate.event", "@xstate.snapshot"]),
  );
  expect(JSON.stringify(heard)).not.toContain("hunter2");
});

it("is refused where the address is none", async () => {
  const made = sprite();
  const { code, stderr } = await made.cli("serve", "--inspect-stately", "localhost");

  expect(code).toBe(2);
  expect(stderr).toContain("--inspect-stately");
  expect(stderr).toContain("ws://localhost:8080");
});
