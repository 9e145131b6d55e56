import { expect, it } from "vitest";
import { STATUS } from "../../src/api/status.ts";
import { AppError, type ErrorCode, ERRORS } from "../../src/base/errors.ts";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { page, rowsOf } from "./markdown.ts";

const rows = rowsOf(page("errors.md"));
const codes = Object.keys(ERRORS) as ErrorCode[]; // they are its own

it("lists every code once, in the order of the code", () => {
  expect(rows.map(([code]) => code)).toEqual(codes.map((code) => `\`${code}\``));
});

it.each(codes)("has the status, exit code and meaning of %s, and what to do", (code) => {
  const [, status, exit, meaning, advice = ""] =
    rows.find(([name]) => name === `\`${code}\``) ?? [];

  expect([status, exit]).toEqual([
    String(STATUS[code]),
    String(exitCodeOf(new AppError(code, ""))),
  ]);
  expect(meaning?.toLowerCase()).toBe(`${ERRORS[code].toLowerCase()}.`);
  expect(advice.length).toBeGreaterThan(10);
});
