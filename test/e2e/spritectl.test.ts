import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { BIN, sprite } from "../support/daemon.ts";

const SPRITECTL = join(dirname(BIN), "spritectl");

it.each([
  ["SPRITE_WRITE_DIR", [], "variable"],
  ["-juicefs-dir, whatever SPRITE_WRITE_DIR says", ["-juicefs-dir", "flag"], "flag"],
])("keeps its state below %s", async (_, flags, written) => {
  const made = sprite();
  const words = [...flags, "--log-dir", made.logDir, "--", "sh", "-c", "echo it ran"];
  const env = { SPRITE_WRITE_DIR: join(made.home, "variable") };
  const { code, stdout } = await made.run([SPRITECTL, ...words], env);

  expect({ code, stdout }).toEqual({ code: 0, stdout: "it ran\n" });
  const places = ["variable", "flag"].filter((place) =>
    existsSync(join(made.home, place, ".sprite/events.db")),
  );
  expect(places).toEqual([written]);
});

it("without a directory to write to starts nothing, and names the variable", async () => {
  const made = sprite();
  const ended = await made.run([SPRITECTL, "--", "sh", "-c", "echo it ran"]);

  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toMatch(/^spritectl: SPRITE_WRITE_DIR is not set/);
});
