import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { refuseForeign } from "../../../src/api/door/origin.ts";

const own = new Set(["localhost", "box", "sprite.example.com"]);
const asking =
  (headers: IncomingHttpHeaders, isOpen = false) =>
  () =>
    refuseForeign(headers, own, isOpen);

describe("takes", () => {
  it.each<[string, IncomingHttpHeaders]>([
    ["programs, whatever host they name", { host: "evil.example" }],
    ["programs that name none", {}],
    ["our own page", { host: "localhost:8080", origin: "http://localhost:8080" }],
    [
      "our own page, whatever the case",
      { host: "LocalHost:8080", origin: "http://localhost:8080" },
    ],
    ["an address", { host: "192.168.1.5:8080", origin: "http://192.168.1.5:8080" }],
    ["an IPv6 address", { host: "[::1]:8080", origin: "http://[::1]:8080" }],
    ["https in front of us", { host: "sprite.example.com", origin: "https://sprite.example.com" }],
    ["a port that is the scheme's", { host: "box:80", origin: "http://box" }],
    [
      "a cookie of our own page's GET",
      { host: "box:8080", cookie: "a=b", "sec-fetch-site": "same-origin" },
    ],
    ["a cookie with our Origin", { host: "box", cookie: "a=b", origin: "http://box" }],
  ])("%s", (_, headers) => {
    expect(asking(headers)).not.toThrow();
  });

  it("a browser that goes to an open page with cookies of other pages", () => {
    expect(asking({ host: "localhost:8080", cookie: "a=b" }, true)).not.toThrow();
  });
});

describe("refuses", () => {
  it.each<[string, IncomingHttpHeaders]>([
    ["another site", { host: "localhost:8080", origin: "https://evil.example" }],
    ["another port of this machine", { host: "localhost:8080", origin: "http://localhost:3000" }],
    ["a name that leads to us", { host: "evil.example:8080", origin: "http://evil.example:8080" }],
    ["a page without an origin", { host: "localhost", origin: "null" }],
    ["an origin that is none", { host: "localhost", origin: "http://localhost/x" }],
    ["two in one", { host: "localhost", origin: "http://localhost http://evil.example" }],
    ["another scheme", { host: "localhost", origin: "file://localhost" }],
    ["an origin with a user", { host: "localhost", origin: "http://localhost@evil.example" }],
    ["no host", { origin: "http://localhost" }],
    ["a host that is none", { host: "localhost/evil", origin: "http://localhost" }],
    ["a cookie alone", { host: "localhost", cookie: "a=b" }],
    [
      "a cookie for another name",
      { host: "evil.example", cookie: "a=b", "sec-fetch-site": "same-origin" },
    ],
    [
      "a cookie of another site",
      { host: "localhost", cookie: "a=b", "sec-fetch-site": "cross-site" },
    ],
  ])("%s", (_, headers) => {
    expect(asking(headers)).toThrow(expect.objectContaining({ code: "forbidden" }));
  });

  it("even on an open page, what comes from another site or for another name", () => {
    expect(asking({ host: "localhost", origin: "http://evil.example" }, true)).toThrow();
    expect(asking({ host: "evil.example", cookie: "a=b" }, true)).toThrow();
  });
});
