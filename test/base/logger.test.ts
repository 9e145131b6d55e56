import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createLogger, type Logger } from "../../src/base/logger.ts";

const run = promisify(execFile);

function logged(json: boolean, log: (logger: Logger) => void, colour = false): string {
  const lines: string[] = [];
  const out = { write: (line: string) => void lines.push(line) };
  log(createLogger({ level: "debug", json, out, colour }));
  return lines.join("");
}

it("writes JSON, one object a line, with time and level as words", () => {
  const text = logged(true, (logger) => logger.info({ service: "web" }, "started"));

  expect(JSON.parse(text)).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    pid: process.pid,
    service: "web",
    msg: "started",
  });
  expect(text.endsWith("}\n")).toBe(true);
});

it("writes a line for people", () => {
  const text = logged(false, (logger) =>
    logger.warn({ service: "web", file: "/a b" }, "cannot start"),
  );

  expect(text).toMatch(/^\d{4}\S+Z WARN {2}cannot start service=web file="\/a b"\n$/);
});

it("keeps out of the way below its level", () => {
  expect(logged(true, (logger) => logger.trace("x"))).toBe("");
});

it("shows an error with its stack", () => {
  const error = new Error("disk gone", { cause: new Error("EIO") });

  expect(logged(false, (logger) => logger.error({ err: error }, "commit failed"))).toMatch(
    /ERROR commit failed\nError: disk gone[\s\S]*at .*logger\.test\.ts[\s\S]*EIO/,
  );
});

it("colours the level only where it is asked to", () => {
  expect(logged(false, (logger) => logger.error("x"), true)).toContain(
    "\u001b[31mERROR\u001b[0m x",
  );
  expect(logged(false, (logger) => logger.error("x"))).not.toContain("\u001b");
});

it("lets nothing through that a terminal would obey", () => {
  const text = logged(false, (logger) =>
    logger.info({ name: "\u001b[2J" }, "hi \u001b]0;owned\u0007"),
  );

  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\u0007");
});

describe("secrets", () => {
  it.each([
    { env: { TOKEN: "hunter2" } },
    { definition: { cmd: "x", env: { A: "hunter2" } } },
    { list: [{ envValues: { A: "hunter2" } }] },
    { headers: { Authorization: "Bearer hunter2", cookie: "hunter2" } },
    { s3: { secret_key: "hunter2", accessKey: "hunter2" } },
    { a: { b: { c: { d: { e: { password: "hunter2" } } } } } },
  ])("are left out of %j", (fields) => {
    const text = logged(true, (logger) => logger.info(fields, "seen"));

    expect(text).not.toContain("hunter2");
    expect(text).toContain("[redacted]");
  });

  it("do not take harmless names with them", () => {
    const text = logged(true, (logger) => logger.info({ env_names: ["A"], key: "k" }, "x"));

    expect(JSON.parse(text)).toMatchObject({ env_names: ["A"], key: "k" });
  });
});

it("writes to standard error at once, and nothing to standard output", async () => {
  const script = `
    import { createLogger } from "./src/base/logger.ts";
    createLogger({ level: "info", json: true }).info("last words");
    process.kill(process.pid, "SIGKILL");
  `;
  const end = await run(process.execPath, ["--input-type=module", "-e", script]).catch(
    (error: { stdout: string; stderr: string; signal: string }) => error,
  );

  expect(end).toMatchObject({ stdout: "", signal: "SIGKILL" });
  expect(end.stderr).toContain('"msg":"last words"');
});
