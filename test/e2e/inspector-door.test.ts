import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sprite } from "../support/daemon.ts";

const TOKEN = "CANARY-9f3b1c7e5a2d4860";

let made: Sprite;
let inspector: number;
let tcp: number;

interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A request as a browser might send it. */
const ask = (
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = "",
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    })
      .once("error", reject)
      .end(body);
  });

const ticket = async (...words: string[]): Promise<URL> => {
  const { stdout, stderr, code } = await made.cli("inspect", ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return new URL((JSON.parse(stdout) as { url: string }).url);
};

/** Comes in, as a browser that was given the address. @returns the cookie */
async function entered(...words: string[]): Promise<string> {
  const url = await ticket(...words);
  const { status, headers } = await ask(Number(url.port), url.pathname + url.search);
  expect([status, headers["location"]]).toEqual([303, "/inspector/"]);
  return String(headers["set-cookie"]).split(";")[0] ?? "";
}

const PAGE = { "sec-fetch-site": "same-origin" };

beforeAll(async () => {
  made = new Sprite();
  await made.boot({ flags: ["-listen", "127.0.0.1:0"], env: { SPRITE_HTTP_API_TOKEN: TOKEN } });
  tcp = Number(/ listen=127\.0\.0\.1:(\d+) /.exec(made.daemon?.said() ?? "")?.[1]);
  inspector = Number((await ticket()).port);
});
afterAll(() => made.cleanUp());

describe("an address", () => {
  it("lets in once, and says in words what to do the second time", async () => {
    const url = await ticket();
    const once = () => ask(inspector, url.pathname + url.search);
    expect((await once()).status).toBe(303);
    const { status, text, headers } = await once();
    expect(status).toBe(403);
    expect(text).toContain(
      "was used before: it is good once: run &#34;sprite-env inspect&#34; again",
    );
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  });

  it("that was forged lets nobody in", async () => {
    for (const forged of ["x", "eyJpZCI6IngifQ.AAAA", "%3Cscript%3E"]) {
      const { status, text } = await ask(inspector, `/inspector/enter?ticket=${forged}`);
      expect([forged, status]).toEqual([forged, 403]);
      expect(text).toContain("was not made by this daemon");
    }
  });
});

describe("a session", () => {
  it("asks as who opened it", async () => {
    const cookie = await entered();
    const { text } = await ask(inspector, "/inspector/session", { cookie, ...PAGE });
    expect(JSON.parse(text)).toMatchObject({ mode: "daemon", actor: "uid:0", read_only: false });
  });

  it.each([
    ["no cookie", {}, 401],
    ["a forged cookie", { cookie: "sprite_env_PORT=forged", ...PAGE }, 401],
  ])("is not what has %s", async (_, headers, status) => {
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value.replace("PORT", String(inspector)),
      ]),
    );
    expect(await ask(inspector, "/v1/services", sent)).toMatchObject({ status });
  });

  it.each([
    ["of another origin", { origin: "http://evil.example" }],
    ["of another site that reads", { "sec-fetch-site": "cross-site" }],
    ["that does not say where it comes from", {}],
    ["for a name that is not ours", { host: "evil.example", ...PAGE }],
  ])("does not answer a page %s", async (_, headers) => {
    const cookie = await entered();
    for (const method of ["GET", "POST"])
      expect(await ask(inspector, "/v1/services", { cookie, ...headers }, method)).toMatchObject({
        status: 403,
      });
  });

  it("that may only read changes nothing, and sees no values", async () => {
    await made.put("web", { cmd: "sleep", args: ["1000"], env: { SECRET: "hunter2" } });
    const cookie = await entered("--read-only");
    const own = { cookie, origin: `http://127.0.0.1:${inspector}` };
    expect(await ask(inspector, "/v1/services/web/stop", own, "POST")).toMatchObject({
      status: 403,
    });
    const { text } = await ask(inspector, "/v1/services/web", { cookie, ...PAGE });
    expect(text).toContain("SECRET");
    expect(text).not.toContain("hunter2");
  });

  it("ends when somebody leaves", async () => {
    const cookie = await entered();
    const own = { cookie, origin: `http://127.0.0.1:${inspector}` };
    expect(await ask(inspector, "/inspector/session", own, "DELETE")).toMatchObject({
      status: 204,
    });
    expect(await ask(inspector, "/v1/services", { cookie, ...PAGE })).toMatchObject({
      status: 401,
    });
  });
});

describe("the page", () => {
  it("comes with a policy that lets it do nothing but load itself, also where it is not found", async () => {
    for (const path of ["/inspector/", "/inspector", "/inspector/nosuch.js"]) {
      const { headers } = await ask(inspector, path);
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
      );
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
    expect((await ask(inspector, "/inspector/")).text).not.toMatch(/<script>|\son\w+=|\sstyle=/);
  });

  it("is sent compressed to who takes that, and kept for ever where its name has a digest", async () => {
    const { text } = await ask(inspector, "/inspector/");
    const [, script = ""] = /src="(\/inspector\/assets\/[^"]+\.js)"/.exec(text) ?? [];
    const { headers } = await ask(inspector, script, { "accept-encoding": "br" });
    expect(headers["content-encoding"]).toBe("br");
    expect(headers["cache-control"]).toContain("immutable");
    expect((await ask(inspector, "/inspector/")).headers["cache-control"]).toBe("no-store");
  });

  it.each([
    "/inspector/../../package.json",
    "/inspector/%2e%2e/%2e%2e/package.json",
    "/inspector/..%2f..%2fpackage.json",
    "/inspector/assets/..%5c..%5cx",
  ])("gives no file from elsewhere: %s", async (path) => {
    const { status, text } = await ask(inspector, path);
    expect([path, status >= 400]).toEqual([path, true]);
    expect(text).not.toContain('"dependencies"');
  });
});

describe("the listener with tokens", () => {
  const send = (token: unknown, headers = {}) =>
    ask(
      tcp,
      "/inspector/session",
      { "content-type": "application/json", origin: `http://127.0.0.1:${tcp}`, ...headers },
      "POST",
      JSON.stringify({ token }),
    );

  it("has the page too, and takes a token for a session", async () => {
    expect((await ask(tcp, "/inspector/")).status).toBe(200);
    const { status, headers } = await send(TOKEN);
    const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
    expect(status).toBe(204);
    const { text } = await ask(tcp, "/inspector/session", { cookie, "sprite-page": "1" });
    expect(JSON.parse(text)).toMatchObject({ actor: "token:default" });
  });

  it("counts wrong tokens as guesses, and refuses what is none", async () => {
    expect((await send(7)).status).toBe(400);
    expect((await send("")).status).toBe(400);
    const statuses = [];
    for (let guess = 0; guess < 12; guess += 1)
      statuses.push((await send(`guess-${guess}`)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
  });
});
