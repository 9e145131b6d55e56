import { afterEach, expect, it } from "vitest";
import { cli, failing, fakeDaemon, WEB, type FakeDaemon } from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

async function withServices(...names: string[]): Promise<string> {
  const unknown = (name: string) =>
    failing(404, "service_not_found", `no service named "${name}": "services list" shows them`);
  daemon = await fakeDaemon({
    "GET /v1/services": () => names.map((name) => ({ ...WEB, name })),
    "GET /v1/services/pstgres": unknown("pstgres"),
    "GET /v1/services/zzz": unknown("zzz"),
    "POST /v1/services/pstgres/stop": unknown("pstgres"),
    "POST /v1/services/zzz/stop": unknown("zzz"),
  });
  return daemon.socket;
}

it("a mistyped service: names the one that was probably meant", async () => {
  const socket = await withServices("postgres", "web");

  const { code, stderr } = await cli(["services", "get", "pstgres"], { socket });

  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: 'sprite-env: no service named "pstgres": did you mean postgres?\n',
  });
});

it("of several, each that is mistyped", async () => {
  const socket = await withServices("postgres", "web");

  const { code, stderr } = await cli(["services", "stop", "pstgres", "zzz"], { socket });

  expect(code).toBe(3);
  expect(stderr.split("\n").toSorted()).toEqual([
    "",
    'sprite-env: no service named "pstgres": did you mean postgres?',
    'sprite-env: no service named "zzz": "services list" shows them',
  ]);
});

it("where none is near, nothing is guessed", async () => {
  const socket = await withServices("postgres");

  const { stderr } = await cli(["services", "get", "zzz"], { socket });

  expect(stderr).toBe('sprite-env: no service named "zzz": "services list" shows them\n');
});

it.each([
  [["lsit"], 'did you mean "sprite-env services list"?'],
  [["start", "web"], 'did you mean "sprite-env services start"?'],
  [["evnets"], 'did you mean "sprite-env events"?'],
  [["help", "servics"], 'did you mean "sprite-env services"?'],
  [["services", "kill", "web", "TERM"], 'did you mean "sprite-env services signal"?'],
  [["services", "stop", "web", "--timeuot", "1s"], "did you mean --timeout?"],
  [["services", "list", "-x"], "there is no flag -x"],
  [["completion", "bsh"], "did you mean bash?"],
  [["completion", "powershell"], "it is made for bash, zsh and fish"],
  [["services", "get"], "NAME is missing"],
  [["services", "get", "a", "b"], 'unexpected "b"'],
])("%j: %s", async (words, sentence) => {
  const { code, stderr, stdout } = await cli(words);

  expect(stderr).toContain(sentence);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});
