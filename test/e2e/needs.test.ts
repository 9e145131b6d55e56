import { describe, expect, it } from "vitest";
import { bootedSprite, fixture } from "../support/daemon.ts";
import { ofServices } from "../support/services.ts";

const forever = { cmd: fixture("forever") };

describe("what a running service needs", () => {
  it("is not stopped, and the refusal names who needs it and the way out", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { code, stderr } = await made.cli("services", "stop", "db");

    expect(code).toBe(4);
    expect(stderr).toContain(
      "cannot stop service db: service web depends on it and is running (--with-dependents",
    );
    expect((await made.state("db")).status).toBe("running");
  });

  it("is stopped with --with-dependents, after those", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("api", { ...forever, needs: ["db"] });
    await made.put("page", { ...forever, needs: ["api"] });
    await made.untilRunning("page");
    const { code } = await made.cli("services", "stop", "db", "--with-dependents");

    expect(code).toBe(0);
    expect(ofServices(made)).toEqual([]);
    const seqOf = (name: string, type: string) => made.rowsOf(name, type).at(-1)?.seq ?? -1;
    const asked = (name: string) => seqOf(name, "service.stop_requested");
    expect(asked("api")).toBeGreaterThan(seqOf("page", "incarnation.emptied"));
    expect(asked("db")).toBeGreaterThan(seqOf("api", "incarnation.emptied"));
  });

  it("can be restarted; who needs it is left running", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { pid: web } = await made.state("web");
    const { pid: db } = await made.state("db");
    const { code } = await made.cli("services", "restart", "db", "--no-stream");

    expect(code).toBe(0);
    expect((await made.state("db")).pid).not.toBe(db);
    expect((await made.state("web")).pid).toBe(web);
  });

  it("is started with who needs it, as its cause", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    await made.cli("services", "stop", "db", "--with-dependents");
    await made.cli("services", "start", "web", "--no-stream");
    await made.untilRunning("web");

    const asked = made.rowsOf("web", "service.start_requested").at(-1);
    expect(made.rowsOf("db", "service.start_requested").at(-1)).toMatchObject({
      actor: "runtime",
      cause: asked?.id,
    });
  });
});
