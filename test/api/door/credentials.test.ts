import { expect, it } from "vitest";
import { presentedToken } from "../../../src/api/door/credentials.ts";
import { tokenBook } from "../../../src/api/door/tokens.ts";

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

it.each([
  ["Bearer abc", "abc"],
  ["bearer abc", "abc"],
  ["BEARER   abc ", "abc"],
  ["Bearer org/id/token/value==", "org/id/token/value=="],
  [basic("bearer:abc"), "abc"],
  [basic("bearer:a:b"), "a:b"],
  [basic("bearer:"), ""],
  [basic("root:abc"), ""],
  ["Basic !!!", ""],
  ["Bearer", ""],
  ["Bearer a b", ""],
  ["abc", ""],
  ["FlyV1 abc", ""],
  ["", ""],
])("Authorization: %s has the token %j", (authorization, token) => {
  expect(presentedToken({ authorization })).toBe(token);
});

it.each([
  ["state=abc", "abc"],
  ["instance=x;state=abc;t=1", "abc"],
  ["instance=x; state=api:abc", "abc"],
  ["state=a=b", "a=b"],
  ["state=", undefined],
  ["instance=x", undefined],
  ["state=proxy::x:abc", undefined],
])("fly-replay-src: %s has the token %j", (header, token) => {
  expect(presentedToken({ "fly-replay-src": header })).toBe(token);
});

it("takes Authorization over fly-replay-src, and finds none where neither is", () => {
  expect(presentedToken({ authorization: "Bearer a", "fly-replay-src": "state=b" })).toBe("a");
  expect(presentedToken({})).toBeUndefined();
});

it("knows whose a token is, and takes no other", () => {
  const find = tokenBook([
    { name: "ci", token: "aaaa", readOnly: false },
    { name: "board", token: "bbbb", readOnly: true },
  ]);

  expect(find("aaaa")).toEqual({ name: "ci", readOnly: false });
  expect(find("bbbb")).toEqual({ name: "board", readOnly: true });
  for (const wrong of ["", "aaa", "aaaaa", "AAAA", "aaaabbbb"]) expect(find(wrong)).toBeUndefined();
});
