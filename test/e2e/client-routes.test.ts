import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client } from "../../src/client/client.ts";
import { bootedSprite, fixture } from "../support/daemon.ts";

/** Reads a reply to its end, if it has lines. */
async function done(reply: Promise<unknown>): Promise<void> {
  const answer = await reply;
  if (typeof answer !== "object" || answer === null || !(Symbol.asyncIterator in answer)) return;
  for await (const _ of answer as AsyncIterable<unknown>); // lines of no interest
}

/** The call of the client for each operation of the API; `null` is for people with a browser. */
const CALLS: Record<string, ((client: Client) => Promise<unknown>) | null> = {
  "put /services/{name}": (client) =>
    client.put("web", { cmd: fixture("forever") }, { duration: "0s" }),
  "patch /services/{name}": (client) =>
    client.update("web", { labels: { tier: "web" } }, { duration: "0s", ifMatch: 1 }),
  "get /services": (client) => client.list({ labels: { tier: "web" } }),
  "get /services/{name}": (client) => client.get("web"),
  "post /services/{name}/restart": (client) => client.restart("web", { duration: "0s" }),
  "post /services/{name}/rollback": (client) => client.rollback("web", 1, { duration: "0s" }),
  "post /services/signal": (client) => client.signal("web", "CONT"),
  "get /services/{name}/logs": (client) => client.logs("web", { lines: 1 }),
  "post /services/{name}/stop": (client) => client.stop("web", { timeout: "1s" }),
  "post /services/{name}/start": (client) => client.start("web", { duration: "0s" }),
  "delete /services/{name}": (client) => client.remove("web"),
  "get /events": async (client) => client.events({ kind: "service", types: ["process.*"] }),
  "get /events/head": (client) => client.head(),
  "get /past/span": ({ past }) => past.span(),
  "get /past/strip": ({ past }) => past.strip({ by: "seq", buckets: 3 }),
  "get /past/state": ({ past }) => past.state("now"),
  "get /past/diff": ({ past }) => past.diff(1),
  "get /past/jump": ({ past }) => past.jump({ from: 1, direction: "next", to: "command" }),
  "get /past/boots": ({ past }) => past.boots(),
  "get /past/boots/{boot}": ({ past }) => past.boot(1),
  "get /past/boots/diff": ({ past }) => past.bootDiff(1, 2),
  "get /past/why/{name}": ({ past }) => past.why("web"),
  "get /past/history/{name}": ({ past }) => past.history("web", 2),
  "get /past/causes/{seq}": ({ past }) => past.causes(3),
  "get /past/edges/{name}": ({ past }) => past.edges("web"),
  "get /past/taken/{name}": ({ past }) => past.taken("web", { to: "pending" }),
  "get /past/timeline": ({ past }) => past.timeline({ service: "web", type: "process.spawned" }),
  "get /past/restarts": ({ past }) => past.restarts({ buckets: 2 }),
  "get /past/logs/{name}": ({ past }) => past.logs("web", { before: 5 }),
  "get /machines": (client) => client.machines(),
  "get /usage": (client) => client.usage(),
  "post /inspector/tickets": (client) => client.inspectorTicket({ readOnly: true }),
  "post /exec": async (client) => client.exec(["true"]),
  "get /components": (client) => client.components(),
  "get /config/plan": (client) => client.configPlan(),
  "post /config/reload": (client) => client.reloadConfig(),
  "get /projections": (client) => client.projections(),
  "post /projections/{name}/rebuild": (client) => client.rebuildProjection("services"),
  "get /healthz": (client) => client.health(),
  "get /metrics": (client) => client.metrics(),
  "get /openapi.json": (client) => client.openapi(),
  "get /docs": null,
};

const TOKEN = "a-token-of-sixteen-bytes-and-more";

function emptyConfig(): string {
  const directory = mkdtempSync(join(tmpdir(), "sprite-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "config.json"), "{}");
  return join(directory, "config.json");
}

const WAYS = ["socket", "TCP"] as const;

describe.each(WAYS)("the client, over %s", (way) => {
  it("has a call for every operation of the API, and each works", async () => {
    const options = {
      flags: ["--listen", "127.0.0.1:0", "--config", emptyConfig()],
      env: { SPRITE_HTTP_API_TOKEN: TOKEN },
    };
    const sprite = await bootedSprite(options);
    await sprite.shutDown();
    await sprite.boot(options); // two boots, to compare
    const [, port = ""] = /listen=127\.0\.0\.1:(\d+)/.exec(sprite.daemon?.said() ?? "") ?? [];
    const url = `http://127.0.0.1:${port}`;
    const client = new Client(way === "TCP" ? { url, token: TOKEN } : { socket: sprite.socket });

    const { paths } = (await client.openapi()) as { paths: Record<string, object> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(Object.keys(CALLS).toSorted()).toEqual(operations.toSorted());
    for (const [operation, call] of Object.entries(CALLS)) {
      await expect(done(call?.(client) ?? Promise.resolve()), operation).resolves.toBeUndefined();
    }
  });
});

it("a wrong token is `unauthorized`, and the CLI's exit code is 6", async () => {
  const sprite = await bootedSprite({
    flags: ["--listen", "127.0.0.1:0"],
    env: { SPRITE_HTTP_API_TOKEN: TOKEN },
  });
  const [, port = ""] = /listen=127\.0\.0\.1:(\d+)/.exec(sprite.daemon?.said() ?? "") ?? [];
  const url = `http://127.0.0.1:${port}`;

  const asked = new Client({ url, token: "some-other-token" }).list();
  await expect(asked).rejects.toMatchObject({ code: "unauthorized" });
  expect((await sprite.cli("services", "list", "--url", url)).code).toBe(6);
});
