import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ensureDirectory } from "../../src/base/directories.ts";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "sprite-env-directories-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it("makes what is missing, with its mode, and says whether it had to", () => {
  expect(ensureDirectory(join(dir, "a/b"), 0o700)).toBe(true);
  expect(ensureDirectory(join(dir, "a/b"), 0o700)).toBe(false);
  expect(statSync(join(dir, "a")).mode & 0o777).toBe(0o700);
});

it("fails where a file has the name, or one above it", () => {
  writeFileSync(join(dir, "file"), "");
  expect(() => ensureDirectory(join(dir, "file"), 0o700)).toThrow(/EEXIST/);
  expect(() => ensureDirectory(join(dir, "file/below"), 0o700)).toThrow(/ENOTDIR/);
});

it("fails at once where no directory can be made", () => {
  expect(() => ensureDirectory("/proc/nope/below", 0o700)).toThrow(/ENOENT/);
});
