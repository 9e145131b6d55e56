import { describe, expect, it } from "vitest";
import { fakeApi } from "./fake-services.ts";
import { errorOf as error } from "./requests.ts";

const signal = (body: unknown) => ({
  method: "POST" as const,
  url: "/v1/services/signal",
  payload: JSON.stringify(body),
});

describe("POST /services/signal", () => {
  it.each([
    ["HUP", "HUP"],
    ["SIGTERM", "TERM"],
    ["sigusr1", "USR1"],
    ["9", "KILL"],
    ["winch", "WINCH"],
    ["IOT", "ABRT"],
    ["POLL", "IO"],
    ["CLD", "CHLD"],
    ["RTMIN", "RTMIN"],
    ["SIGRTMIN+3", "RTMIN+3"],
    ["RTMAX-1", "RTMIN+29"],
    ["RTMAX", "RTMIN+30"],
  ])("sends %s as %s", async (given, sent) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(signal({ name: "web", signal: given }));

    expect([response.statusCode, response.body]).toEqual([204, ""]);
    expect(asked).toMatchObject([{ command: "signal", args: ["web", sent] }]);
  });

  it.each(["FOO", "0", "99", "RTMIN+31", "RTMIN-1", "SIG"])(
    "refuses %j, listing what there is",
    async (given) => {
      const { app, asked } = fakeApi();
      const response = await app.inject(signal({ name: "web", signal: given }));

      expect(response.statusCode).toBe(400);
      expect(error(response)["message"]).toMatch(
        /^signal is ".*": allowed is one of HUP, INT, .*RTMIN to RTMIN\+30$/,
      );
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ["TERM ", "TERM"],
    ["SIGHPU", "HUP"],
  ])("refuses %j, and says which was meant", async (given, meant) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(signal({ name: "web", signal: given }));

    expect(response.statusCode).toBe(400);
    expect(error(response)["message"]).toMatch(new RegExp(`RTMIN\\+30; did you mean ${meant}\\?$`));
    expect(asked).toEqual([]);
  });

  it.each([
    [{ name: "web" }, "signal"],
    [{ signal: "HUP" }, "name"],
    [{ name: "web", signal: "" }, "signal"],
    [{ name: "web", signal: 9 }, "signal"],
  ])("refuses %j", async (body, field) => {
    const response = await fakeApi().app.inject(signal(body));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({ error: "invalid_request", field });
  });
});
