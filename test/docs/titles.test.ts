import { describe, expect, it } from "vitest";
import { titlesOf } from "./titles.ts";

describe("the titles of a file of tests", () => {
  it.each([
    [`it("adds up", () => {});`],
    [`test("adds up", async () => {});`],
    [`it('adds up', { timeout: 9 }, () => {});`],
    ["it(`adds up`, f);"],
    [`it.each([["no title", 1]])("adds up", f);`],
    ['it.each`a | b\n${1} | ${2}`("adds up", f);'],
    [`it.runIf(isRoot)("adds up", f);`],
    [`it.skipIf(!isRoot).each<[string]>(rows)("adds up", f);`],
    [`it.for(rows)("adds up", { timeout: 9 }, (row, { skip }) => skip(row === "", "no row"));`],
    [`describe.runIf(isRoot)("no title", () => { it("adds up", f); });`],
  ])("has the one of %s", (source) => {
    expect(titlesOf(source)).toEqual(["adds up"]);
  });

  it.each([
    [`it.skip("adds up", f);`],
    [`it.todo("adds up");`],
    [`it.todo("adds up", f);`],
    [`it.fails("adds up", f);`],
    [`it.skip.each(rows)("adds up", f);`],
    [`it.each(rows).skip("adds up", f);`],
    [`it("adds up", { skip: true }, f);`],
    [`it("adds up");`],
    [`describe.skip("sums", () => { it("adds up", f); });`],
    [`describe("sums", { todo: true }, () => { it("adds up", f); });`],
    [`describe("adds up", () => {});`],
    [`// it("adds up", f);`],
    [`/* it("adds up", f); */`],
    ["const text = 'it(\"adds up\", f)';"],
    [`expect("adds up", f);`],
  ])("has none of %s", (source) => {
    expect(titlesOf(source)).toEqual([]);
  });

  it("ends where a template goes on with what is not known", () => {
    expect(titlesOf("it(`adds up ${COUNT} numbers`, f);")).toEqual(["adds up "]);
  });
});
