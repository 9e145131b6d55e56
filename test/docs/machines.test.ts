import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { diagrams } from "../../scripts/diagrams.ts";

const DOCS = join(import.meta.dirname, "../../docs");

it("the diagrams are those of the machines: node scripts/diagrams.ts makes them", async () => {
  const made = await diagrams();

  expect([...made.keys()]).toEqual([
    "diagrams/environment.svg",
    "diagrams/component.svg",
    "diagrams/service.svg",
    "machines.md",
  ]);
  for (const [path, text] of made) expect(readFileSync(join(DOCS, path), "utf8"), path).toBe(text);
});
