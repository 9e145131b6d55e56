import * as fc from "fast-check";
import { expect, it } from "vitest";
import { serviceView, type ServiceWire } from "../../src/api/view-schemas.ts";
import { oneService } from "../../src/api/wire.ts";
import { checker } from "../../src/config/checker.ts";
import { caller, CommandWorld } from "../support/commands.ts";
import { definitions } from "../support/definitions.ts";
import { fakeApi, view } from "./fake-services.ts";

/** Hundreds of requests each: on a busy machine they take their time. */
const PATIENCE = { timeout: 60_000 };

const isView = checker(serviceView);

/** The API over the real commands, in a simulated world in which `db` and `cache` run. */
async function worldApi() {
  const world = new CommandWorld();
  await world.boot();
  const { app, logged } = fakeApi(world.commands);
  for (const name of ["db", "cache"]) await world.commands.put(name, { cmd: name }, 0, caller);
  await world.settle();
  return { world, app, logged };
}

type WorldApi = Awaited<ReturnType<typeof worldApi>>;

/** Any text; arbitraries of whole Unicode are slow to make. */
const anyText = (maxLength: number) =>
  fc.oneof(
    fc.string({ maxLength }),
    fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("utf8")),
  );

const NUMBERS = [0, -1, 1.5, 65_536, 2 ** 53, 1e300];
const TEXTS = ["", "5s", "-1s", "\0", "0027", "a\nb", "x".repeat(5_000), "__proto__"];
const LISTS = [["db"], ["web"], ["nope"], ["db", "db"], [""], [null], []];

/** What somebody may write in the place of a value. */
const wild = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, {}, { $env: "X" }, ...NUMBERS, ...TEXTS, ...LISTS),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A body as it should be, with one value somewhere replaced, left out, renamed or put in beside the others. */
const nearlyRight = fc
  .tuple(definitions, fc.nat(), fc.constantFrom("replace", "remove", "rename", "add"), wild)
  .map(([definition, at, how, value]) => {
    const known = { ...definition, needs: definition.needs ? ["db"] : [] };
    const shown = oneService(
      view({ definition: known, ...(known.env && { envValues: known.env }) }),
    );
    const { state: _, ...body } = JSON.parse(JSON.stringify(shown)) as Record<string, unknown>; // as it is sent
    change(body, at, how, value);
    return body;
  });

function change(object: Record<string, unknown>, at: number, how: string, value: unknown): void {
  const keys = Object.keys(object);
  const key = keys[at % keys.length] ?? "cmd";
  const inner = object[key];
  const goesDown = at % 3 === 0 && typeof inner === "object" && inner !== null;
  if (goesDown && Object.keys(inner).length > 0) {
    return change(inner as Record<string, unknown>, Math.floor(at / 3), how, value);
  }
  if (how === "add") object[`${key}x`] = value;
  else if (how === "replace") object[key] = value;
  else {
    delete object[key];
    if (how === "rename") object[key.toUpperCase()] = inner;
  }
}

/** Everything that a request could have changed. */
const stored = ({ world }: WorldApi) => ({
  rows: world.rows.map(({ stream, type }) => `${stream} ${type}`),
  processes: world.spawned.length,
});

interface Sent {
  method: "PUT" | "PATCH" | "POST" | "DELETE";
  url: string;
  payload?: string | Buffer;
}

/** Sends it, and checks what holds for any request: it is answered in our words, and what is refused leaves nothing. */
async function send(api: WorldApi, request: Sent): Promise<number> {
  const before = stored(api);
  const response = await api.app.inject(request);
  await api.world.settle();
  const { statusCode: status } = response;
  expect(status, response.body).toBeLessThan(500);
  expect(api.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  if (status < 400) return status;
  expect(response.json()).toMatchObject({
    error: expect.stringMatching(/^[a-z_]+$/),
    message: expect.stringMatching(/./),
  });
  expect(stored(api)).toEqual(before);
  return status;
}

const definitionIn = ({ state: _, ...definition }: ServiceWire) => definition;

it(
  "a body that is nearly right is taken or refused, and what is taken can be shown and written back",
  PATIENCE,
  async () => {
    const api = await worldApi();
    const shown = async () => api.app.inject("/v1/services/web");
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(nearlyRight, fc.constantFrom("PUT", "PATCH"), async (body, method) => {
        const url = "/v1/services/web?duration=0s";
        if ((await send(api, { method, url, payload: JSON.stringify(body) })) >= 400) return;
        taken += 1;
        const before = await shown();
        expect(isView(before.json())).toBeUndefined();
        expect(await send(api, { method: "PUT", url, payload: before.body })).toBe(200);
        expect(definitionIn((await shown()).json())).toEqual(definitionIn(before.json()));
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(15);
    api.world.assertFoldIsLive();
  },
);

const payloads = fc.oneof(
  fc.json({ maxDepth: 4 }),
  anyText(200),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify({ cmd: value, args: value })),
  wild.map((value) => JSON.stringify({ cmd: "x", ...(value as object) })),
);

/** Half a surrogate pair has no place in a URL. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

const NAMES = ["web", "db", "nope", "signal", "..", "__proto__", "constructor"];
const anyName = fc.oneof(
  fc.constantFrom(...NAMES),
  anyText(80).filter((name) => name !== ""),
);

const signalBody = fc
  .record({ name: fc.oneof(wild, fc.constant("db")), signal: fc.oneof(wild, fc.string()) })
  .map((body) => JSON.stringify(body));

/** Whether a command with this body is one: it says nothing, or no more than how long. */
function isTaken(payload: string | Buffer): boolean {
  const text = payload.toString();
  if (text.trim() === "") return true;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || Array.isArray(body)) return false;
    return Object.keys(body ?? {}).every((key) => key === "timeout");
  } catch {
    return false;
  }
}

const requests: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({
    method: fc.constantFrom("PUT", "PATCH", "DELETE"),
    url: anyName.map((name) => `/v1/services/${encoded(name)}?duration=0s`),
    payload: payloads,
  }),
  fc.record({
    method: fc.constant("POST"),
    url: fc
      .tuple(anyName, fc.constantFrom("start", "restart", "stop", "signal", "logs", ""))
      .map(([name, verb]) => `/v1/services/${encoded(name)}/${verb}`),
    payload: payloads.filter((payload) => !isTaken(payload)), // it would be watched for seconds that do not pass here
  }),
  fc.record({
    method: fc.constant("POST"),
    url: fc.constant("/v1/services/signal"),
    payload: fc.oneof(payloads, signalBody),
  }),
);

it(
  "whatever is sent to whatever route is answered, and what is refused leaves nothing",
  PATIENCE,
  async () => {
    const api = await worldApi();
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        await send(api, request);
      }),
      { numRuns: 400 },
    );
    api.world.assertFoldIsLive();
  },
);

const KEYS = ["duration", "timeout", "lines", "follow", "label", "with_dependents", "from"];
const VALUES = ["0s", "5", "-1s", "true", "false", "", "a=b", "1e9", "0x10", "24h"];
const queries = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...KEYS), anyText(8)),
      fc.oneof(fc.constantFrom(...VALUES), anyText(12)),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join("&"));

it("whatever a query says is taken or refused by name", PATIENCE, async () => {
  const { app } = fakeApi();
  const paths = ["", "/web", "/web/logs", "/web/start", "/web/stop", "/web/restart"];
  await fc.assert(
    fc.asyncProperty(queries, fc.constantFrom(...paths), async (query, path) => {
      const method = /start|stop/.test(path) ? "POST" : "GET";
      const response = await app.inject({ method, url: `/v1/services${path}?${query}` });
      expect([200, 400], response.body).toContain(response.statusCode);
      if (response.statusCode === 200) return;
      const refusal = { error: "invalid_request", field: expect.any(String) };
      expect(response.json()).toMatchObject(refusal);
    }),
    { numRuns: 300 },
  );
});

const SERVICES = ["a", "b", "c", "d", "e"];
const changes = fc.array(
  fc.record({
    name: fc.constantFrom(...SERVICES),
    needs: fc.uniqueArray(fc.constantFrom(...SERVICES), { maxLength: 3 }),
  }),
  { maxLength: 25 },
);

/** Whether a service leads back to itself over needs. */
function isCircular(start: string, graph: ReadonlyMap<string, readonly string[]>): boolean {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    for (const need of graph.get(name) ?? []) {
      if (reached.has(need)) continue;
      reached.add(need);
      visit(need);
    }
  };
  visit(start);
  return reached.has(start);
}

it(
  "needs that are unknown or go in a circle are refused with the exact path, all others are taken",
  PATIENCE,
  async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (asked) => {
        const api = await worldApi();
        const graph = new Map<string, readonly string[]>();
        for (const { name, needs } of asked) {
          const wanted = new Map(graph).set(name, needs);
          const isRight = needs.every((need) => wanted.has(need)) && !isCircular(name, wanted);
          const response = await api.app.inject({
            method: "PUT",
            url: `/v1/services/${name}?duration=0s`,
            payload: JSON.stringify({ cmd: "x", needs }),
          });
          await api.world.settle();
          expect(response.statusCode, response.body).toBe(isRight ? 200 : 400);
          if (isRight) graph.set(name, needs);
          else expectPath(response.json(), wanted, graph);
        }
        api.world.assertFoldIsLive();
      }),
      { numRuns: 60 },
    );
  },
);

/** Each step of the path is a need, and it leads back to where it began or to what is not there. */
function expectPath(
  { path, message }: { path: string[]; message: string },
  wanted: ReadonlyMap<string, readonly string[]>,
  graph: ReadonlyMap<string, readonly string[]>,
): void {
  const [first, ...rest] = path;
  const last = rest.at(-1) ?? "";
  for (const [at, need] of rest.entries()) expect(wanted.get(path[at] ?? "")).toContain(need);
  expect(last === first || !graph.has(last)).toBe(true);
  expect(message).toContain(last);
  if (rest.length > 1) expect(message).toContain(path.join(" -> "));
}
