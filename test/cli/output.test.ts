import { afterEach, expect, it } from "vitest";
import { builtCli, cliOnTerminal, fakeDaemon, run, WEB, type FakeDaemon } from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

async function inShell(script: string): Promise<Awaited<ReturnType<typeof run>>> {
  daemon = await fakeDaemon({
    "GET /v1/services": () => [WEB],
    "GET /v1/services/web": () => WEB,
    "GET /v1/services/web/logs": (_request, response) => {
      response.write('{"type":"stdout","data":"hello\\n","timestamp":1}\n');
      return response;
    },
  });
  const program = `'${process.execPath}' '${await builtCli()}'`;
  return run("bash", ["-c", script.replaceAll("sprite-env", program)], { socket: daemon.socket });
}

it("a full disk behind standard output is a failure, and said", async () => {
  const { code, stderr } = await inShell("sprite-env services list > /dev/full");

  expect(stderr).toBe(
    "sprite-env: standard output cannot be written: no space left where it goes\n",
  );
  expect(code).toBe(1);
});

it("a closed or full standard error changes nothing of what is asked for", async () => {
  const closed = await inShell("sprite-env services get nope 2>&-; echo $?");
  const full = await inShell("sprite-env services get web 2>/dev/full | head -n 1");

  expect(closed.stdout).toBe("3\n");
  expect(full.stdout).toBe("{\n");
});

it("Ctrl-C in the middle of a stream ends it as any program", async () => {
  const script =
    "sprite-env services logs -f web & pid=$!; sleep 1; kill -INT $pid; wait $pid; echo $?";

  const { stdout } = await inShell(`set -m; ${script}`);

  expect(stdout).toContain("hello");
  expect(stdout.trim().endsWith("130")).toBe(true);
});

it("`sprite-env` alone and `sprite-env services` alone print help", async () => {
  const alone = await inShell("sprite-env");
  const group = await inShell("sprite-env services");

  expect(alone).toMatchObject({ code: 0, stderr: "" });
  expect(alone.stdout).toContain("services");
  expect(alone.stdout).toContain("Examples:");
  expect(group).toMatchObject({ code: 2, stdout: "" });
  expect(group.stderr).toContain("Usage: sprite-env services VERB");
});

it("help, --help and the release are told in each of their spellings", async () => {
  const [help, flag] = [
    await inShell("sprite-env help services stop"),
    await inShell("sprite-env services stop --help"),
  ];
  const inGroup = await inShell("sprite-env services help stop");
  const releases = await inShell("sprite-env version; sprite-env --version; sprite-env -v");

  expect(help.stdout).toBe(flag.stdout);
  expect(inGroup.stdout).toBe(flag.stdout);
  expect(help.stdout).toContain("Usage: sprite-env services stop");
  expect(new Set(releases.stdout.trim().split("\n")).size).toBe(1);
});

it("help is no wider than the terminal", async () => {
  const { stdout } = await cliOnTerminal(["services", "stop", "--help"], {
    env: { COLUMNS: "60" },
  });

  const prose = stdout.split("Examples:")[0] ?? "";
  expect(Math.max(...prose.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(60);
});

it("a verb that fails in a way nobody foresaw is told as a bug, with its place", async () => {
  daemon = await fakeDaemon({ "GET /v1/services": () => [{ name: "web" }] });

  const { code, stderr } = await run(
    process.execPath,
    [await builtCli(), "services", "list", "--table"],
    { socket: daemon.socket },
  );

  expect(code).toBe(1);
  expect(stderr).toContain("a bug, please report it");
});
