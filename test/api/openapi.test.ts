import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { STATUS } from "../../src/api/status.ts";
import { OPERATIONS } from "../../src/api/openapi/operations.ts";
import { pathOf } from "../../src/api/openapi/document.ts";
import { schema31 } from "../../src/api/openapi/schema.ts";
import { apiConfig, fakeApi } from "./fake-services.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: ({ name: string; in: string } | { $ref: string })[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  security?: unknown[];
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, unknown> }> };
}

const served = async (): Promise<Document> => {
  const response = await fakeApi().app.inject("/openapi.json");
  expect(response.statusCode).toBe(200);
  return response.json<Document>();
};

const operations = (document: Document): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      one,
    ]),
  );

it("is valid OpenAPI 3.1", async () => {
  const document = await served();
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);

  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(document.openapi).toBe("3.1.0");
});

/** Every route that Fastify knows, by method and path; not HEAD, and not what answers 405. */
async function registered(): Promise<string[]> {
  const { app } = fakeApi();
  const routes: string[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    if (typeof method === "string" && method !== "HEAD" && !config?.hidden) {
      routes.push(`${method} ${url}`);
    }
  });
  await app.ready();
  return routes.toSorted();
}

/** The status of a success. */
function successOf(name: string): string {
  if (/tickets/.test(name)) return "201";
  return /DELETE|signal/.test(name) ? "204" : "200";
}

describe("the routes", () => {
  it("are all in the document, and nothing else is", async () => {
    const routes = (await registered()).filter((route) => !route.includes(" /v1"));
    const documented = operations(await served()).map(([name]) => name);

    expect(documented.toSorted()).toEqual(routes.map(pathOf).toSorted());
    expect(Object.keys(OPERATIONS).toSorted()).toEqual(routes);
  });

  it("are the same under every prefix, but for those of the daemon itself", async () => {
    const routes = await registered();
    const under = (prefix: string) =>
      routes
        .filter((route) => route.includes(` ${prefix}/`))
        .map((route) => route.replace(prefix, ""))
        .filter((route) => !route.includes(" /sprites/:sprite/"));
    const bare = routes.filter((route) => !route.includes(" /v1") && !OPERATIONS[route]?.atRoot);

    expect(under("/v1")).toEqual(bare);
    expect(under("/v1/sprites/:sprite")).toEqual(bare);
  });

  it("each have an operationId of their own, a summary, a tag, and what can go wrong", async () => {
    const all = operations(await served());

    expect(new Set(all.map(([, { operationId }]) => operationId)).size).toBe(all.length);
    for (const [name, { operationId, summary, tags, responses }] of all) {
      expect({ name, operationId, summary, tags }).toEqual({
        name,
        operationId: expect.stringMatching(/^[a-z]+[A-Za-z]+$/) as string,
        summary: expect.stringMatching(/^.{10,80}$/) as string,
        tags: [expect.stringMatching(/^(services|exec|events|past|daemon)$/) as string],
      });
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining([successOf(name), "400", "403", "500"]),
      );
      expect(Object.values(responses).every(({ description }) => description.length > 5)).toBe(
        true,
      );
    }
  });

  it("say which are open, and that the others need a token", async () => {
    const open = operations(await served()).filter(([, { security }]) => security?.length === 0);

    expect(open.map(([name]) => name).toSorted()).toEqual([
      "GET /docs",
      "GET /healthz",
      "GET /openapi.json",
    ]);
    for (const [, { responses }] of open) expect(responses).not.toHaveProperty("401");
  });

  it("say which headers they heed", async () => {
    const documented = new Map(operations(await served()));
    const headers = (name: string) =>
      (documented.get(name)?.parameters ?? []).flatMap((one) => ("$ref" in one ? [one.$ref] : []));

    expect(headers("PUT /services/{name}")).toEqual([
      "#/components/parameters/IdempotencyKey",
      "#/components/parameters/IfMatch",
    ]);
    expect(headers("GET /events")).toEqual(["#/components/parameters/LastEventID"]);
    expect(headers("GET /services")).toEqual([]);
  });

  it("say how streams come", async () => {
    const documented = new Map(operations(await served()));
    const types = (name: string) =>
      Object.keys(documented.get(name)?.responses["200"]?.content ?? {});

    expect(types("PUT /services/{name}")).toEqual(["application/x-ndjson"]);
    expect(types("GET /events")).toEqual(["application/x-ndjson", "text/event-stream"]);
    expect(types("GET /metrics")).toEqual(["text/plain"]);
  });
});

it("has every error code, and its status where an operation has it", async () => {
  const document = await served();

  expect(document.components.schemas["Error"]?.properties["error"]).toMatchObject({
    enum: Object.keys(ERRORS),
  });
  for (const [name, { responses }] of operations(document)) {
    for (const [status, { description }] of Object.entries(responses)) {
      const codes = [...description.matchAll(/`([a-z_]+)`:/g)].map(([, code]) => code);
      for (const code of codes) {
        expect(`${name} ${code} ${STATUS[code as keyof typeof STATUS]}`).toBe(
          `${name} ${code} ${status}`,
        );
      }
    }
  }
});

it("has no words that only we know", async () => {
  const text = JSON.stringify(await served());

  for (const word of ["x-allowed", "x-later", "x-secret", '"nullable"', "positive-duration"]) {
    expect(text).not.toContain(word);
  }
});

it("names the sprite and the release", async () => {
  const { app } = fakeApi({}, { config: apiConfig({ spriteName: "my-box" }) });
  const document = (await app.inject("/openapi.json")).json<object>();

  expect(document).toMatchObject({
    info: { version: "1.2.3" },
    servers: [{ url: "/v1" }, { variables: { sprite: { default: "my-box" } } }, { url: "/" }],
  });
});

describe("a schema", () => {
  const names = new Map();

  it.each([
    [{ type: "string", nullable: true }, { type: ["string", "null"] }],
    [
      { nullable: true, anyOf: [{ type: "integer" }] },
      { anyOf: [{ type: "integer" }, { type: "null" }] },
    ],
    [
      { type: "string", format: "duration" },
      { type: "string", format: "go-duration", examples: ["1m30s"] },
    ],
    [
      { type: "string", "x-allowed": "a name", "x-secret": true },
      { type: "string", description: "Allowed: a name." },
    ],
    [
      { type: "string", description: "It.", "x-allowed": "a name" },
      { type: "string", description: "It. Allowed: a name." },
    ],
    [
      { type: "object", properties: { description: { type: "string", nullable: true } } },
      { type: "object", properties: { description: { type: ["string", "null"] } } },
    ],
    [
      { enum: ["a", null], default: "a" },
      { enum: ["a", null], default: "a" },
    ],
    [
      { anyOf: [{ type: "object", properties: {} }] },
      { anyOf: [{ type: "object", properties: {} }] },
    ],
  ])("%j becomes %j", (ours, theirs) => {
    expect(schema31(ours, names)).toEqual(theirs);
  });
});

describe("the page", () => {
  it("is there, with and without a slash, and HEAD has no body", async () => {
    const { app } = fakeApi();
    for (const url of ["/docs", "/docs/"]) {
      const { statusCode, headers, body } = await app.inject(url);
      expect(statusCode).toBe(200);
      expect(headers["content-type"]).toMatch(/^text\/html/);
      expect(headers["sprite-version"]).toBe("1.2.3");
      expect(body).toContain("swagger-ui");
    }
    const head = await app.inject({ method: "HEAD", url: "/docs" });
    expect([head.statusCode, head.body]).toEqual([200, ""]);
  });

  it("lets nothing in from elsewhere, and names nothing that is elsewhere", async () => {
    const { app } = fakeApi();
    const { headers, body } = await app.inject("/docs");

    expect(headers["content-security-policy"]).toMatch(
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    expect(headers["content-security-policy"]).not.toMatch(/https?:/);
    expect(body).not.toMatch(/(src|href)="?(https?:)?\/\//);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  it("has its parts", async () => {
    const { app } = fakeApi();
    for (const part of ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"]) {
      const { statusCode, body } = await app.inject(`/docs/static/${part}`);
      expect(statusCode).toBe(200);
      expect(body.length).toBeGreaterThan(100);
    }
  });

  it.each([
    "/docs/static/../../package.json",
    "/docs/static/..%2f..%2fpackage.json",
    "/docs/static/%2e%2e/%2e%2e/package.json",
    "/docs/nothing",
  ])("has nothing at %s", async (url) => {
    const { statusCode, body } = await fakeApi().app.inject(url);

    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(statusCode).toBeLessThan(500);
    expect(JSON.parse(body)).toMatchObject({ error: "not_found" });
  });

  it.each(["/docs", "/openapi.json"])("%s is for reading alone", async (url) => {
    const { statusCode, headers } = await fakeApi().app.inject({ method: "POST", url });

    expect([statusCode, headers["allow"]]).toEqual([405, "GET, HEAD"]);
  });
});
