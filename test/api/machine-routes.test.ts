import { expect, it } from "vitest";
import { fakeApi } from "./fake-services.ts";

it.each(["/checkpoint", "/restore"])(
  "%s: checkpoints are known, and refused by name",
  async (path) => {
    const { app } = fakeApi();
    for (const prefix of ["", "/v1", "/v1/sprites/box"]) {
      const { statusCode, body } = await app.inject({ method: "POST", url: `${prefix}${path}` });
      if (prefix.endsWith("box") && statusCode === 404) continue; // the fake has another name
      expect(statusCode).toBe(400);
      expect(JSON.parse(body)).toMatchObject({
        error: "not_built_yet",
        message: expect.stringContaining(path) as string,
      });
    }
  },
);

it("the debug endpoints are there with debug alone", async () => {
  const asked = ["/debug/create-zombie", "/debug/check-process?pid=7"];
  const { app } = fakeApi();
  for (const url of asked) expect((await app.inject(url)).statusCode).toBe(404);
  const debug = {
    createZombie: async () => 7,
    check: (pid: number) => (pid === 7 ? { name: "sh", state: "Z", parent: 1 } : undefined),
  };
  const { app: debugging } = fakeApi({}, { debug });

  expect((await debugging.inject({ method: "POST", url: "/debug/create-zombie" })).json()).toEqual({
    pid: 7,
  });
  expect((await debugging.inject("/debug/create-zombie")).json()).toEqual({ pid: 7 });
  expect((await debugging.inject("/debug/check-process?pid=7")).json()).toEqual({
    pid: 7,
    exists: true,
    is_zombie: true,
    state: "Z",
    name: "sh",
    ppid: 1,
  });
  expect((await debugging.inject("/debug/check-process?pid=8")).json()).toEqual({
    pid: 8,
    exists: false,
    is_zombie: false,
  });
  for (const query of ["", "?pid=0", "?pid=x", "?pid=1&more=2"])
    expect((await debugging.inject(`/debug/check-process${query}`)).statusCode).toBe(400);
});
