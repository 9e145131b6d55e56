import { describe, expect, it } from "vitest";
import { table } from "../../src/cli/table.ts";
import { cutTo, padTo, textWidth } from "../../src/cli/width.ts";
import { wrapped } from "../../src/cli/wrap.ts";

describe("the width of a text", () => {
  it.each([
    ["web", 3],
    ["", 0],
    ["日本語", 6],
    ["ｆｕｌｌ", 8],
    ["한국어", 6],
    ["e\u0301", 1],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["✅ ok", 5],
    ["❤️", 2],
    ["naïve", 5],
    ["🚀rocket", 8],
    ["a\u200bb", 2],
  ])("%j takes %i columns", (text, columns) => {
    expect(textWidth(text)).toBe(columns);
  });

  it.each([
    ["postgres", 8, "postgres"],
    ["postgres", 7, "postgr…"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["👩‍👩‍👧‍👦 family", 3, "👩‍👩‍👧‍👦…"],
    ["abc", 1, "…"],
    ["abc", 0, ""],
  ])("%j in %i columns is %j", (text, columns, cut) => {
    expect(cutTo(text, columns)).toBe(cut);
  });

  it("is what padding reckons with", () => {
    expect(padTo("日本", 6)).toBe("日本  ");
    expect(padTo("too long", 3)).toBe("too long");
  });
});

describe("a table", () => {
  const lines = (...args: Parameters<typeof table>): string[] => table(...args).split("\n");

  it("lines up columns by what they take on the terminal", () => {
    expect(
      lines(
        ["name", "n"],
        [
          ["日本", "1"],
          ["web", "2"],
        ],
      ),
    ).toEqual(["name  n", "日本  1", "web   2"]);
  });

  it("holds nothing that a terminal would obey or that would turn a line about", () => {
    const text = table(["name", "note"], [["a\u001b[2Jb", "x\r\ny\u202e\u0007"]]);

    expect(text).toBe("name    note\na [2Jb  x y");
    expect(text.split("\n")).toHaveLength(2);
  });

  it("cuts the widest of what may be cut until it fits", () => {
    const rows = [["a-very-long-name", "running", "a note that is longer than that"]];

    const fitted = lines(["name", "state", "note"], rows, undefined, {
      width: 36,
      least: [8, undefined, 8],
    });

    expect(fitted).toEqual(["name          state    note", "a-very-long…  running  a note that…"]);
    expect(fitted.map(textWidth).every((columns) => columns <= 36)).toBe(true);
  });

  it("leaves out what is spare before anything is cut below its least", () => {
    const fit = { width: 18, least: [4, undefined, undefined], spare: [2, 1] };

    expect(
      lines(["name", "state", "pid"], [["postgres", "running", "12345"]], undefined, fit),
    ).toEqual(["name      state", "postgres  running"]);
  });

  it.each([1, 2, 5, 9, 20])("is never wider than %i columns, whatever is in it", (width) => {
    const rows = [["日本語-service", "running", "👩‍👩‍👧‍👦 emoji and\u0000control"]];
    const fit = { width, least: [6, undefined, 4], spare: [1] };

    for (const line of lines(["name", "state", "note"], rows, undefined, fit)) {
      expect(textWidth(line)).toBeLessThanOrEqual(width);
    }
  });
});

it("wraps between words, and never within one", () => {
  expect(wrapped("one two three-and-more four", 9)).toEqual(["one two", "three-and-more", "four"]);
  expect(wrapped("", 9)).toEqual([""]);
});
