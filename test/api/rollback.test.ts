import { describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { fakeApi } from "./fake-services.ts";
import { errorOf } from "./requests.ts";

const post = (query = "", headers: Record<string, string> = {}) => ({
  method: "POST" as const,
  url: `/v1/services/web/rollback${query}`,
  headers,
});

describe("POST /services/:name/rollback", () => {
  it("asks for the version before, watched for 5 seconds, and streams what comes of it", async () => {
    const { app, asked } = fakeApi();

    const response = await app.inject(post());

    expect(response.statusCode).toBe(200);
    expect(response.body).toContain('"type":"complete"');
    expect(asked).toMatchObject([{ command: "rollback", args: ["web", undefined, 5_000] }]);
  });

  it("takes a version, a duration, and the headers of a command", async () => {
    const { app, asked } = fakeApi();
    const headers = { "if-match": '"7"', "idempotency-key": "k1" };

    await app.inject(post("?version=3&duration=0s", headers));

    expect(asked).toMatchObject([
      { args: ["web", 3, 0], caller: { ifMatch: 7, key: { value: "k1" } } },
    ]);
  });

  it.each(["?version=0", "?version=-1", "?version=x", "?version=1.5", "?versoin=1", "?version="])(
    "refuses %s",
    async (query) => {
      const { app, asked } = fakeApi();

      const response = await app.inject(post(query));

      expect(response.statusCode).toBe(400);
      expect(errorOf(response)).toMatchObject({ error: "invalid_request" });
      expect(asked).toEqual([]);
    },
  );

  it("says 404 where there is no such version", async () => {
    const { app } = fakeApi({
      rollback: async () => {
        throw new AppError("version_not_found", "none");
      },
    });

    const response = await app.inject(post());

    expect(response.statusCode).toBe(404);
    expect(errorOf(response)).toEqual({ error: "version_not_found", message: "none" });
  });

  it("is no GET", async () => {
    const { app } = fakeApi();

    const response = await app.inject({ method: "GET", url: "/v1/services/web/rollback" });

    expect(response.statusCode).toBe(405);
    expect(response.headers["allow"]).toBe("POST");
  });
});

describe("the read models", () => {
  const projections = (rebuilt: string[]) => ({
    states: () => [
      { name: "services", version: 1, seq: 12, ...(rebuilt.length === 0 && { stale: "a bug" }) },
    ],
    rebuild: async (name: string) => {
      if (name !== "services") throw new AppError("not_found", `there is no read model "${name}"`);
      rebuilt.push(name);
    },
  });

  it("are listed with why one is not read", async () => {
    const { app } = fakeApi({}, { projections: projections([]) });

    const response = await app.inject({ method: "GET", url: "/v1/projections" });

    expect(response.json()).toEqual([{ name: "services", version: 1, seq: 12, stale: "a bug" }]);
  });

  it("are made anew on request, and shown as they are then", async () => {
    const rebuilt: string[] = [];
    const { app } = fakeApi({}, { projections: projections(rebuilt) });

    const response = await app.inject({ method: "POST", url: "/v1/projections/services/rebuild" });

    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ name: "services", version: 1, seq: 12 });
    expect(rebuilt).toEqual(["services"]);
  });

  it.each([
    ["nothing", 404, "not_found"],
    ["Services", 400, "invalid_request"],
    ["..%2f", 400, "invalid_request"],
  ])("are not %s", async (name, status, error) => {
    const { app } = fakeApi({}, { projections: projections([]) });

    const response = await app.inject({
      method: "POST",
      url: `/v1/projections/${name}/rebuild`,
    });

    expect(response.statusCode).toBe(status);
    expect(errorOf(response)).toMatchObject({ error });
  });
});
