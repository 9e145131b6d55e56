import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, it, vi } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { parseFlags } from "../../src/config/flags.ts";
import { loadConfig } from "../../src/config/load.ts";
import { configSchema } from "../../src/config/schema.ts";
import type { System } from "../../src/config/system.ts";

/** Each run writes and reads a file: on a busy machine that takes its time. */
const PATIENCE = { timeout: 60_000 };

const dir = mkdtempSync(join(tmpdir(), "sprite-config-fuzz-"));
const path = join(dir, "config.json");
afterAll(() => rmSync(dir, { recursive: true }));
vi.setConfig({ testTimeout: 60_000 }); // hundreds of files, on a machine that may be busy

const system: System = {
  env: {
    HOME: dir,
    XDG_RUNTIME_DIR: "/run/user/7",
    KNOWN: "known",
    SPRITE_HTTP_API_TOKEN: "0".repeat(32),
  },
  cwd: dir,
  uid: 7,
  hostname: "box",
  program: "sprite-env",
  canWrite: () => false,
};

/** undefined where the file was taken. @throws what is no refusal in our words */
function refusalOf(content: string | Uint8Array): AppError | undefined {
  writeFileSync(path, content);
  try {
    loadConfig(parseFlags(["--config", path]), system);
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const KEYS = Object.keys(configSchema.properties);
const LATER: readonly string[] = configSchema["x-later"];

const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 53,
    "",
    "0600",
    "30s",
    "-1s",
    "info",
    ":8080",
    [],
    {},
  ),
  fc.constantFrom<unknown>(
    { $env: "KNOWN" },
    { $env: "UNKNOWN" },
    { $env: 5 },
    { $env: "KNOWN", x: 1 },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

it("whatever a key is set to, it is taken, or refused by its name", PATIENCE, () => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), value, (key, given) => {
      const refusal = refusalOf(JSON.stringify({ [key]: given }));
      if (!refusal) return;
      expect(["config_invalid", "not_built_yet"]).toContain(refusal.code);
      expect(refusal.message).toContain(key);
    }),
    { numRuns: 200 },
  );
});

it(
  "a key that is unknown or comes later is refused by its name, whatever it is set to",
  PATIENCE,
  () => {
    const unknown = fc.string({ minLength: 1, maxLength: 20 }).filter((key) => !KEYS.includes(key));
    fc.assert(
      fc.property(fc.oneof(unknown, fc.constantFrom(...LATER)), value, (key, given) => {
        const refusal = refusalOf(`{${JSON.stringify(key)}:${JSON.stringify(given)}}`);
        expect(refusal?.code).toBe(LATER.includes(key) ? "not_built_yet" : "config_invalid");
        expect(refusal?.message).toContain(key);
      }),
    );
  },
);

it("any other file is refused with its path", PATIENCE, () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each).toString("latin1")),
    fc.json({ maxDepth: 4 }),
    fc.json({ maxDepth: 4 }).map((text) => text.slice(0, -1)),
  );
  fc.assert(
    fc.property(bytes, (content) => {
      const refusal = refusalOf(content);
      if (refusal) expect(refusal.message.length).toBeLessThan(1_000);
      if (refusal && !isObject(content)) expect(refusal.message).toContain(path);
    }),
    { numRuns: 200 },
  );
});

function isObject(content: string | Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(content).toString());
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false; // no JSON
  }
}
