import { describe, expect, it } from "vitest";
import { bootedSprite, fixture } from "../support/daemon.ts";
import { signal } from "../support/processes.ts";
import { ofServices, putStubborn } from "../support/services.ts";
import { until } from "../support/until.ts";

const forever = { cmd: fixture("forever") };

describe("delete", () => {
  it.each<[string, object, string]>([
    ["running", { cmd: fixture("family") }, "running"],
    ["crashed", { cmd: "false", backoff: { first: "30s" } }, "crashed"],
    ["failed", { cmd: "false", restart: "never" }, "failed"],
  ])("ends and removes a service that is %s", async (_, definition, phase) => {
    const made = await bootedSprite();
    await made.put("web", definition);
    await made.untilState("web", `is ${phase}`, (state) => state.phase === phase);
    const { code } = await made.cli("services", "delete", "web");

    expect(code).toBe(0);
    expect(ofServices(made)).toEqual([]);
    expect((await made.cli("services", "get", "web")).code).toBe(3);
    await made.shutDown();
    await made.boot();
    expect((await made.cli("services", "get", "web")).code).toBe(3);
  });

  it("lets the name be used again, with a version that goes on", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    await made.cli("services", "delete", "web");
    await made.put("web", { cmd: "sleep", args: ["100000"] });

    expect(await made.get("web")).toMatchObject({ cmd: "sleep", state: { version: 2 } });
  });

  it("goes on over a SIGKILL of the daemon", async () => {
    const made = await bootedSprite();
    await putStubborn(made, "web");
    const { pid = 0 } = await made.state("web");
    const deleting = made.cli("services", "delete", "web");
    await until("it is asked for", () => made.rowsOf("web", "service.delete_requested").length > 0);
    await made.killDaemon();
    expect((await deleting).code).not.toBe(0);
    signal(pid, "SIGKILL");
    await made.boot();

    await until("it is gone", async () => (await made.cli("services", "get", "web")).code === 3);
    expect(made.rowsOf("web", "process.spawn_requested")).toHaveLength(1);
    expect(ofServices(made)).toEqual([]);
  });

  it("is refused while another service needs it", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { code, stderr } = await made.cli("services", "delete", "db");

    expect(code).toBe(4);
    expect(stderr).toContain("service web depends on db");
    expect(made.rowsOf("db", "service.delete_requested")).toEqual([]);
    expect((await made.state("db")).status).toBe("running");
  });
});
