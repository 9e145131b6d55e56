import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Client, type EventRecord } from "../../src/client/client.ts";
import { bootedSprite, fixture } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");

/** What somebody who has only installed the package writes. */
const PROGRAM = `
import { AppError, Client, type ErrorCode, type EventRecord, type Service } from "sprite-env/client";

const client = new Client({ socket: process.argv[2] });
const said: unknown[] = [];

const stream = await client.put("web", { cmd: "sleep", args: ["600"], labels: { tier: "web" } }, { duration: "0s" });
for await (const line of stream) said.push(line.type);

const service: Service = await client.get("web");
const phase: "running" | string = service.state.phase;
said.push(phase, service.labels?.["tier"]);

let last: EventRecord | undefined;
for await (const event of client.events({ service: "web" })) last = event;
said.push(last?.type, typeof last?.hash);

try {
  await client.get("nope");
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  const code: ErrorCode = error.code;
  said.push(code);
}

// @ts-expect-error -- a field that no definition has
void (() => client.put("x", { cmd: "true", nonsense: 1 }));
// @ts-expect-error -- a restart policy that there is not
void (() => client.put("x", { cmd: "true", restart: "sometimes" }));

await client.remove("web");
said.push((await client.list()).length, (await client.health()).status);
console.log(JSON.stringify(said));
`;

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "nodenext",
    strict: true,
    skipLibCheck: false,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
    noEmitOnError: true,
  },
  files: ["program.ts"],
};

const ran = (program: string, args: readonly string[], cwd: string): string => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  expect(status, `${program} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
  return stdout;
};

describe("the client that the package exports", () => {
  it("is packed, type-checks where nothing else is installed, and works", async () => {
    const sprite = await bootedSprite();
    const place = join(sprite.dir, "project");
    const modules = join(place, "node_modules/sprite-env");
    mkdirSync(modules, { recursive: true });
    ran("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", place], ROOT);
    const tarball = readdirSync(place).find((file) => file.endsWith(".tgz")) ?? "";
    ran("tar", ["-xzf", join(place, tarball), "-C", modules, "--strip-components=1"], place);
    writeFileSync(join(place, "package.json"), '{"type":"module"}');
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify(TSCONFIG));
    writeFileSync(join(place, "program.ts"), PROGRAM);

    ran(join(BIN, "tsc"), ["-p", "."], place);
    const said = ran(process.execPath, ["program.js", sprite.socket], place);

    expect(JSON.parse(said)).toEqual([
      "started",
      "complete",
      "running",
      "web",
      "process.spawned",
      "string",
      "service_not_found",
      0,
      "ok",
    ]);
  });
});

describe("a client and a daemon that is killed", () => {
  it("follows events over the daemon's death without loss or repeat", async () => {
    const sprite = await bootedSprite();
    const client = new Client({ socket: sprite.socket });
    const seen: EventRecord[] = [];
    const told: string[] = [];
    const ending = new AbortController();
    const following = (async () => {
      const onLost = (): void => void told.push("lost");
      const onFound = (): void => void told.push("found");
      const options = { follow: true, onLost, onFound, signal: ending.signal };
      for await (const event of client.events(options)) seen.push(event);
    })().catch((error: unknown) => {
      if (!ending.signal.aborted) throw error;
    });

    await sprite.put("web", { cmd: fixture("forever") });
    await until("the first life is seen", () =>
      seen.some(({ type }) => type === "process.spawned"),
    );
    await sprite.killDaemon();
    await until("the loss is noticed", () => told.includes("lost"));
    await sprite.boot();
    await sprite.put("other", { cmd: fixture("forever") });
    const last = sprite.rows().at(-1)?.seq ?? 0;
    await until(
      "all is seen",
      () => (seen.at(-1)?.seq ?? 0) >= last,
      undefined,
      () => seen.at(-1),
    );
    ending.abort();
    await following;

    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    expect(told.at(-1)).toBe("found");
  });

  it("a command whose reply was lost with the daemon is carried out once, and answered by the next one", async () => {
    const sprite = await bootedSprite();
    await sprite.put("web", { cmd: fixture("forever") });
    const client = new Client({ socket: sprite.socket, retryMs: 60_000 });
    const version = (): Promise<number> => sprite.state("web").then((state) => state.version);
    expect(await version()).toBe(1);
    const key = { idempotencyKey: "once" };
    for await (const _ of await client.put(
      "web",
      { cmd: fixture("forever"), args: ["2"] },
      { ...key, duration: "0s" },
    ));
    await sprite.killDaemon();

    const asked = client.put(
      "web",
      { cmd: fixture("forever"), args: ["2"] },
      { ...key, duration: "0s" },
    );
    await expect(asked).rejects.toMatchObject({ code: "daemon_unreachable" });
    await sprite.boot();
    const lines: string[] = [];
    for await (const { type } of await client.put(
      "web",
      { cmd: fixture("forever"), args: ["2"] },
      { ...key, duration: "0s" },
    ))
      lines.push(type);

    expect(lines).toEqual(["complete"]);
    expect(await version()).toBe(2);
    expect(sprite.rowsOf("web", "service.changed")).toHaveLength(1);
  });
});
