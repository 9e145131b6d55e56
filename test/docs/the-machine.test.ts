import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.ts";
import { parseFlags } from "../../src/config/flags.ts";
import { page, rowsOf, section } from "./markdown.ts";

const text = page("the-machine.md");
const TESTS = resolve(import.meta.dirname, "..");

const PARTS = {
  flags: section(text, "### Flags"),
  variables: section(text, "### Variables"),
  keys: section(text, "### Keys of the configuration file"),
  endpoints: section(text, "### Endpoints"),
  promises: section(text, "### Promises"),
};
const named = (part: string): string[] =>
  rowsOf(part).map(([first = ""]) => first.replaceAll("`", ""));

/** What a daemon of this kind is known to take. */
const FLAGS = [
  "-components-dir",
  "-config",
  "-listen",
  "-debug",
  "-log-json",
  "-graceful-shutdown-timeout",
  "-juicefs-dir",
  "-version",
  "--",
];
const VARIABLES = [
  "SPRITE_HTTP_API_TOKEN",
  "SPRITE_WRITE_DIR",
  "SPRITE_S3_ACCESS_KEY",
  "SPRITE_S3_SECRET_ACCESS_KEY",
  "SPRITE_S3_ENDPOINT_URL",
  "SPRITE_S3_BUCKET",
  "SPRITE_S3_REGION",
  "SPRITE_LOCAL_MODE",
  "SPRITE_KEEP_ALIVE_ON_ERROR",
];

describe("docs/the-machine.md", () => {
  it("has every flag, variable and key", () => {
    expect(named(PARTS.flags)).toEqual(FLAGS);
    expect(named(PARTS.variables)).toEqual(VARIABLES);
    for (const key of named(PARTS.keys))
      expect(Object.keys(configSchema.properties)).toContain(key);
    expect(named(PARTS.keys)).toHaveLength(15);
    expect(named(PARTS.endpoints)).toHaveLength(5);
  });

  it.each(FLAGS.filter((flag) => flag !== "--" && flag !== "-version"))(
    "%s is a flag, with one dash and with two",
    (flag) => {
      for (const dashes of [flag, `-${flag}`])
        expect(() => parseFlags([`${dashes}=x`])).not.toThrow();
    },
  );

  it.each(Object.values(PARTS).flatMap(rowsOf))("%s: %s", (_name, what, shownBy) => {
    expect(what).not.toBe("");
    const [, file = "", title = ""] = /^(\S+\.test\.ts):\s*(.*)$/.exec(shownBy ?? "") ?? [];
    const path = join(TESTS, file);
    expect(existsSync(path), `${shownBy} is no test`).toBe(true);
    expect(readFileSync(path, "utf8"), path).toContain(title);
  });
});
