import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MOMENT_ALLOWED, momentOf } from "../../src/offline/moment.ts";

/** A Wednesday, 10:15 in Berlin. */
const NOW = Date.parse("2026-11-25T09:15:00Z");

const { TZ } = process.env;
beforeAll(() => void (process.env["TZ"] = "Europe/Berlin"));
afterAll(() => {
  if (TZ === undefined) delete process.env["TZ"];
  else process.env["TZ"] = TZ;
});

const time = (text: string, now = NOW): string => {
  const moment = momentOf(text, now, "--at");
  if (moment.kind !== "time") throw new Error(`${text} is a ${moment.kind}`);
  return new Date(moment.wall).toISOString();
};

describe("a moment", () => {
  it.each([
    ["1234", 1234],
    ["#1234", 1234],
    ["0", 0],
  ])("%s is a row of the log", (text, seq) => {
    expect(momentOf(text, NOW, "--at")).toEqual({ kind: "seq", seq });
  });

  it("is an event where it is an event's id", () => {
    expect(momentOf("ev_0a1b2C_d", NOW, "--at")).toEqual({ kind: "id", id: "ev_0a1b2C_d" });
  });

  it.each([
    ["now", "2026-11-25T09:15:00.000Z"],
    ["-2h", "2026-11-25T07:15:00.000Z"],
    ["-1h30m", "2026-11-25T07:45:00.000Z"],
    ["-90s", "2026-11-25T09:13:30.000Z"],
    ["-3d", "2026-11-22T09:15:00.000Z"],
    ["-1w", "2026-11-18T09:15:00.000Z"],
    ["-1d2h", "2026-11-24T07:15:00.000Z"],
    ["2h ago", "2026-11-25T07:15:00.000Z"],
    ["3d ago", "2026-11-22T09:15:00.000Z"],
  ])("%s counts from now", (text, expected) => {
    expect(time(text)).toBe(expected);
  });

  it.each([
    ["2026-11-24T13:00:00Z", "2026-11-24T13:00:00.000Z"],
    ["2026-11-24t13:00:00z", "2026-11-24T13:00:00.000Z"],
    ["2026-11-24 13:00:00Z", "2026-11-24T13:00:00.000Z"],
    ["2026-11-24T13:00:00.123456789Z", "2026-11-24T13:00:00.123Z"],
    ["2026-11-24T13:00:00+02:00", "2026-11-24T11:00:00.000Z"],
    ["2026-11-24T13:00:00-05:30", "2026-11-24T18:30:00.000Z"],
    ["2026-11-24T13:00Z", "2026-11-24T13:00:00.000Z"],
  ])("%s says its zone itself", (text, expected) => {
    expect(time(text)).toBe(expected);
  });

  it.each([
    ["2026-11-24 13:00", "2026-11-24T12:00:00.000Z"],
    ["2026-11-24T13:00", "2026-11-24T12:00:00.000Z"],
    ["2026-11-24 13:00:05.5", "2026-11-24T12:00:05.500Z"],
    ["2026-11-24", "2026-11-23T23:00:00.000Z"],
    ["2026-07-01 13:00", "2026-07-01T11:00:00.000Z"],
    ["today", "2026-11-24T23:00:00.000Z"],
    ["today 09:30", "2026-11-25T08:30:00.000Z"],
    ["yesterday", "2026-11-23T23:00:00.000Z"],
    ["yesterday 13:00", "2026-11-24T12:00:00.000Z"],
    ["Yesterday 13:00", "2026-11-24T12:00:00.000Z"],
    ["last tuesday", "2026-11-23T23:00:00.000Z"],
    ["tuesday 13:00", "2026-11-24T12:00:00.000Z"],
    ["last fri 8:00", "2026-11-20T07:00:00.000Z"],
    ["wednesday", "2026-11-17T23:00:00.000Z"],
  ])("%s is a time where we are", (text, expected) => {
    expect(time(text)).toBe(expected);
  });

  it("takes a time of day for the last one that has passed", () => {
    expect(time("10:00")).toBe("2026-11-25T09:00:00.000Z");
    expect(time("10:15")).toBe("2026-11-25T09:15:00.000Z");
    expect(time("13:00")).toBe("2026-11-24T12:00:00.000Z");
  });

  it("counts hours as the clock does on a day on which the clocks change", () => {
    const afterwards = Date.parse("2026-10-26T09:00:00Z");

    expect(time("2026-10-25 13:00", afterwards)).toBe("2026-10-25T12:00:00.000Z");
    expect(time("yesterday 13:00", afterwards)).toBe("2026-10-25T12:00:00.000Z");
    expect(time("2026-03-29 13:00", afterwards)).toBe("2026-03-29T11:00:00.000Z");
  });

  it.each([
    "",
    " ",
    "soon",
    "25:00",
    "13:60",
    "2026-02-30",
    "2026-13-01 13:00",
    "2026-11-24T13:00:00+25:00",
    "2026-11-24T13:00:00X",
    "24.11.2026",
    "tomorrow",
    "last week",
    "-2x",
    "-",
    "ago",
    "-1",
    "1h",
    "#",
    "#-1",
    "ev_",
    "12345678901234567890",
    "yesterday 13",
    "__proto__",
  ])("refuses %j and says what is allowed", (text) => {
    expect(() => momentOf(text, NOW, "--at")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: `--at is "${text}": allowed is ${MOMENT_ALLOWED}`,
      }),
    );
  });
});
