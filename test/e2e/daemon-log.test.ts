import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootedSprite, sprite, type Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

function configured(made: Sprite, config: object): string[] {
  const file = join(made.dir, "config.json");
  writeFileSync(file, JSON.stringify(config));
  return ["--config", file];
}

/** The token is too short, which is a warning; a main process that fails is an error, and ends the daemon. */
const FAILS = ["-listen", "127.0.0.1:0", "--", "sh", "-c", "exit 3"];
const SHORT_TOKEN = { SPRITE_HTTP_API_TOKEN: "short" };

const levelsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/^\S+Z ([A-Z]+) /gm)].map(([, level = ""]) => level)),
];

describe("the daemon's log", () => {
  it.each([
    ["-log-json", () => ["-log-json"]],
    ["log_json", (made: Sprite) => configured(made, { log_json: true })],
  ])("is JSON, an object a line from first to last, with %s", async (_, flags) => {
    const made = sprite();
    const daemon = made.launch({ flags: [...flags(made), ...FAILS], env: SHORT_TOKEN });
    const { code, stderr } = await daemon.ended;
    const lines = stderr.trimEnd().split("\n");

    expect(code).toBe(3);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      lines.map(() =>
        expect.objectContaining({
          level: expect.any(String) as string,
          time: expect.any(String) as string,
          msg: expect.any(String) as string,
        }),
      ),
    );
    expect(stderr).toContain('"msg":"the daemon ended"');
  });

  it("is text without either, a line each", async () => {
    const made = sprite();
    const { stderr } = await made.launch({ flags: FAILS, env: SHORT_TOKEN }).ended;

    expect(stderr).toMatch(/^(\d{4}-\S+Z [A-Z]+ +\S.*\n)+$/);
  });

  it.each([
    ["debug", ["DEBUG", "ERROR", "INFO", "WARN"]],
    ["info", ["ERROR", "INFO", "WARN"]],
    ["warn", ["ERROR", "WARN"]],
    ["error", ["ERROR"]],
    ["silent", []],
  ])("has what log_level lets through: %s", async (level, expected) => {
    const made = sprite();
    const flags = [...configured(made, { log_level: level }), ...FAILS];
    const { code, stderr } = await made.launch({ flags, env: SHORT_TOKEN }).ended;

    expect(code).toBe(3);
    expect(levelsIn(stderr).toSorted()).toEqual(expected);
    if (level === "silent") expect(stderr).toBe("");
  });
});

it("-debug logs for whoever looks for a fault, opens the debug endpoints, and names the orphans that were reaped", async () => {
  const made = await bootedSprite({ flags: ["-debug", "-reaper", "on"] });
  const { text } = await made.ask({ method: "POST", path: "/debug/create-zombie" });
  const { pid } = JSON.parse(text) as { pid: number };
  const path = `/debug/check-process?pid=${pid}`;
  const isThere = async () => JSON.parse((await made.ask({ path })).text) as { exists: boolean };
  await until("it was reaped", async () => !(await isThere()).exists);

  expect(made.daemon?.said()).toMatch(new RegExp(`DEBUG an orphan was reaped.* orphan=${pid} `));
});
