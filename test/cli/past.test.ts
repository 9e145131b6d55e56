import { afterEach, describe, expect, it } from "vitest";
import { cli, COMPLETE, failing, fakeDaemon, STARTED, WEB, type FakeDaemon } from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

describe("services rollback", () => {
  const answering = async (): Promise<FakeDaemon> => {
    const answers = { "POST /v1/services/web/rollback": () => STARTED + COMPLETE };
    return (daemon = await fakeDaemon(answers));
  };

  it("asks for the version before and prints the lines as they came", async () => {
    const { socket, seen } = await answering();

    const ran = await cli(["services", "rollback", "web"], { socket });

    expect(ran).toMatchObject({ code: 0, stdout: STARTED + COMPLETE, stderr: "" });
    expect(seen.map(({ url }) => url)).toEqual(["/v1/services/web/rollback"]);
  });

  it("sends a version, a condition and how long to watch", async () => {
    const { socket, seen } = await answering();

    await cli(["services", "rollback", "web", "3", "--if-match", "5", "--no-stream"], { socket });

    expect(seen[0]?.url).toBe("/v1/services/web/rollback?version=3&duration=0s");
    expect(seen[0]?.headers["if-match"]).toBe('"5"');
  });

  it("exits 3 where there is no such version", async () => {
    const answers = {
      "POST /v1/services/web/rollback": failing(404, "version_not_found", "none of that number"),
    };
    const { socket } = (daemon = await fakeDaemon(answers));

    expect(await cli(["services", "rollback", "web", "9"], { socket })).toMatchObject({
      code: 3,
      stderr: "sprite-env: none of that number\n",
    });
  });

  it("exits 1 where the service fails while it is watched", async () => {
    const failed = '{"type":"exit","exit_code":1,"timestamp":1}\n';
    const answers = {
      "POST /v1/services/web/rollback": () => STARTED + failed,
      "GET /v1/services/web": () => WEB,
    };
    const { socket } = (daemon = await fakeDaemon(answers));

    expect(await cli(["services", "rollback", "web"], { socket })).toMatchObject({ code: 1 });
  });
});

describe("a question about the past is refused before anything is read", () => {
  it.each([
    [["state"], "whose state? Name a service, or give --all"],
    [["state", "web", "--all"], "web and --all contradict each other: give one of them"],
    [["diff"], "--from is missing: The earlier moment"],
    [["services", "versions"], "NAME is missing: Name of the service"],
    [["services", "diff", "web", "x"], 'FROM is "x": allowed is a whole number from 1 to'],
    [["services", "diff", "web", "1", "-2"], 'TO is "-2": allowed is a whole number from 1 to'],
    [["services", "diff", "web", "1", "2", "3"], 'unexpected "3"'],
    [["services", "rollback", "web", "last"], 'VERSION is "last": allowed is a whole number'],
    [["boot", "1"], 'there is no verb "1": known are list, show, diff'],
    [["boot", "--explian"], "there is no flag --explian: did you mean --explain?"],
    [["boot", "-1"], "a verb is missing: boot list, boot show or boot diff; or --explain"],
    [["boot", "show", "-x"], "there is no flag -x"],
  ])("%j", async (words, message) => {
    const ran = await cli(words, { socket: "/nonexistent/api.sock" });

    expect(ran.code).toBe(2);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toContain(message);
  });

  it("boot alone shows its help, and is no success", async () => {
    const ran = await cli(["boot"]);

    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("Usage: sprite-env boot VERB, or sprite-env boot [BOOT] [flags]");
  });
});
